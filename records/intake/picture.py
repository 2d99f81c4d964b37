"""From a file's bytes to an upright sRGB JPEG and its thumbnail, in Pillow's terms.

Only ``decode.py`` uses this, in its own process: everything here meets what a stranger sent.
"""

from __future__ import annotations

import io
import os
import struct
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from PIL import (
    AvifImagePlugin,
    ExifTags,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from pillow_heif import open_heif
from pillow_heif import options as heif_options

# A plugin's class is called directly, by the kind the content showed: nothing else can open it,
# and an iPhone's two-picture JPEG ("MPO") is simply its first picture.
OPENERS: dict[bytes, Any] = {
    b"jpeg": JpegImagePlugin.JpegImageFile,
    b"png ": PngImagePlugin.PngImageFile,
    b"webp": WebPImagePlugin.WebPImageFile,
    b"avif": AvifImagePlugin.AvifImageFile,
    b"tiff": TiffImagePlugin.TiffImageFile,
}
SEQUENCE_BRANDS = (b"msf1", b"hevc", b"hevx")
BAND_ROWS = 64
ENOUGH_EDGE = 1600  # reduce while decoding only as long as the long edge keeps this many pixels
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Refused(Exception):
    """Carries a reason code of the room's own ``REASONS``."""


def _webp_size(data: bytes) -> tuple[int, int]:
    """Canvas size from the first chunk: the decoder claims memory for it before one can ask."""
    tag, head = data[12:16], data[20:30]
    if len(head) < 10:
        raise Refused("broken")
    if tag == b"VP8X":
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if tag == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", head[6:10])
    return width & 0x3FFF, height & 0x3FFF


def _check_pixels(size: tuple[int, int], limit: int) -> None:
    if size[0] < 1 or size[1] < 1:
        raise Refused("broken")
    if size[0] * size[1] > limit:
        raise Refused("too_many_pixels")


def _open(kind: bytes, data: bytes, limits: dict[str, int]) -> ImageFile.ImageFile:
    """The undecoded picture, its size checked; for JPEG already told to decode smaller."""
    if kind == b"webp":
        _check_pixels(_webp_size(data), limits["pixels"])
    image: ImageFile.ImageFile = OPENERS[kind](io.BytesIO(data))
    _check_pixels(image.size, limits["pixels"])
    if kind != b"jpeg" and getattr(image, "n_frames", 1) > 1:
        raise Refused("many_pictures" if kind == b"tiff" else "animated")
    if kind == b"jpeg":
        long_edge = max(image.size)
        for scale in (8, 4, 2):
            if -(-long_edge // scale) >= ENOUGH_EDGE:
                image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))
                break
    return image


def _load(kind: bytes, data: bytes, limits: dict[str, int]) -> tuple[Image.Image, object, int]:
    """The decoded picture, already reduced if that is cheaper; its profile; its EXIF turn."""
    if kind == b"heif":
        return _load_heif(data, limits)
    image = _open(kind, data, limits)
    image.load()  # type: ignore[no-untyped-call]
    return image, image.info.get("icc_profile"), _orientation(image)


def _load_heif(data: bytes, limits: dict[str, int]) -> tuple[Image.Image, object, int]:
    """The primary picture of possibly many. The decoder itself turns it upright.

    Reduced band by band out of the decoder's memory: a whole 12 MP copy for Pillow would cost
    50 MB, and as much time as the colours do.
    """
    if data[8:12] in SEQUENCE_BRANDS:
        raise Refused("animated")
    heif = open_heif(data)
    _check_pixels(heif.size, limits["pixels"])
    pixels, stride = heif.data, heif.stride  # decodes; the size may be another one afterwards
    (width, height), mode = heif.size, heif.mode
    _check_pixels((width, height), limits["pixels"])
    factor = _reduction((width, height), limits["edge"]) if mode == "RGB" else 1
    if factor == 1:
        image = Image.frombytes(mode, (width, height), pixels, "raw", mode, stride)
        return image, heif.info.get("icc_profile"), 1
    small = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    for top in range(0, height, BAND_ROWS * factor):
        rows = min(BAND_ROWS * factor, height - top)
        part = pixels[top * stride : (top + rows) * stride]
        band = Image.frombytes("RGB", (width, rows), part, "raw", "RGB", stride)
        small.paste(band.reduce(factor), (0, top // factor))
    return small, heif.info.get("icc_profile"), 1


def _orientation(image: Image.Image) -> int:
    """The EXIF turn (1 to 8). A photo with unreadable EXIF is a photo still: taken as upright."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except MemoryError:
        raise
    except Exception:  # ValueError, TypeError, SyntaxError… all seen from decoders
        return 1


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey to 8-bit by its high byte; ``convert`` would clip it to white."""
    if image.mode in ("I;16", "I;16L"):
        return Image.frombytes("L", image.size, image.tobytes()[1::2])
    if image.mode == "I;16B":
        return Image.frombytes("L", image.size, image.tobytes()[::2])
    if image.mode in ("I", "F"):
        return image.point(lambda value: value * (1 / 256)).convert("L")
    return image


def _reduction(size: tuple[int, int], max_edge: int) -> int:
    """The whole number to divide by so that the long edge fits, or 1 if too little would be left."""
    factor = min(-(-max(size) // max_edge), *size)
    return factor if factor > 1 and max(size) // factor >= ENOUGH_EDGE else 1


def _shrink(image: Image.Image, max_edge: int) -> Image.Image:
    """Whole-number reduction first (cheap), an exact one only when still above ``max_edge``."""
    factor = _reduction(image.size, max_edge)
    if factor > 1:
        image = image.reduce(factor)
    if max(image.size) > max_edge:
        ratio = max_edge / max(image.size)
        size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return image


def _transform(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """By the profile to sRGB, in bands on all processors: it is the dearest step of a phone's JPEG."""
    transform = ImageCms.buildTransform(
        profile, SRGB, image.mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    in_place = image.mode == "RGB"
    done = image if in_place else Image.new("RGB", image.size)
    boxes = [(0, top, image.width, min(top + BAND_ROWS, image.height)) for top in range(0, image.height, BAND_ROWS)]

    def convert_band(box: tuple[int, int, int, int]) -> None:
        band = image.crop(box)
        converted = ImageCms.applyTransform(band, transform, inPlace=in_place)
        done.paste(converted or band, box)

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        list(threads.map(convert_band, boxes))
    return done


def _to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """RGB in sRGB by the embedded profile. A profile that cannot be used is left out of account."""
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    flat = image.convert(image.mode[:-1]) if alpha is not None else image
    if icc and flat.mode in ("RGB", "L", "CMYK"):
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            if not (ImageCms.getProfileDescription(profile) or "").lower().startswith("srgb"):
                flat = _transform(flat, profile)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    flat = flat.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", flat.size, "white")
        white.paste(flat, mask=alpha)
        flat = white
    return flat


def _with_alpha(image: Image.Image) -> Image.Image:
    """Palettes and marked-transparent colours become plain channels, before any averaging."""
    if image.mode in ("RGB", "L", "1") and "transparency" in image.info:
        try:
            return image.convert("RGBA")
        except (ValueError, TypeError, OverflowError):  # a 16-bit file names its colour in 16 bits
            return image.convert("RGB")
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    if image.mode in ("1", "RGBX", "La", "RGBa"):
        return image.convert({"1": "L", "RGBX": "RGB", "La": "LA", "RGBa": "RGBA"}[image.mode])
    return image


def _jpeg(image: Image.Image, quality: int) -> bytes:
    # `info` holds what the file said about itself; Pillow copies a comment of it into a JPEG.
    image.info = {}
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def convert(kind: bytes, data: bytes, limits: dict[str, int]) -> tuple[tuple[int, int], bytes, bytes]:
    """Upright sRGB JPEG of at most ``limits["edge"]`` px and its thumbnail. Raises anything."""
    image, icc, turn = _load(kind, data, limits)
    image = _shrink(_with_alpha(_eight_bit(image)), limits["edge"])
    image = _to_srgb(image, icc if isinstance(icc, bytes) else None)
    if turn in TRANSPOSE:
        image = image.transpose(TRANSPOSE[turn])
    thumb = image.copy() if max(image.size) <= limits["thumb"] else _thumbnail(image, limits["thumb"])
    return image.size, _jpeg(image, limits["quality"]), _jpeg(thumb, limits["quality"])


def _thumbnail(image: Image.Image, edge: int) -> Image.Image:
    ratio = edge / max(image.size)
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def settle(limits: dict[str, int]) -> None:
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = limits["pixels"]
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    AvifImagePlugin.DEFAULT_MAX_THREADS = 4
    heif_options.DECODE_THREADS = 4
    heif_options.THUMBNAILS = heif_options.DEPTH_IMAGES = heif_options.AUX_IMAGES = False


def warm_up(limits: dict[str, int]) -> None:
    """Make Pillow load what it loads on first use, on a picture of our own (saves 45 ms a photo)."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    out = io.BytesIO()
    Image.new("RGB", (16, 8)).save(out, "JPEG", exif=exif)
    convert(b"jpeg", out.getvalue(), limits)

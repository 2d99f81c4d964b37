"""Opens one photo in a process that can lose nothing. Run by ``sandbox.py``, never imported by it.

Started with ``python -I decode.py LIMITS``: no Django, no settings, no key, an empty environment.
The started process (the stem) only loads the decoders and then forks; each fork takes **one**
request from the socket on its standard input, answers it and ends. So a hostile picture meets a
process that never saw another person's photo, yet nobody waits for Python to start.

Request: kind (4 bytes) + length (4 bytes, big-endian) + the file.
Answer: length (4 bytes) + JSON head + picture + thumbnail (both JPEG).
A fork that dies of a signal ends the stem with 128 + that signal; ``sandbox.py`` reads it.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import resource
import signal
import socket
import struct
import sys
import warnings
from pathlib import Path
from typing import Any

from PIL import (
    AvifImagePlugin,
    ExifTags,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
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
}
SEQUENCE_BRANDS = (b"msf1", b"hevc", b"hevx")
BAND_ROWS = 64
ENOUGH_EDGE = 1600  # reduce while decoding only as long as the long edge keeps this many pixels
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
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
    """Carries the reason code of ``pipeline.REASONS``."""


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
        raise Refused("animated")
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


def _to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """RGB in sRGB by the embedded profile. A profile that cannot be used is left out of account."""
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    flat = image.convert(image.mode[:-1]) if alpha is not None else image
    if icc and flat.mode in ("RGB", "L", "CMYK"):
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            if not (ImageCms.getProfileDescription(profile) or "").lower().startswith("srgb"):
                converted = ImageCms.profileToProfile(
                    flat, profile, SRGB, ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB",
                    flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
                )
                flat = converted if converted is not None else flat
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


def _peak_kb() -> int:
    with Path("/proc/self/status").open(encoding="ascii") as status:
        return next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), 0)


def _read(channel: socket.socket, size: int) -> bytearray:
    buffer = bytearray(size)
    view, got = memoryview(buffer), 0
    while got < size:
        part = channel.recv_into(view[got:])
        if part == 0:
            os._exit(0)  # the worker is gone
        got += part
    return buffer


def _confine(limits: dict[str, int]) -> None:
    """Bounds on memory and processor time; no core dump (it would hold the photo), no files."""
    memory = limits["memory_mb"] * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))


def _one_photo(channel: socket.socket, limits: dict[str, int]) -> None:
    """The fork's whole life. Every decoder's exception ends as a reason code."""
    peak = _peak_kb()
    kind, size = struct.unpack(">4sI", _read(channel, 8))
    data = bytes(_read(channel, size))
    _confine(limits)
    picture = thumb = b""
    try:
        (width, height), picture, thumb = convert(kind, data, limits)
        head = {"width": width, "height": height, "image": len(picture), "thumb": len(thumb)}
    except Refused as refused:
        head = {"code": str(refused)}
    except MemoryError:
        head = {"code": "too_heavy"}
    except Exception:  # OSError, ValueError, RuntimeError, SyntaxError… all seen
        head = {"code": "broken"}
    head["rise_kb"] = _peak_kb() - peak
    text = json.dumps(head).encode()
    channel.sendall(struct.pack(">I", len(text)) + text + picture + thumb)


def _harden() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _settle(limits: dict[str, int]) -> None:
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = limits["pixels"]
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    AvifImagePlugin.DEFAULT_MAX_THREADS = 4
    heif_options.DECODE_THREADS = 4
    heif_options.THUMBNAILS = heif_options.DEPTH_IMAGES = heif_options.AUX_IMAGES = False


def _warm_up(limits: dict[str, int]) -> None:
    """Make Pillow load what it loads on first use, on a picture of our own (saves 45 ms a photo)."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    out = io.BytesIO()
    Image.new("RGB", (16, 8)).save(out, "JPEG", exif=exif)
    convert(b"jpeg", out.getvalue(), limits)


def main() -> None:
    """Fork once per photo until the worker closes the socket."""
    limits: dict[str, int] = json.loads(sys.argv[1])
    _harden()
    _settle(limits)
    _warm_up(limits)
    channel = socket.socket(fileno=0)
    parent = os.getpid()
    while True:
        child = os.fork()
        if child == 0:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() == parent:
                _one_photo(channel, limits)
                os._exit(7)  # "served; fork the next one"
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status != 7:
            os._exit(128 - status if status < 0 else status)


if __name__ == "__main__":
    main()

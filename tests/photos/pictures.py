"""Pictures made here, kind and hostile, so that a run without the corpus covers each kind."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

from PIL import Image, ImageCms
from pillow_heif import from_pillow

MARK = b"CANARY-PAYLOAD-7Q"
CORNERS = {"TL": (200, 30, 40), "TR": (40, 150, 70), "BL": (40, 70, 190), "BR": (220, 190, 50)}


def corners(width: int = 640, height: int = 480) -> Image.Image:
    """Four plain quarters, so that each turn and each mirror can be told apart."""
    image = Image.new("RGB", (width, height))
    half_w, half_h = width // 2, height // 2
    for name, colour in CORNERS.items():
        left = half_w if name[1] == "R" else 0
        top = half_h if name[0] == "B" else 0
        image.paste(colour, (left, top, left + half_w + width % 2, top + half_h + height % 2))
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg(width: int = 640, height: int = 480, **options: object) -> bytes:
    return saved(corners(width, height), "JPEG", **{"quality": 92, **options})


def with_secrets(orientation: int = 1) -> dict[str, object]:
    """EXIF with a place, a serial number and a marker, for ``saved``."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "ACME " + MARK.decode()
    exif[0x8825] = {1: "N", 2: (44.0, 58.0, 1.0), 3: "W", 4: (93.0, 16.0, 1.0)}
    return {"exif": exif}


def stored_sideways(orientation: int) -> Image.Image:
    """The picture as a camera stores it under this EXIF number: upright once it is obeyed."""
    undo = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }[orientation]
    return corners() if undo is None else corners().transpose(undo)


def heic(image: Image.Image | None = None, **options: object) -> bytes:
    out = io.BytesIO()
    from_pillow(image or corners()).save(out, quality=90, **options)
    return out.getvalue()


def mpo() -> bytes:
    """As an iPhone writes it: the photo, then a second picture (here one with the marker)."""
    second = Image.new("RGB", (320, 240), "black")
    out = io.BytesIO()
    corners().save(out, "MPO", save_all=True, append_images=[second], quality=92)
    return out.getvalue()


def _chunk(tag: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))


def png(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = _chunk(b"IHDR", head) + extra + _chunk(b"IDAT", zlib.compress(rows, 1)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def png_bomb(edge: int = 16_000) -> bytes:
    """16,000 x 16,000 one-bit pixels: a small, complete file of 256 million pixels."""
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + edge // 8)
    body = b"".join(packer.compress(row) for _ in range(edge)) + packer.flush()
    head = struct.pack(">IIBBBBB", edge, edge, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")
    )


def png_gray16_ramp() -> bytes:
    """256 x 64, each column 257 x its number: 8-bit grey equals the column."""
    row = b"\0" + b"".join(struct.pack(">H", 257 * x) for x in range(256))
    return png(256, 64, row * 64, depth=16, colour=0)


def png_rgb16() -> bytes:
    row = b"\0" + struct.pack(">HHH", 0xC8FF, 0x6400, 0x3280) * 64
    return png(64, 64, row * 64, depth=16)


def animated(kind: str, frames: Sequence[str] = ("red", "lime", "blue")) -> bytes:
    pictures = [Image.new("RGB", (64, 64), colour) for colour in frames]
    return saved(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=100)


def cmyk() -> bytes:
    """A red square as a print shop stores it, without a profile."""
    return saved(Image.new("RGB", (200, 200), (200, 30, 40)).convert("CMYK"), "JPEG", quality=95)


def slow_jpeg(edge: int = 7000, scans: int = 4000) -> bytes:
    """A progressive JPEG that repeats its last scan: few bytes, few pixels, minutes of work."""
    data = saved(Image.new("L", (edge, edge), 90), "JPEG", quality=30, progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def gbr_profile() -> bytes:
    """A profile that says "green and red change places", built from sRGB's own by swapping tags.

    A picture converted by it differs visibly from the same numbers left as they are.
    """
    raw = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    table = {bytes(raw[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(struct.unpack(">I", raw[128:132])[0])}
    red, green = table[b"rXYZ"] + 4, table[b"gXYZ"] + 4
    raw[red : red + 8], raw[green : green + 8] = raw[green : green + 8], raw[red : red + 8]
    at = struct.unpack(">I", raw[table[b"desc"] + 4 : table[b"desc"] + 8])[0]
    size = struct.unpack(">I", raw[table[b"desc"] + 8 : table[b"desc"] + 12])[0]
    body = bytes(raw[at : at + size]).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    raw[at : at + size] = body.replace(b"sRGB", b"swap")
    return bytes(raw)

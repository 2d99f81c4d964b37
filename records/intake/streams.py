"""What a PDF's streams would unpack to, asked before anything unpacks them; and notes inside its photos.

A picture says its size twice, in the PDF and in its own data, and readers believe either. Both
are held to the same bound, so that a file that was drawn here is no bomb in the clinic's reader.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from records.intake.picture import Refused

PICTURE_FILTERS = frozenset({"/DCTDecode", "/DCT", "/JBIG2Decode", "/JPXDecode", "/CCITTFaxDecode", "/CCF"})
JPEG_KEEPS = frozenset({0xE0, 0xEE})  # APP0 (JFIF) and APP14 (Adobe's colour transform)
JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
JBIG2_PAGE = 48
JBIG2_REGIONS = frozenset({4, 6, 7, 20, 22, 23, 36, 38, 39, 40, 42, 43})
JBIG2_SEGMENTS_MAX = 100_000
JPX_SIZE = b"\xff\x4f\xff\x51"
LONGEST = 1 << 26  # bytes of a stream that is no picture: drawing orders, fonts, tables


def settle() -> None:
    """Bounds inside qpdf itself, for the whole process."""
    pikepdf.settings.set_qpdf_limits(
        flate_max_memory=LONGEST, png_max_memory=LONGEST, tiff_max_memory=LONGEST, run_length_max_memory=LONGEST,
        dct_max_memory=LONGEST, max_stream_filters=4, parser_max_container_size=1_000_000, doc_max_warnings=1000,
    )


def check_stream(stream: Stream, limits: dict[str, int]) -> None:
    """Raises ``Refused`` for a stream that would unpack to too much; takes the notes out of a JPEG."""
    filters = stream.get("/Filter")
    names = [str(each) for each in filters] if isinstance(filters, Array) else [str(filters)] if filters else []
    is_picture = stream.get("/Subtype") == Name.Image
    if not is_picture:
        if PICTURE_FILTERS.intersection(names):  # a picture that hides from the bounds of pictures
            raise Refused("too_heavy")
        _check_length(stream)
        return
    _check_size(int(stream.get("/Width", 0)), int(stream.get("/Height", 0)), limits["pixels"])
    if names and names[-1] in PICTURE_FILTERS:
        _check_inner(stream, names, limits["pixels"])


def _check_length(stream: Stream) -> None:
    try:
        if len(stream.read_bytes()) > LONGEST:
            raise Refused("too_heavy")
    except pikepdf.DataDecodingError:
        raise Refused("too_heavy") from None
    except pikepdf.PdfError:
        return  # a filter that qpdf does not know is one that draws nothing


def _check_size(width: int, height: int, pixels: int) -> None:
    if width < 1 or height < 1:
        raise Refused("broken")
    if width * height > pixels:
        raise Refused("too_many_pixels")


def _check_inner(stream: Stream, names: list[str], pixels: int) -> None:
    data = _unpacked(stream.read_raw_bytes(), names[:-1], pixels)
    kind = names[-1]
    if kind in ("/DCTDecode", "/DCT"):
        bare, sizes = read_jpeg(data)
        for width, height in sizes:
            _check_size(width, height, pixels)
        if bare != data:
            stream.write(bare, filter=Name.DCTDecode, decode_parms=_last_parms(stream))
    elif kind == "/JBIG2Decode":
        for width, height in jbig2_sizes(data):
            _check_size(width, max(height, 1), pixels)
    elif kind == "/JPXDecode":
        at = data.find(JPX_SIZE)
        if at < 0:
            raise Refused("broken")
        width, height = (int.from_bytes(data[at + n : at + n + 4], "big") for n in (8, 12))
        _check_size(width, height, pixels)
    else:
        parms = _last_parms(stream) or Dictionary()
        columns, rows = int(parms.get("/Columns", 1728)), int(parms.get("/Rows", 0))
        _check_size(columns, max(rows, int(stream.Height)), pixels)


def _last_parms(stream: Stream) -> Dictionary | None:
    parms = stream.get("/DecodeParms")
    if isinstance(parms, Array):
        parms = parms[-1] if len(parms) else None
    return parms if isinstance(parms, Dictionary) else None


def _unpacked(data: bytes, names: list[str], most: int) -> bytes:
    """Without the packing around a picture's own; only what programs really write is understood."""
    for name in names:
        if name not in ("/FlateDecode", "/Fl"):
            raise Refused("broken")
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(data, most)
        if unpacker.unconsumed_tail:
            raise Refused("too_heavy")
    return data


def read_jpeg(jpeg: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """The JPEG without comments and without APP segments but the two its colours need; its sizes.

    A photo in a PDF is a whole JPEG: where and with what it was taken would come along.
    """
    if not jpeg.startswith(b"\xff\xd8"):
        raise Refused("broken")
    kept, sizes, at = [b"\xff\xd8"], [], 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        marker = jpeg[at + 1]
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker in JPEG_FRAMES:
            height, width = (int.from_bytes(jpeg[at + n : at + n + 2], "big") for n in (5, 7))
            sizes.append((width, max(height, 1)))  # a height of 0 comes after the scan
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in JPEG_KEEPS:
            kept.append(jpeg[at:end])
        at = end
    kept.append(jpeg[at:])
    return b"".join(kept), sizes


def jbig2_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height of each page and region that the segments announce. Raises ``Refused``."""
    at = 0
    for _number in range(JBIG2_SEGMENTS_MAX):
        if at + 11 > len(data):
            return
        kind, body, length = _jbig2_head(data, at)
        if kind == JBIG2_PAGE or kind in JBIG2_REGIONS:
            height = int.from_bytes(data[body + 4 : body + 8], "big")
            yield int.from_bytes(data[body : body + 4], "big"), 1 if height == 0xFFFFFFFF else height
        if length == 0xFFFFFFFF:  # goes on to the end, as far as it is allowed to
            return
        at = body + length
    raise Refused("too_heavy")


def _jbig2_head(data: bytes, at: int) -> tuple[int, int, int]:
    """A segment's kind, where its data begins, and how long they are."""
    number, flags = int.from_bytes(data[at : at + 4], "big"), data[at + 4]
    count = data[at + 5] >> 5
    place = at + 6
    if count == 7:
        count = int.from_bytes(data[at + 5 : at + 9], "big") & 0x1FFFFFFF
        place = at + 9 + (count + 8) // 8
    place += count * (1 if number <= 256 else 2 if number <= 65536 else 4)
    place += 4 if flags & 0x40 else 1
    return flags & 0x3F, place + 4, int.from_bytes(data[place : place + 4], "big")

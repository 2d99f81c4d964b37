"""What a stored picture shows and hides, read independently of the pipeline."""

from __future__ import annotations

import io

from PIL import Image

POINTS = {"TL": (0, 0), "TR": (1, 0), "BL": (0, 1), "BR": (1, 1)}
# Markers of the ways a JPEG carries more than its picture: APP1-APP15, comment.
EXTRA_MARKERS = {*range(0xE1, 0xF0), 0xFE}


def at_points(image: Image.Image) -> dict[str, tuple[int, ...]]:
    """Mean colour at 1/8 of width and height in from each corner, and in the middle."""
    width, height = image.size
    radius = min(width, height) // 64
    places = {
        name: (
            width - 1 - width // 8 if right else width // 8,
            height - 1 - height // 8 if low else height // 8,
        )
        for name, (right, low) in POINTS.items()
    }
    places["C"] = (width // 2, height // 2)
    means = {}
    for name, (x, y) in places.items():
        box = (max(0, x - radius), max(0, y - radius), min(width, x + radius + 1), min(height, y + radius + 1))
        mean = image.convert("RGB").crop(box).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
        assert isinstance(mean, tuple)
        means[name] = mean
    return means


def markers(jpeg: bytes) -> list[int]:
    """The markers of a JPEG up to its scan, and those that follow the scan, in order."""
    assert jpeg[:2] == b"\xff\xd8"
    found, at = [], 2
    while jpeg[at + 1] != 0xDA:
        assert jpeg[at] == 0xFF
        found.append(jpeg[at + 1])
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    end = jpeg.index(b"\xff\xd9", at)
    assert end == len(jpeg) - 2, "bytes behind the end of the picture"
    return found


def assert_only_a_picture(jpeg: bytes) -> Image.Image:
    """A whole baseline JPEG with no metadata segment and nothing behind it."""
    assert not EXTRA_MARKERS.intersection(markers(jpeg))
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    assert image.format == "JPEG"
    assert image.mode == "RGB"
    assert not dict(image.getexif())
    assert not {"exif", "icc_profile", "comment", "xmp", "photoshop"}.intersection(image.info)
    for mark in (b"Exif", b"http://ns.adobe.com", b"GPS", b"ICC_PROFILE", b"CORPUS-PAYLOAD-G7Q2", b"CANARY"):
        assert mark not in jpeg
    return image

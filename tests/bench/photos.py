"""PERFORMANCE.md, the two photo rows, and the memory of the first.

The photo is 12 MP, grainy like a phone's, turned by EXIF, and carries a colour profile other
than sRGB, as an iPhone's does: so ours turns and converts, and the floor does neither.
"""

from __future__ import annotations

import io
import random
import secrets
import subprocess
import sys

from PIL import Image
from pillow_heif import open_heif

from portal.crypto.sealed import seal_chunks
from records.intake import sandbox
from records.photos.pipeline import process
from tests.bench.row import BenchRow, timed_row
from tests.photos.pictures import gbr_profile, heic, saved, with_secrets

SIZE = (4032, 3024)
MEMORY_GOAL_MB = 60


def photo() -> Image.Image:
    """A grainy picture with soft shapes: about 3 MB as JPEG, like the one the floor was measured on."""
    noise = random.Random(5)
    shapes = Image.frombytes("RGB", (24, 18), noise.randbytes(24 * 18 * 3)).resize(SIZE, Image.Resampling.BICUBIC)
    grain = Image.frombytes("L", (2016, 1512), noise.randbytes(2016 * 1512)).resize(SIZE, Image.Resampling.BILINEAR)
    return Image.blend(shapes, grain.convert("RGB"), 0.12)


def floor_jpeg(data: bytes) -> bytes:
    """Decode at half size, encode: what cannot be saved."""
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", (SIZE[0] // 2, SIZE[1] // 2))
    return saved(image, "JPEG", quality=85)


def floor_heic(data: bytes) -> None:
    """pillow-heif's decoding into a Pillow picture."""
    open_heif(data).to_pillow()


def ours(data: bytes) -> int:
    """The whole pipeline, decoding process included, and both pictures sealed (not yet stored)."""
    done = process(data)
    for picture in (done.image, done.thumb):
        for _ in seal_chunks(picture, secrets.token_bytes(32)):
            pass
    return done.rise_kb


FLOOR_MEMORY = """
import io, sys
from PIL import Image
data = sys.stdin.buffer.read()
small = io.BytesIO(); Image.new("RGB", (16, 16)).save(small, "JPEG"); Image.open(small).load()
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = peak()
image = Image.open(io.BytesIO(data)); image.draft("RGB", (2016, 1512))
image.save(io.BytesIO(), "JPEG", quality=85)
print(peak() - before)
"""


def floor_memory_kb(data: bytes) -> int:
    """Rise of VmHWM of the floor's work in a fresh process."""
    done = subprocess.run([sys.executable, "-c", FLOOR_MEMORY], input=data, capture_output=True, check=True)
    return int(done.stdout)


def rows() -> list[BenchRow]:
    picture = photo()
    secret = with_secrets(orientation=6)
    as_jpeg = saved(picture, "JPEG", quality=93, icc_profile=gbr_profile(), **secret)
    as_heic = heic(picture, icc_profile=gbr_profile())
    try:
        found = [
            timed_row(
                "JPEG photo 12 MP", "draft to half, encode", lambda: floor_jpeg(as_jpeg), lambda: ours(as_jpeg),
                goal=2.5, extra=f"{len(as_jpeg) / 1e6:.1f} MB, turned, profile converted, thumbnail, sealed",
            ),
            timed_row(
                "HEIC photo 12 MP", "pillow-heif decode", lambda: floor_heic(as_heic), lambda: ours(as_heic),
                goal=1.25, extra=f"{len(as_heic) / 1e6:.1f} MB, profile converted, thumbnail, sealed",
            ),
        ]
        low, high = floor_memory_kb(as_jpeg) / 1024, ours(as_jpeg) / 1024
    finally:
        sandbox.close()
    return [
        *found,
        BenchRow(
            "JPEG photo 12 MP, memory", "draft to half, encode", low, high, high / low, MEMORY_GOAL_MB, "MB",
            "rise of VmHWM, fresh process", holds="ours",
        ),
    ]

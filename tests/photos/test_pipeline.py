"""The pure part: bytes in, a clean picture or a kind reason out."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from records.intake import sandbox
from records.intake.kinds import Kind, sniff
from records.photos import pipeline
from records.photos.pipeline import PhotoRefused, process
from tests.photos import pictures
from tests.photos.reading import assert_only_a_picture, at_points


def near(found: tuple[int, ...], wanted: tuple[int, ...], tolerance: int = 12) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(found, wanted, strict=True))


def cut(data: bytes) -> bytes:
    """As after a connection that broke near the end."""
    return data[: len(data) * 9 // 10]


def refused(data: bytes) -> PhotoRefused:
    with pytest.raises(PhotoRefused) as caught:
        process(data)
    return caught.value


ACCEPTED = {
    "jpeg": lambda: pictures.jpeg(),
    "progressive jpeg": lambda: pictures.jpeg(progressive=True),
    "png": lambda: pictures.saved(pictures.corners(), "PNG"),
    "palette png": lambda: pictures.saved(pictures.corners().convert("P"), "PNG"),
    "webp": lambda: pictures.saved(pictures.corners(), "WEBP", quality=92),
    "lossless webp": lambda: pictures.saved(pictures.corners(), "WEBP", lossless=True),
    "heic": lambda: pictures.heic(),
    "avif": lambda: pictures.saved(pictures.corners(), "AVIF", quality=92, speed=9),
    "mpo": pictures.mpo,
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_each_photo_kind_becomes_a_clean_upright_jpeg_with_a_thumbnail(name: str) -> None:
    done = process(ACCEPTED[name]())
    for jpeg, longest in ((done.image, 2048), (done.thumb, 320)):
        image = assert_only_a_picture(jpeg)
        assert max(image.size) <= longest
        assert image.width / image.height == pytest.approx(640 / 480, rel=0.01)
        found = at_points(image)
        assert all(near(found[point], colour) for point, colour in pictures.CORNERS.items())
    assert (done.width, done.height) == Image.open(io.BytesIO(done.image)).size == (640, 480)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_every_kind_ends_upright(kind: str, orientation: int) -> None:
    image = pictures.stored_sideways(orientation)
    secrets = pictures.with_secrets(orientation)
    if kind == "HEIF":
        data = pictures.heic(pictures.corners(), exif=secrets["exif"].tobytes())  # type: ignore[attr-defined]
    else:
        data = pictures.saved(image, kind, **secrets, **({"speed": 9} if kind == "AVIF" else {}))
    assert pictures.MARK in data
    done = process(data)
    found = at_points(assert_only_a_picture(done.image))
    if kind != "HEIF":  # HEIC turns by its own property; its EXIF number is for information only
        assert all(near(found[point], colour) for point, colour in pictures.CORNERS.items())
    assert pictures.MARK not in done.image + done.thumb


@pytest.mark.promise("P07")
def test_nothing_the_file_says_about_its_place_device_or_owner_survives() -> None:
    data = pictures.jpeg(comment=pictures.MARK, xmp=b"<x>" + pictures.MARK + b"</x>", **pictures.with_secrets())
    data += b"\0\0\0\x18ftypmp42" + pictures.MARK  # a "motion photo" behind the picture
    assert data.count(pictures.MARK) == 4
    done = process(data)
    assert_only_a_picture(done.image)
    assert_only_a_picture(done.thumb)
    assert pictures.MARK not in done.image + done.thumb


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "avif", "heic"])
def test_colours_follow_the_embedded_profile(name: str) -> None:
    profile = pictures.gbr_profile()
    plain = Image.new("RGB", (200, 200), (220, 20, 30))
    if name == "heic":
        data = pictures.heic(plain, icc_profile=profile)
    else:
        data = pictures.saved(plain, name.upper(), icc_profile=profile, quality=95)
    middle = at_points(assert_only_a_picture(process(data).image))["C"]
    assert middle[1] > 200
    assert middle[0] < 120


def test_a_broken_profile_does_not_cost_the_photo() -> None:
    done = process(pictures.jpeg(icc_profile=b"not a profile at all"))
    assert near(at_points(assert_only_a_picture(done.image))["TL"], pictures.CORNERS["TL"])


def test_a_cmyk_photo_keeps_its_colours() -> None:
    assert near(at_points(assert_only_a_picture(process(pictures.cmyk()).image))["C"], (200, 30, 40), 25)


def test_16_bit_grey_is_scaled_and_not_clipped_to_white() -> None:
    image = assert_only_a_picture(process(pictures.png_gray16_ramp()).image)
    for column in (16, 64, 128, 192, 240):
        found = image.getpixel((column, 32))
        assert isinstance(found, tuple)
        assert near(found, (column, column, column), 4)


def test_16_bit_colour_is_scaled() -> None:
    assert near(at_points(assert_only_a_picture(process(pictures.png_rgb16()).image))["C"], (200, 100, 50))


def test_transparent_parts_become_white_and_keep_no_hidden_colour() -> None:
    image = Image.new("RGBA", (200, 200), (255, 0, 0, 0))
    image.paste((40, 150, 70, 255), (100, 0, 200, 200))
    for data in (pictures.saved(image, "PNG"), pictures.saved(image, "WEBP", lossless=True)):
        found = at_points(assert_only_a_picture(process(data).image))
        assert near(found["TL"], (255, 255, 255), 4)
        assert near(found["TR"], (40, 150, 70))


def test_a_grey_photo_and_a_one_bit_photo_are_taken() -> None:
    for mode in ("L", "1", "LA"):
        image = Image.new("L", (300, 200), 255).convert(mode)
        assert near(at_points(assert_only_a_picture(process(pictures.saved(image, "PNG")).image))["C"], (255, 255, 255))


@pytest.mark.parametrize(
    ("size", "longest"),
    [((4032, 3024), 2016), ((3000, 2000), 2048), ((2048, 1000), 2048), ((1700, 1300), 1700), ((8000, 6000), 2000)],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_photo_is_reduced_in_whole_steps_first(kind: str, size: tuple[int, int], longest: int) -> None:
    options = {"compress_level": 1} if kind == "PNG" else {}
    done = process(pictures.saved(Image.new("RGB", size, (200, 150, 120)), kind, **options))
    assert max(done.width, done.height) == longest
    assert done.width / done.height == pytest.approx(size[0] / size[1], rel=0.01)


def test_a_strip_of_a_picture_does_no_harm() -> None:
    for size in ((5, 20_000), (20_000, 5), (1, 1)):
        done = process(pictures.saved(Image.new("RGB", size, "red"), "JPEG"))
        assert_only_a_picture(done.thumb)


REFUSED = {
    "empty": (lambda: b"", "empty"),
    "text": (lambda: b"<html><script>alert(1)</script></html>", "not_a_picture"),
    "svg": (lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "not_a_picture"),
    "pdf": (lambda: b"%PDF-1.7\n1 0 obj\n", "document"),
    "tiff": (lambda: pictures.saved(pictures.corners(), "TIFF"), "document"),
    "gif": (lambda: pictures.animated("GIF"), "animated"),
    "animated png": (lambda: pictures.animated("PNG"), "animated"),
    "animated webp": (lambda: pictures.animated("WEBP"), "animated"),
    "animated avif": (lambda: pictures.animated("AVIF"), "animated"),
    "video": (lambda: b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 64, "video"),
    "bmp": (lambda: pictures.saved(pictures.corners(), "BMP"), "not_a_picture"),
    "cut jpeg": (lambda: cut(pictures.jpeg()), "broken"),
    "cut png": (lambda: cut(pictures.saved(pictures.corners(), "PNG")), "broken"),
    "cut webp": (lambda: cut(pictures.saved(pictures.corners(), "WEBP")), "broken"),
    "cut heic": (lambda: cut(pictures.heic()), "broken"),
    "cut avif": (lambda: cut(pictures.saved(pictures.corners(), "AVIF", speed=9)), "broken"),
    "only a jpeg's first bytes": (lambda: b"\xff\xd8\xff\xe0", "broken"),
    "only a webp's first bytes": (lambda: b"RIFF\x10\0\0\0WEBPVP8X", "broken"),
    "noise behind a jpeg head": (lambda: b"\xff\xd8\xff" + bytes(range(256)) * 40, "broken"),
    "noise behind a heic head": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(range(256)) * 40, "broken"),
    "png bomb": (pictures.png_bomb, "too_many_pixels"),
    "webp canvas of 268 MP": (
        lambda: b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xfe\x3f\0\xfe\x3f\0" + b"\0" * 20, "too_many_pixels",
    ),
    "jpeg of 61 MP": (lambda: pictures.saved(Image.new("L", (8000, 7626)), "JPEG"), "too_many_pixels"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_good_is_refused_with_its_reason_within_seconds(name: str) -> None:
    make, code = REFUSED[name]
    data = make()
    began = time.monotonic()
    error = refused(data)
    assert time.monotonic() - began < 5
    assert error.code == code
    assert error.field == "photo"
    assert error.message == pipeline.reason_text(code)
    assert error.message.endswith(".")


def test_a_file_above_the_limit_is_refused_by_size_alone(settings) -> None:
    settings.PHOTO_MAX_BYTES = 1_000_000
    error = refused(pictures.jpeg() + b"\0" * 1_000_000)
    assert error.code == "too_big"
    assert "1 MB" in error.message


def test_a_picture_that_takes_minutes_is_ended_in_time(settings) -> None:
    settings.PHOTO_SECONDS = 2
    began = time.monotonic()
    assert refused(pictures.slow_jpeg()).code == "too_slow"
    assert time.monotonic() - began < 5
    assert process(pictures.jpeg()).width == 640, "the next photo must be served"


def test_a_picture_that_needs_too_much_memory_is_refused(settings) -> None:
    settings.PHOTO_MEMORY_MB = 200
    data = pictures.saved(Image.new("RGB", (7000, 7000), "red"), "PNG", compress_level=1)
    assert refused(data).code == "too_heavy"
    assert process(pictures.jpeg()).width == 640


def _pid() -> int:
    return sandbox._kept["photo"].process.pid


def test_the_decoding_process_stays_and_each_photo_gets_a_fresh_fork_of_it() -> None:
    process(pictures.jpeg())
    first = _pid()
    refused(pictures.jpeg()[:3000])
    process(pictures.jpeg())
    assert _pid() == first


def test_a_decoding_process_that_dies_is_not_the_photos_fault_and_is_replaced() -> None:
    process(pictures.jpeg())
    lost = _pid()
    os.killpg(lost, signal.SIGSTOP)
    os.killpg(lost, signal.SIGKILL)
    try:
        process(pictures.jpeg())
    except sandbox.SandboxLost:
        process(pictures.jpeg())
    assert _pid() != lost


def test_the_decoding_process_holds_no_secret_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELD_ENCRYPTION_KEY", "canary-key")
    sandbox.close()
    process(pictures.jpeg())
    with open(f"/proc/{_pid()}/environ", "rb") as environ:
        assert b"canary" not in environ.read()


def test_a_forked_worker_child_makes_its_own_decoding_process() -> None:
    process(pictures.jpeg())
    parent_has = _pid()
    child = os.fork()
    if child == 0:
        try:
            process(pictures.jpeg())
            os._exit(0 if _pid() != parent_has else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    process(pictures.jpeg())
    assert _pid() == parent_has


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe1", Kind.JPEG),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", Kind.AVIF),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Kind.HEIF),
        (b"\0\0\0\x18ftypheix\0\0\0\0mif1heix", Kind.HEIF),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", Kind.VIDEO),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"", None),
        (b"\0\0\0\x18ftyp", Kind.VIDEO),
    ],
)
def test_the_kind_is_read_from_the_content(head: bytes, kind: Kind | None) -> None:
    assert sniff(head) is kind


def test_every_reason_has_a_sentence_without_an_open_placeholder() -> None:
    for code in pipeline.REASONS:
        assert "%" not in pipeline.reason_text(code)
    assert pipeline.reason_text("no such code") == pipeline.reason_text("failed")


def test_the_decoding_process_ends_with_a_worker_that_was_killed() -> None:
    program = (
        "import django, os, time; django.setup();"
        "from records.intake import sandbox; from records.photos.pipeline import process;"
        "from tests.photos.pictures import jpeg; process(jpeg());"
        "print(sandbox._kept['photo'].process.pid, flush=True); time.sleep(60)"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    assert worker.stdout is not None
    with worker:
        decoder = int(worker.stdout.readline())
        os.kill(decoder, 0)
        worker.kill()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{decoder}").exists() and "Z" not in Path(f"/proc/{decoder}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline, "the decoding process outlived its worker"
        time.sleep(0.05)

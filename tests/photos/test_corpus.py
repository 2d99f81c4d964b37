"""Every row of the upload corpus ends as its manifest expects, on the photo path.

Documents (PDF, TIFF) are refused here with the sentence for documents: their own path comes
with the document uploads, and until then no PDF or TIFF gets in at all.
``CORPUS_DIR`` says where the corpus lies. It never comes into the product.
"""

from __future__ import annotations

import csv
import os
import random
import time
from pathlib import Path

import pytest
from PIL import Image

from records.photos.pipeline import PhotoRefused, process
from tests.photos.reading import assert_only_a_picture, at_points

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("CORPUS_DIR") or REPOSITORY / "../shared/corpus").resolve()
DOCUMENTS = ("application/pdf", "image/tiff")
# Why each row is refused: "refuse" alone would be met by a pipeline that refuses everything.
CODES = {
    "gen-101mp-gray.jpg": "too_many_pixels",
    "colors-animated-8bpc-alpha-exif-xmp.avif": "animated",
    "ball.png": "animated",
    "iss634.webp": "animated",
    "gen-bomb-50000x50000-1bit.png": "too_many_pixels",
    "dicom.dcm": "not_a_picture",
    "gen-html-named.jpg": "not_a_picture",
    "psd-named.jpg": "not_a_picture",
    "gen-svg-named.png": "not_a_picture",
    "gen-truncated-half.jpg": "broken",
    "truncated_image.png": "broken",
    "gen-empty.jpg": "empty",
    "seine_sdr_gainmap_gammazero.avif": "broken",
    "gen-iccp-64mb.png": "broken",
    "rt-noise-26mb.jpg": "not_a_picture",
    "rt-valid-noise-12mp.jpg": "too_big",
    "rt-eicar.jpg": "not_a_picture",
}


def rows() -> list[dict[str, str]]:
    """The manifest's rows, or none without the corpus. NAMES.json is the upload view's business."""
    if not (CORPUS / "MANIFEST.csv").exists():
        return []
    with (CORPUS / "MANIFEST.csv").open(newline="") as manifest:
        return [row for row in csv.DictReader(manifest) if row["file"] != "NAMES.json"]


def runtime(name: str) -> bytes:
    """The three rows that are too large or too touchy to lie in the folder."""
    if name == "rt-eicar.jpg":  # in two parts, so that no scanner stops at this file
        return rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" + rb"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    noise = random.Random(7)
    if name == "rt-noise-26mb.jpg":
        return noise.randbytes(26 * 1024 * 1024)
    assert name == "rt-valid-noise-12mp.jpg"
    from tests.photos.pictures import saved

    image = Image.frombytes("RGB", (4000, 3000), noise.randbytes(4000 * 3000 * 3))
    return saved(image, "JPEG", quality=98, subsampling=0)


def content(row: dict[str, str]) -> bytes:
    return runtime(row["file"]) if row["file"].startswith("rt-") else (CORPUS / row["file"]).read_bytes()


def assert_as_expected(row: dict[str, str], image: Image.Image) -> None:
    """Proportions, size and colours against the manifest's columns."""
    if row["out_width"]:
        width, height = int(row["out_width"]), int(row["out_height"])
        assert abs(image.width / image.height - width / height) < 0.01 * width / height
        if max(width, height) <= 2048:
            assert image.size == (width, height)
    if row["px_srgb"] and row["px_tolerance"] != "none":
        found = at_points(image)
        for name, text in (part.split("=") for part in row["px_srgb"].split()):
            wanted = [int(value) for value in text.split(",")]
            off = max(abs(a - b) for a, b in zip(found[name], wanted, strict=True))
            assert off <= int(row["px_tolerance"]), (name, found[name], wanted)


def test_the_corpus_is_there_where_it_must_be() -> None:
    if not rows() and not os.environ.get("CI"):
        pytest.skip(f"no upload corpus at {CORPUS} (set CORPUS_DIR); test_pipeline.py covers each kind")
    assert len(rows()) >= 50, f"the upload corpus is missing or short at {CORPUS}"


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["file"])
def test_a_corpus_file_ends_as_its_manifest_row_says(row: dict[str, str]) -> None:
    data = content(row)
    expected = row["expected"]
    began = time.monotonic()
    try:
        done = process(data)
    except PhotoRefused as refused:
        assert time.monotonic() - began < 10
        if row["real_type"] in DOCUMENTS:
            assert refused.code == "document"
        else:
            assert expected in ("refuse", "refuse-or-clean")
            assert refused.code == CODES[row["file"]]
        assert refused.message.endswith(".")
        return
    assert expected in ("accept", "refuse-or-clean")
    assert row["real_type"] not in DOCUMENTS
    image = assert_only_a_picture(done.image)
    thumb = assert_only_a_picture(done.thumb)
    assert (done.width, done.height) == image.size
    assert max(image.size) <= 2048
    assert max(thumb.size) <= 320
    assert_as_expected(row, image)
    for payload in row["must_not_contain"].split(";"):
        if payload.strip() and not payload.strip().startswith("("):
            assert payload.strip().encode() not in done.image + done.thumb


def test_the_thumbnail_is_made_of_the_picture_and_not_the_one_hidden_in_the_file() -> None:
    """gen-gps-oththumb.jpg carries the thumbnail of quite another picture."""
    row = next((row for row in rows() if row["file"] == "gen-gps-oththumb.jpg"), None)
    if row is None:
        pytest.skip("needs the upload corpus")
    thumb = assert_only_a_picture(process(content(row)).thumb)
    assert thumb.size == (320, 240)
    assert_as_expected({**row, "out_width": "", "px_tolerance": "20"}, thumb)

"""Whatever a browser calls a file, the content decides and nothing of the name is kept.

The names go through Django's own multipart parser, as they would reach any upload page.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import UploadedFile
from django.http.multipartparser import MultiPartParser
from django.test import RequestFactory

from records.photos import processing, services
from records.photos.models import Photo, PhotoState
from tests.photos import pictures
from tests.photos.conftest import actor
from tests.photos.reading import assert_only_a_picture
from tests.photos.test_corpus import CORPUS

pytestmark = pytest.mark.django_db(transaction=True)

# Ours, so that a run without the corpus covers each trick; the corpus adds its own.
NAMES = [
    ("../../ZQX.jpg", "image/jpeg"), ("..\\..\\ZQX.jpg", "image/jpeg"), ("/etc/ZQX", "image/jpeg"),
    ("ZQX" + "a" * 300 + ".jpg", "image/jpeg"), ("ZQX\u202egpj.exe", "image/jpeg"), ("ZQX.jpg\0.php", "image/jpeg"),
    ("ZQX.jpg.html", "text/html"), ("<img src=x onerror=ZQX>.jpg", "image/jpeg"),
    ('ZQX.jpg\r\nX-Injected: "1"', "image/jpeg"), ("ZQX.php.jpg", "application/x-php"),
]


def corpus_names() -> list[tuple[str, str]]:
    path = CORPUS / "NAMES.json"
    if not path.exists():
        return []
    rows: list[dict[str, str]] = json.loads(path.read_text())
    return [(row["filename"], row["content_type"]) for row in rows]


def sent_as(name: str, content_type: str, data: bytes) -> UploadedFile | None:
    """The upload as Django hands it to a view; None when the parser takes it for no file at all."""
    boundary = "portal-boundary"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n'
    body = (head + f"Content-Type: {content_type}\r\n\r\n").encode() + data + f"\r\n--{boundary}--\r\n".encode()
    request = RequestFactory().generic("POST", "/", body, f"multipart/form-data; boundary={boundary}")
    meta: dict[str, Any] = {**request.META, "CONTENT_LENGTH": len(body)}
    _post, parsed = MultiPartParser(meta, io.BytesIO(body), request.upload_handlers).parse()
    found = parsed.get("photo")
    assert found is None or isinstance(found, UploadedFile)
    return found


@pytest.mark.parametrize(("name", "content_type"), [*NAMES, *corpus_names()])
def test_no_file_name_or_declared_type_changes_what_is_stored(
    name: str, content_type: str, ana, encounter, store: Callable[[], list[str]]
) -> None:
    file = sent_as(name, content_type, pictures.jpeg())
    if file is None:  # an empty name: Django sees no file, and the page asks for one
        assert name == ""
        return
    photo = services.photo_receive(by=actor(ana), encounter=encounter, view="front", upload=file, form_key=uuid4())
    processing.photo_process(photo_id=photo.pk)
    row = Photo.objects.filter(pk=photo.pk).values().get()
    assert row["state"] == PhotoState.READY
    assert_only_a_picture(processing.sealed.read(row["image_name"], Photo.objects.get(pk=photo.pk).image_key))
    assert sorted(store()) == sorted([row["image_name"], row["thumb_name"]])
    for stored in store():
        folder, part, rest = stored.split("/")
        assert folder == "photos"
        assert part == rest[:2]
        assert set(rest) <= set("0123456789abcdef")


@pytest.mark.parametrize("content_type", ["image/jpeg", "image/heic", "application/octet-stream"])
def test_a_declared_type_opens_no_door_for_what_is_no_photo(content_type: str, ana, encounter, store) -> None:
    file = sent_as("photo.jpg", content_type, b"<html><script>alert(1)</script></html>")
    assert file is not None
    with pytest.raises(services.pipeline.PhotoRefused):
        services.photo_receive(by=actor(ana), encounter=encounter, view="front", upload=file, form_key=uuid4())
    assert store() == []

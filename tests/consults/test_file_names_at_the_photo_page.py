"""File names and declared types as attackers write them, sent to the photo page itself."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from portal.accounts.models import User
from records.models import Photo
from tests.consults.building import jpeg, start
from tests.photos.test_names import NAMES, corpus_names

BOUNDARY = "portal-boundary"


def body(name: str, content_type: str) -> bytes:
    """One form with its one-use key and a photo, every header as given."""
    key = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="form_key"\r\n\r\n{uuid4()}\r\n'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n'
    return (key + head + f"Content-Type: {content_type}\r\n\r\n").encode() + jpeg() + f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize(("name", "content_type"), [*NAMES, *corpus_names(), ("", "image/jpeg")])
def test_the_page_takes_the_photo_and_never_says_its_name(name: str, content_type: str, ana: User, as_: Any) -> None:
    consult, browser = start(ana), as_(ana)
    answer = browser.generic(
        "POST", reverse("consults:photo_send", args=[consult.pk, "front"]), body(name, content_type),
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
    )
    after = browser.get(reverse("consults:photo", args=[consult.pk, "front"]))
    page = answer.content.decode() + after.content.decode()
    assert answer.status_code in (200, 302)
    assert Photo.objects.count() == (1 if name else 0)
    for told in ("ZQX", "X-Injected", "onerror", "passwd", "photo.jpg.html", "shell.php"):
        assert told not in page
        assert not any(told in f"{header}{value}" for header, value in answer.headers.items())

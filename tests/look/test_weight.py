"""The first page on a weak connection: all that a visitor's phone loads, compressed."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

LIMIT, SCRIPT_LIMIT = 60_000, 20_000  # bytes (DESIGN.md, "The look")
PATHS = ["/", "/how-it-works/", "/questions/", "/policies/privacy-policy/", "/start/", "/accounts/login/"]


def _compressed(content: bytes) -> int:
    return len(gzip.compress(content, 9))


def _static(path: str) -> bytes:
    found = finders.find(path.removeprefix("/static/"))
    assert isinstance(found, str), path
    with open(found, "rb") as file:
        return file.read()


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_a_first_page_is_light(path: str, as_: Callable[..., Client]) -> None:
    response = as_(None).get(path)
    assert response.status_code == 200
    page = response.content.decode()
    scripts = re.findall(r'<script[^>]*\ssrc="([^"]+)"', page)
    others = re.findall(r'<(?:link|img)[^>]*\s(?:href|src)="([^"]+)"', page)
    assert scripts and others
    script_bytes = sum(_compressed(_static(address)) for address in scripts)
    other_bytes = sum(_compressed(_static(address)) for address in others)
    assert script_bytes <= SCRIPT_LIMIT
    assert _compressed(response.content) + script_bytes + other_bytes <= LIMIT

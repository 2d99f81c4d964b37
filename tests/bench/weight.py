"""What a first view costs a phone: HTML, stylesheet and scripts of a page, compressed."""

from __future__ import annotations

import gzip
import re

from tests.bench.row import BenchRow

NEEDS_DATABASE = True
_ASSET = re.compile(r'(?:href|src)="(/static/[^"]+\.(css|js|svg))"')
_IMPORT = re.compile(r'(?:from|import)\s*\(?\s*"(\./[^"]+\.js)"')
PAGES = ("/", "/start/", "/accounts/login/")
KB = 1024


def _static(url: str) -> str:
    from django.contrib.staticfiles import finders

    path = finders.find(url.removeprefix("/static/"))
    if not path:
        raise AssertionError(f"{url} does not exist")
    with open(path, encoding="utf-8") as file:
        return file.read()


def assets(html: str) -> dict[str, str]:
    """Every stylesheet, script and icon of the page; modules that modules import too."""
    found: dict[str, str] = {}
    waiting = [url for url, _kind in _ASSET.findall(html)]
    while waiting:
        url = waiting.pop()
        if url in found:
            continue
        found[url] = _static(url)
        if url.endswith(".js"):
            folder = url.rsplit("/", 1)[0]
            waiting += [f"{folder}/{name.removeprefix('./')}" for name in _IMPORT.findall(found[url])]
    return found


def size(text: str) -> float:
    return len(gzip.compress(text.encode(), 6)) / KB


def rows() -> list[BenchRow]:
    from django.test import Client

    whole, scripts = 0.0, 0.0
    for page in PAGES:
        html = Client().get(page).content.decode()
        found = assets(html)
        whole = max(whole, size(html) + sum(size(text) for text in found.values()))
        scripts = max(scripts, sum(size(text) for url, text in found.items() if url.endswith(".js")))
    pico = 12.0
    return [
        BenchRow("first view, heaviest page", "pico css", pico, whole, whole / pico, 60, "KB", holds="ours"),
        BenchRow("scripts of a first view", "none", 1.0, scripts, scripts, 20, "KB", holds="ours"),
    ]

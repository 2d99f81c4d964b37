"""Every address of the resolver, by name: a page that nobody listed cannot hide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True)
class Route:
    """One pattern. ``name`` is ``namespace:name``; nameless ones are called after their pattern."""

    name: str
    pattern: str
    view: Any


def all_routes() -> list[Route]:
    return list(_walk(get_resolver(), "", ""))


def _walk(resolver: URLResolver, space: str, before: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        here = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from _walk(entry, inner, here)
        elif isinstance(entry, URLPattern):
            yield Route(f"{space}{entry.name}" if entry.name else here, here, entry.callback)

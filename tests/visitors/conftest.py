"""A browser that has said yes, and what it sends when it leaves a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from privacy.visitors import services
from privacy.visitors.views import public
from tests.visitors.test_browsers import CHROME

Leave = Callable[..., Any]


@pytest.fixture
def leave() -> Leave:
    """``leave(browser, page=…, stay=…, **headers)`` sends what ``visit.js`` sends."""

    def send(browser: Client, *, page: str = "pages:home", stay: Any = 30, **headers: str) -> Any:
        said = {"Sec-Fetch-Site": "same-origin", "User-Agent": CHROME, **headers}
        return browser.post("/cookies/visit/", {"page": page, "stay": stay}, headers=said)

    return send


@pytest.fixture(autouse=True)
def fresh_brake(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(services, "brake", services.Brake())
    assert public.services is services
    yield

"""The site opens only once the erasure ledger was read for its database (P39)."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from privacy import replay

GetResponse = Callable[[HttpRequest], HttpResponse]
_ASK_AGAIN_SECONDS = 10


class RestoreGateMiddleware:
    """Answers 503 to everything while erased people might still be in a restored database.

    One query when a process starts, then none: a database that was found complete stays so. Stands
    below the static files, so that the page in its place has its looks.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._open = not settings.RESTORE_GATE
        self._asked = -float("inf")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not self._open and time.monotonic() - self._asked >= _ASK_AGAIN_SECONDS:
            self._open = replay.opens()
            self._asked = time.monotonic()
        if self._open:
            return self.get_response(request)
        response = render(request, "503.html", status=503)
        response["Retry-After"] = "60"
        response["Cache-Control"] = "no-store"
        return response

"""The site opens only once the erasure ledger was read for its database (P39)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.errors import PortalError
from privacy import replay

GetResponse = Callable[[HttpRequest], HttpResponse]
_log = logging.getLogger(__name__)
_ASK_AGAIN_SECONDS = 10


class RestoreGateMiddleware:
    """Answers 503 to everything while erased people might still be in a restored database.

    One query when a process starts, then none: a database that was found complete stays so.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._open = not settings.RESTORE_GATE
        self._asked = -float("inf")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not self._open and time.monotonic() - self._asked >= _ASK_AGAIN_SECONDS:
            self._open = _may_open()
            self._asked = time.monotonic()
        if self._open:
            return self.get_response(request)
        response = render(request, "503.html", status=503)
        response["Retry-After"] = "60"
        response["Cache-Control"] = "no-store"
        return response


def _may_open() -> bool:
    try:
        if replay.may_open():
            return True
        _log.critical("the site stays closed: run manage.py erasures_replay; the database lacks erasures of the ledger")
    except (PortalError, OSError, ValueError):
        _log.critical("the site stays closed: the erasure ledger cannot be read", exc_info=True)
    return False

"""Middleware of the platform itself; what belongs to an app lives in that app."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables

from portal.context import request_id
from portal.errors import NotVisible

GetResponse = Callable[[HttpRequest], HttpResponse]
PERMISSIONS_POLICY = "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()"


class RequestIdMiddleware:
    """Gives each request an opaque id that log lines and audit rows share."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_id.set(uuid4().hex)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response


class PrivateResponseMiddleware:
    """Nobody else keeps a page of a signed-in person: after sign-out, Back shows nothing."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        user = getattr(request, "user", None)
        if (user is not None and user.is_authenticated) or request.method == "POST":
            response.headers["Cache-Control"] = "private, no-store"
        return response


class NotVisibleMiddleware:
    """A wrong person and a wrong address get the same answer: 404."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    @sensitive_variables()
    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        if isinstance(exception, NotVisible):
            raise Http404 from exception

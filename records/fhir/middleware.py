"""Whatever goes wrong below ``/fhir/`` is said in the words of FHIR: an app cannot read a page or follow a sign-in."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from records.fhir.services import outcome

PREFIX, FHIR_JSON = "/fhir/", "application/fhir+json"


class FhirMiddleware:
    """Stands outside of sign-in and "not found", so that it sees what they answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith(PREFIX) or response.headers.get("Content-Type") == FHIR_JSON:
            return response
        return _in_fhir(response)


def _in_fhir(response: HttpResponse) -> HttpResponse:
    """The same answer with another body; a way to the sign-in page becomes 401."""
    if 300 <= response.status_code < 400:
        response.status_code = 401
        del response.headers["Location"]
        # A challenge is due with 401; this one opens no window in a browser.
        response.headers["WWW-Authenticate"] = 'Portal-Session realm="portal"'
    status = response.status_code
    response.content = json.dumps(outcome(status, _words(status)), ensure_ascii=False).encode()
    response.headers["Content-Type"] = FHIR_JSON
    response.headers["Cache-Control"] = "private, no-store"
    if response.has_header("Content-Length"):
        response.headers["Content-Length"] = str(len(response.content))
    return response


def _words(status: int) -> str:
    if status == 401:
        return _("Please sign in to the portal again, then ask once more.")
    if status == 404:
        return _("There is nothing here for you.")
    if status == 405:
        return _("Nothing can be changed here. Ask with GET.")
    if status >= 500:
        return _("This does not work just now. Please try again later.")
    return _("We could not answer this.")

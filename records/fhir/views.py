"""The record for apps that the signed-in person uses: read, search, and everything at once (P16, P32)."""

from __future__ import annotations

import json
from uuid import UUID

from allauth.core.internal.ratelimit import consume
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.errors import NotVisible
from portal.guards import AuthRequest, recent_sign_in_required, role_required
from records.access import patients_of
from records.export.fhir import Resource
from records.fhir import services
from records.fhir.middleware import FHIR_JSON
from records.views.record import FAMILY

# What an app may say that it reads; anything else but these is refused.
_LIMIT = "fhir"
READABLE = ("", "json", "application/json", FHIR_JSON)


def _answer(resource: Resource, status: int = 200) -> HttpResponse:
    body = json.dumps(resource, ensure_ascii=False, default=str)
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(body, content_type=FHIR_JSON, status=status, headers=headers)


def _refused(request: HttpRequest) -> HttpResponse | None:
    """An answer for an app that asks for another form than JSON; None when JSON will do."""
    wanted = request.GET.get("_format", "")
    if wanted in READABLE and (wanted or request.accepts(FHIR_JSON) or request.accepts("application/json")):
        return None
    return _answer(services.outcome(406, "Only application/fhir+json is spoken here."), 406)


def _whose(request: AuthRequest, name: str = "patient") -> UUID:
    """The patient named in the search, as an id or ``Patient/id``; without one oneself. Raises ``NotVisible``."""
    named = request.GET.get(name, "").removeprefix("Patient/")
    try:
        wanted = UUID(named) if named else next(iter(patients_of(request.account_id)), None)
    except ValueError:
        wanted = None
    if wanted is None:
        raise NotVisible
    return wanted


def _too_often(request: AuthRequest) -> HttpResponse | None:
    """An answer for an app that asks again and again: each question reads the whole record."""
    rate = {_LIMIT: f"{settings.FHIR_READS_PER_MINUTE}/m/key"}
    key = str(request.account_id)
    if consume(request, app="records", action=_LIMIT, config=rate, key=key, limit_get=True) is not None:
        return None
    answer = _answer(services.outcome(429, _("That was too often. Please ask again in a minute.")), 429)
    answer.headers["Retry-After"] = "60"
    return answer


def _asked(request: HttpRequest) -> str:
    return f"{settings.SITE_URL}{request.get_full_path()}"


@login_not_required
@require_safe
def metadata(request: HttpRequest) -> HttpResponse:
    """What can be asked here; for everybody."""
    return _refused(request) or _answer(services.capability(timezone.now()))


@require_safe
@role_required(*FAMILY)
@recent_sign_in_required
def everything(request: AuthRequest, patient_id: UUID | None = None) -> HttpResponse:
    """The whole record as one bundle; ``_type`` names kinds, with commas between them."""
    if (stopped := _refused(request) or _too_often(request)) is not None:
        return stopped
    wanted = patient_id or _whose(request)
    kinds = [kind for kind in request.GET.get("_type", "").split(",") if kind]
    return _answer(services.everything(by=request.actor, patient_id=wanted, kinds=kinds, address=_asked(request)))


@require_safe
@role_required(*FAMILY)
@recent_sign_in_required
def search(request: AuthRequest, kind: str) -> HttpResponse:
    """What is of one kind in one record: ``?patient=``, or ``?_id=`` among patients."""
    if (stopped := _refused(request) or _too_often(request)) is not None:
        return stopped
    wanted = _whose(request, "_id" if kind == "Patient" else "patient")
    return _answer(services.everything(by=request.actor, patient_id=wanted, kinds=[kind], address=_asked(request)))


@require_safe
@role_required(*FAMILY)
@recent_sign_in_required
def resource(request: AuthRequest, kind: str, resource_id: UUID) -> HttpResponse:
    """One resource, at the address that every bundle names for it."""
    if (stopped := _refused(request) or _too_often(request)) is not None:
        return stopped
    return _answer(services.one_of(by=request.actor, kind=kind, ident=resource_id))

"""The patient's privacy pages: the home page, the page of all papers, and the download of a copy."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from portal.accounts.selectors import display_names
from portal.audit.selectors import who_looked as looks_at
from portal.dates import clinic_day
from portal.guards import AuthRequest, recent_sign_in_required, role_required
from portal.permissions import Role
from privacy import exports
from privacy.letters.selectors import letters_of
from privacy.promises import PROMISES, tested_count
from privacy.requests.selectors import asked_by
from privacy.requests.views.patient import card_of, wishes
from privacy.selectors import looks_by_day
from records.access import patients_of

PATIENTS = (Role.PATIENT, Role.GUARDIAN)
REQUESTS_AT_HOME, DAYS_AT_HOME, LOOKS_AT_HOME, LETTERS_AT_HOME = 8, 4, 200, 8
ALL_OF_THEM = 1000  # requests, and letters, on the page of all


def _who(actor_id: UUID | None, account_id: UUID, names: dict[UUID, str]) -> dict[str, Any]:
    return {"name": names.get(actor_id, "") if actor_id else "", "self": actor_id == account_id}


def _days(patient_id: UUID, account_id: UUID) -> list[dict[str, Any]]:
    """Who looked on the last days, gathered; two queries."""
    groups = looks_by_day(looks_at(patient_id)[:LOOKS_AT_HOME], most=DAYS_AT_HOME)
    names = display_names(group.actor_id for group in groups)
    return [{**_who(g.actor_id, account_id, names), "event": g.event, "what": g.what} for g in groups]


@require_GET
@role_required(*PATIENTS)
def home(request: AuthRequest) -> HttpResponse:
    """Requests with their clocks, who looked last, what can be asked for."""
    mine = patients_of(request.account_id)
    context: dict[str, Any] = {"has_record": bool(mine), "tested": tested_count(), "promises": len(PROMISES)}
    asked = list(asked_by(request.account_id)[: REQUESTS_AT_HOME + 1])
    context["cards"] = [card_of(row) for row in asked[:REQUESTS_AT_HOME]]
    letters = letters_of(request.actor, most=LETTERS_AT_HOME + 1)
    context["more"] = len(asked) > REQUESTS_AT_HOME or len(letters) > LETTERS_AT_HOME
    context["wishes"] = wishes(request, mine)
    if mine:
        context["letters"] = letters[:LETTERS_AT_HOME]
        context["looks"] = _days(mine[0], request.account_id)
    return render(request, "privacy/home.html", context)


@require_GET
@role_required(*PATIENTS)
def papers(request: AuthRequest) -> HttpResponse:
    """All that this account ever asked for, and all letters to it: nothing falls off the end of a list."""
    context = {
        "asked": asked_by(request.account_id)[:ALL_OF_THEM], "letters": letters_of(request.actor, most=ALL_OF_THEM)
    }
    return render(request, "privacy/papers.html", context)


@require_GET
@role_required(*PATIENTS)
@recent_sign_in_required
def download(request: AuthRequest, copy_id: UUID) -> HttpResponse:
    """The copy as a file, streamed; only for its owner, only as long as it is kept."""
    copy, content = exports.copy_open(by=request.actor, copy_id=copy_id)
    response = StreamingHttpResponse(content, content_type="application/zip")
    response["Content-Length"] = str(copy.size)
    response["Content-Disposition"] = f'attachment; filename="my-record-{clinic_day(copy.made_at)}.zip"'
    return cast(HttpResponse, response)

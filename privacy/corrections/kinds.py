"""Corrections as a kind of request: its clock, its grounds, its panels (RULES 1.20-1.27)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from portal.context import Actor
from portal.permissions import Purpose
from privacy.corrections import services
from privacy.corrections.forms import RebuttalForm, StatementNotedForm
from privacy.denials.grounds import grounds_for
from privacy.denials.selectors import denials_of
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.registry import KindRules, register
from privacy.requests.state import RequestState
from records.access import may_open
from records.amendments.models import PaperKind
from records.amendments.selectors import papers_of_request, tellings_of
from records.vault.papers import PaperView
from records.vault.part import open_part


def _papers(request: RightsRequest) -> dict[str, Any]:
    found = papers_of_request(request.pk)
    by_kind: dict[str, PaperView] = {paper.kind: paper for paper in found}
    return {
        "papers": found, "asked_paper": by_kind.get(PaperKind.REQUEST), "tellings": tellings_of(request.pk),
        "statement": by_kind.get(PaperKind.STATEMENT), "rebuttal": by_kind.get(PaperKind.REBUTTAL),
        "amended": by_kind.get(PaperKind.AMENDMENT), "denied": by_kind.get(PaperKind.DENIAL),
    }


def staff_context(request: RightsRequest, by: Actor) -> Mapping[str, Any]:
    """The wish, the part it is about (while the record is open to the officer), and what was said to a "no"."""
    found = _papers(request)
    asked = found["asked_paper"]
    opened = request.subject_id is not None and may_open(
        by=by, patient_id=request.subject_id, purpose=Purpose.LEGAL_DUTY, whole=True
    ) is not None
    if asked is not None and opened and request.subject_id is not None:
        found["part"] = open_part(
            by=by, patient_id=request.subject_id, kind=asked.part_kind, part_id=asked.part_id,
            purpose=Purpose.LEGAL_DUTY,
        )
    return found | {
        "may_name_part": asked is None and opened,
        "denials": denials_of(request.pk), "rebuttal_form": RebuttalForm(),
        "statement_form": StatementNotedForm() if _may_state(request, found) else None,
        "may_rebut": found["statement"] is not None and found["rebuttal"] is None,
    }


def _may_state(request: RightsRequest, found: Mapping[str, Any]) -> bool:
    refused = request.state in (RequestState.DENIED, RequestState.PARTLY, RequestState.UNDER_REVIEW)
    return refused and found["denied"] is not None and found["statement"] is None


def patient_context(request: RightsRequest, by: Actor) -> Mapping[str, Any]:
    """What was asked, what came of it, and what can be done now; nothing to whom the record is closed by now."""
    if request.subject_id is None or may_open(
        by=by, patient_id=request.subject_id, purpose=Purpose.COMMUNICATING, looking=True, rights=True
    ) is None:
        return {"may_state": False, "may_tell": False}
    found = _papers(request)
    return found | {
        "may_state": _may_state(request, found),
        "may_tell": found["amended"] is not None and request.ended_at is not None,
        "statement_most": settings.STATEMENT_MAX_SIGNS,
    }


def register_kinds() -> None:
    """Called once at start."""
    register(KindRules(
        RequestKind.AMENDMENT, due_days="AMENDMENT_DUE_DAYS", extension_days="AMENDMENT_EXTENSION_DAYS",
        grounds=grounds_for(RequestKind.AMENDMENT), fulfil=services.fulfil, ask_page="privacy:correct",
        staff_panel="privacy/corrections/_staff.html", staff_context=staff_context,
        refuse_page="admin:privacy_refuse", patient_panel="privacy/corrections/_patient.html",
        patient_context=patient_context,
        deed=_("Correct the record"), deed_page="admin:privacy_amend",
        deed_about=_("You write the correction as it shall stand beside the part. That finishes the request as well."),
        wish=_("Correct something"), wish_about=_("We put the right words beside it, or tell you why not."),
    ))

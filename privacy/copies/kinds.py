"""The two kinds of request that end in a printed copy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from portal.context import Actor
from portal.jobs.models import Job
from privacy.copies import services
from privacy.copies.forms import PaperForm, QuoteForm, ThirdPartyForm
from privacy.copies.models import PrintCopy
from privacy.denials.grounds import grounds_for
from privacy.fees.selectors import newest_quote
from privacy.letters.models import Letter
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.registry import KindRules, register
from privacy.requests.state import RequestState
from records.models import Encounter


def staff_context(request: RightsRequest, by: Actor) -> Mapping[str, Any]:
    """Where the copy is: to be made, at work, counted, quoted, on its way."""
    copy = PrintCopy.objects.filter(request_id=request.pk).defer("key").first()
    wanted = request.particulars or {}
    working = request.state == RequestState.IN_PROGRESS
    return {
        "print_copy": copy, "print_job": Job.objects.filter(pk=copy.job_id).first() if copy and copy.job_id else None,
        "quote": newest_quote(request.pk), "wanted": wanted,
        "consults": _parts(request.subject_id) if working and request.subject_id else (),
        "may_prepare": working, "signed_on": _signed_on(wanted), "shows_copy": working or copy is not None,
        "quote_form": QuoteForm(pages=copy.pages) if working and copy is not None and copy.made_at else None,
        "third_party": request.kind == RequestKind.ACCESS_THIRD_PARTY,
    }


def _signed_on(told: Mapping[str, Any]) -> dt.date | None:
    """The day of the signature, which the form wrote down as text."""
    try:
        return dt.date.fromisoformat(str(told.get("signed_on", "")))
    except ValueError:
        return None


def _parts(patient_id: UUID) -> QuerySet[Encounter]:
    """What a copy can be narrowed to: one consult that was sent in."""
    sent = Encounter.objects.filter(patient_id=patient_id, submitted_at__isnull=False)
    return sent.only("pk", "opened_at", "patient_id").order_by("opened_at")


def patient_context(request: RightsRequest, by: Actor) -> Mapping[str, Any]:
    """What it costs and what can be answered, and the day on which it was posted."""
    cover = Letter.objects.filter(request_id=request.pk, kind=services.COVER, posted_on__isnull=False)
    return {
        "posted_on": cover.order_by("posted_on").values_list("posted_on", flat=True).last(),
        "quote": newest_quote(request.pk), "wanted": request.particulars or {},
        "third_party": request.kind == RequestKind.ACCESS_THIRD_PARTY,
    }


def register_kinds() -> None:
    """Called once at start."""
    common: dict[str, Any] = {
        "due_days": "ACCESS_DUE_DAYS", "extension_days": "ACCESS_EXTENSION_DAYS",
        "extension_allowed": "ACCESS_EXTENSION_ALLOWED", "fee": True,
        "fulfil": services.copy_post, "stopped": services.copy_stopped,
        "staff_panel": "privacy/copies/_staff_panel.html", "staff_context": staff_context,
        "patient_panel": "privacy/copies/_patient_panel.html", "patient_context": patient_context, "panels_tell": True,
        "recallable": True,
    }
    register(
        KindRules(
            RequestKind.ACCESS_PAPER, grounds=grounds_for(RequestKind.ACCESS_PAPER), ask_form=PaperForm,
            wish=_("Get a copy on paper"),
            wish_about=_("We print your record and send it by post. We tell you the cost first."),
            deed=_("Put it into the print queue"),
            deed_about=_("The copy is printed behind a cover letter. The request is done when it is posted."), **common,
        )
    )
    register(
        KindRules(
            RequestKind.ACCESS_THIRD_PARTY, grounds=grounds_for(RequestKind.ACCESS_THIRD_PARTY),
            ask_form=ThirdPartyForm,
            wish=_("Send a copy to somebody else"),
            wish_about=_("We send your record to a person or an office that you name. We tell you the cost first."),
            deed=_("Put it into the print queue"),
            deed_about=_(
                "The copy goes to the person whom the patient named and signed for. When it is posted, it is written "
                "into the register of disclosures."
            ),
            **common,
        )
    )

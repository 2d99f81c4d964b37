"""The accounting: a statement of everybody who received something, as a letter that is kept (P34, RULES 1.28-1.35)."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.dates import today, years_later
from portal.errors import DomainError
from portal.permissions import Purpose
from privacy.disclosing.forms import AccountingForm
from privacy.disclosing.letters import lines_text
from privacy.disclosing.models import AccountingStatement
from privacy.disclosing.selectors import statement_is_free
from privacy.fees.panels import patient_fee, staff_fee
from privacy.fees.services import quote_drop
from privacy.letters.services import letter_write
from privacy.requests.letters import recipient_of
from privacy.requests.models import Channel, FeeState, RequestKind, RightsRequest
from privacy.requests.registry import KindRules, register
from privacy.requests.services.endings import request_complete
from records.vault.content import opened
from records.vault.given import GivenView, given_grouped

LINES_A_PAGE = 8


def window_of(request: RightsRequest) -> tuple[dt.date, dt.date]:
    """First and last day that the statement covers; six years before the request unless less is asked for."""
    first = years_later(request.received_on, -settings.ACCOUNTING_WINDOW_YEARS)
    asked = opened(request, "particulars", None) or {}
    since, until = _day(asked.get("since")), _day(asked.get("until"))
    since = max(first, since) if since else first
    until = min(request.received_on, until) if until else request.received_on
    return (since, until) if since <= until else (first, request.received_on)


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        return None


def entries_of(request: RightsRequest) -> tuple[GivenView, ...]:
    """The lines of the statement: all of the window but what an authority wants left out today."""
    assert request.subject_id is not None
    since, until = window_of(request)
    return given_grouped(request.subject_id, since=since, until=until)


def statement_make(request: RightsRequest, by: Actor) -> None:
    """Write the statement as a letter, note it, and end the request; in the transaction of the deed.

    Raises ``DomainError`` ``fee_first`` where it costs something that nobody agreed to (RULES 1.33).
    """
    assert request.subject_id is not None
    if not statement_is_free(request) and request.fee_state not in (FeeState.ACCEPTED, FeeState.WAIVED):
        raise DomainError(
            "fee_first", _("This is not the first list in twelve months: name the cost first, or waive it.")
        )
    entries, (since, until) = entries_of(request), window_of(request)
    counted = [entry for entry in entries if entry.counted]
    letter = letter_write(
        by=by, kind="accounting", subject_id=request.subject_id, account_id=request.account_id,
        request_id=request.pk, paper=_on_paper(request), once_key=f"accounting:{request.pk}",
        to=None if request.account_id else recipient_of(request),
        fields={
            "since": date_format(since, "F j, Y"), "until": date_format(until, "F j, Y"),
            "counted": lines_text(counted), "others": lines_text([entry for entry in entries if not entry.counted]),
        },
    )
    AccountingStatement.objects.get_or_create(
        request_id=request.pk,
        defaults={
            "subject_id": request.subject_id, "letter_id": letter.pk, "since": since, "until": until,
            "lines": len(entries), "counted": len(counted), "fee_cents": request.fee_cents or 0, "given_on": today(),
            "given_by": by.account_id,
        },
    )
    access_record(
        by=by, action=Action.EXPORT, purpose=Purpose.LEGAL_DUTY, subject_id=request.subject_id,
        object_kind="records.disclosure", object_id=request.subject_id, basis=f"request:{request.pk}",
    )
    request_complete(request)


def _on_paper(request: RightsRequest) -> bool:
    asked = opened(request, "particulars", None) or {}
    return request.channel == Channel.MAIL or bool(asked.get("paper"))


def staff_context(request: RightsRequest, _actor: Actor) -> dict[str, object]:
    """What the desk shows beside the request."""
    if request.subject_id is None:
        return {}
    entries, (since, until) = entries_of(request), window_of(request)
    return {
        "since": since, "until": until, "entries": entries, "counted": sum(entry.counted for entry in entries),
        "free": statement_is_free(request), "on_paper": _on_paper(request),
        **staff_fee(request, pages=1 + len(entries) // LINES_A_PAGE),
    }


def patient_context(request: RightsRequest, _actor: Actor) -> dict[str, object]:
    """The days it covers, and the letter once it is there."""
    since, until = window_of(request)
    statement = AccountingStatement.objects.filter(request_id=request.pk).first()
    return {
        "since": since, "until": until, "statement": statement, "on_paper": _on_paper(request), **patient_fee(request),
    }


def register_kind() -> None:
    """Called once at start."""
    register(
        KindRules(
            RequestKind.ACCOUNTING, due_days="ACCOUNTING_DUE_DAYS", extension_days="ACCOUNTING_EXTENSION_DAYS",
            fee=True, is_free=statement_is_free, fulfil=statement_make, stopped=quote_drop, at_once=True,
            ask_form=AccountingForm,
            staff_panel="privacy/disclosing/_accounting_staff.html", staff_context=staff_context,
            patient_panel="privacy/disclosing/_accounting.html", patient_context=patient_context, panels_tell=True,
            wish=gettext_lazy("Get a list of whom we told what"),
            wish_about=gettext_lazy("Everybody outside the clinic who received something of your record, as a letter."),
            deed=gettext_lazy("Write the list"),
            deed_about=gettext_lazy("It becomes a letter in the portal, and on paper where that was asked for."),
        )
    )

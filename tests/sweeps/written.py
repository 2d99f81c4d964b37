"""A letter to print and a quoted copy on paper, for the sweeps to point at."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from portal.accounts.models import User
from portal.context import SYSTEM
from portal.jobs.runner import run_job
from privacy.copies.services import copy_prepare, copy_quote
from privacy.letters.services import Recipient, letter_write
from privacy.models import RequestKind
from privacy.requests.services import request_open, request_start
from records.access import grant_close
from records.models import GrantKind

FIELDS = {"request": "A copy", "received": "November 2, 2026", "due": "December 2, 2026"}
COPY_DEEDS = ("copy_prepare", "copy_quote", "fee_name", "fee_check")


def things(officer: User | None, ana: User, patient_id: UUID) -> dict[str, Any]:
    """Ids by the names of addresses' parts."""
    assert officer
    letter = letter_write(
        by=SYSTEM, kind="received", subject_id=patient_id, account_id=ana.pk, fields=FIELDS, paper=True,
        to=Recipient("Ana Okafor", ("1 Lake Road", "Clear Lake, MN 55319")),
    )
    assert letter.job_id
    run_job(letter.job_id)
    request = request_open(
        by=ana.actor, kind=RequestKind.ACCESS_PAPER, subject_id=patient_id, account_id=ana.pk, form_key=uuid4()
    )
    request_start(by=officer.actor, request_id=request.pk)
    copy = copy_prepare(by=officer.actor, request_id=request.pk)
    assert copy.job_id
    run_job(copy.job_id)
    quote = copy_quote(by=officer.actor, request_id=request.pk, minutes=5, postage_cents=190)
    # What the request opened to the officer is the relations' business here.
    grant_close(by=SYSTEM, patient_id=patient_id, kind=GrantKind.REQUEST, reference=request.pk)
    return {
        "letter_id": letter.pk, "quote_id": quote.pk,
        **{f"admin:{deed}.request_id": request.pk for deed in COPY_DEEDS},
    }

"""Letters for these tests, as the product writes and makes them."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import User
from portal.context import SYSTEM
from portal.jobs.runner import run_job
from privacy.letters.models import Letter
from privacy.letters.services import Recipient, letter_write
from records.models import Patient

FIELDS = {"request": "A copy on paper ZQX", "received": "November 2, 2026", "due": "December 2, 2026"}
HOME = Recipient("Ana Okafor", ("1 Lake Road", "Clear Lake, MN 55319"))


def written(ana: User, anas: Patient, **more: Any) -> Letter:
    given = {"kind": "received", "subject_id": anas.pk, "account_id": ana.pk, "fields": FIELDS, **more}
    return letter_write(by=SYSTEM, **given)


def made(letter: Letter) -> Letter:
    letter.refresh_from_db()
    assert letter.job_id
    run_job(letter.job_id)
    letter.refresh_from_db()
    return letter


def text_of(pdf: bytes) -> str:
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as found:
        text = "".join(page.get_textpage().get_text_range() for page in found)
    return " ".join(text.split())

"""What every walk of a request needs: the portal's turn, the person's way in, letters read, a fee paid at Square."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pypdf
from django.core import mail
from playwright.sync_api import Page, expect

from billing.services import sweep as billing_sweep
from billing.standin.server import Standin, running
from portal.accounts.models import User
from portal.jobs.models import Job, JobState
from portal.jobs.runner import run_job
from portal.outbox.delivery import drain
from privacy.letters.models import Letter
from privacy.models import RightsRequest
from tests.privacy.windows import seen


def portals_turn() -> None:
    """What the workers do between two clicks: payments, jobs and mail, until nothing waits."""
    billing_sweep()
    while waiting := list(Job.objects.filter(state=JobState.WAITING).values_list("pk", flat=True)):
        for job_id in waiting:
            run_job(job_id)
    drain(patient=False)


def asks(phone: Page, wish: str) -> None:
    """From the privacy page to the page of a wish, as a person gets there."""
    phone.goto("/privacy/")
    phone.get_by_role("link", name=wish, exact=True).click()


def takes_on(desk: Page, kind: str) -> RightsRequest:
    """The officer finds it in the queue, with its next step, and takes it on."""
    desk.goto("/admin/privacy/")
    desk.get_by_role("link", name=re.compile(f"^{re.escape(kind)} ·")).first.click()
    desk.get_by_role("button", name="Take it on").click()
    expect(desk.get_by_role("button", name="Take it on")).to_have_count(0)
    expect(desk.get_by_text("In work").first).to_be_visible()
    return RightsRequest.objects.get(pk=desk.url.rstrip("/").rsplit("/", 1)[1])


def reads_letter(phone: Page, title: str, shot: str = "") -> str:
    """Opens the one new letter of this title from the page at hand; its words on the page and its PDF are the same.

    Returns the text of the PDF, in one line.
    """
    link = phone.locator("main").get_by_role("link", name=title, exact=True)
    expect(link).to_have_count(1)
    link.click()
    expect(phone.get_by_role("heading", name=title, level=1)).to_be_visible()
    if shot:
        seen(phone, shot)
    with phone.expect_download() as coming:
        phone.get_by_role("link", name="Download as PDF").click()
    pdf = coming.value.path().read_bytes()
    check_tags(pdf)
    text = text_of(pdf)
    for block in phone.locator("article.letter").locator("h2, h3, li, dd, blockquote, p:not(.small, .row)").all():
        for line in filter(None, (" ".join(one.split()) for one in block.inner_text().splitlines())):
            assert line in text, f"on the page, not in the PDF: {line}"
    phone.go_back()
    return text


def text_of(pdf: bytes) -> str:
    """All words of a PDF, in one line."""
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).split())


def check_tags(pdf: bytes) -> None:
    """It can be read aloud: tagged, with a language and a title (P37)."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"], "not tagged"
    assert root["/Lang"], "no language"
    assert reader.metadata and reader.metadata.title, "no title"


def letters_of(request: RightsRequest) -> list[str]:
    """The kinds of letter that this request has brought, in their order."""
    written = Letter.objects.filter(request_id=request.pk).order_by("written_at")
    return list(written.values_list("kind", flat=True))


def mails_to(user: User) -> list[str]:
    """The subjects of all mail to this person so far, in their order."""
    return [str(one.subject) for one in mail.outbox if user.email in one.to]


@contextmanager
def square(settings: Any, home: str) -> Iterator[Standin]:
    """A Square to pay at, for a portal at ``home``."""
    settings.SITE_URL, settings.SQUARE_ENVIRONMENT = home, "standin"
    settings.SQUARE_ACCESS_TOKEN, settings.SQUARE_LOCATION_ID = "token-of-the-walk", "PLACE"
    settings.SQUARE_WEBHOOK_URL = f"{home}/billing/square/webhook/"
    settings.SQUARE_WEBHOOK_SIGNATURE_KEYS = ["key-of-the-walk"]
    with running(token="token-of-the-walk", location_id="PLACE") as server:
        settings.SQUARE_BASE_URL = server.url
        policy = settings.CONTENT_SECURITY_POLICY
        places = {**policy["DIRECTIVES"], "form-action": [*policy["DIRECTIVES"]["form-action"], server.url]}
        settings.CONTENT_SECURITY_POLICY = {**policy, "DIRECTIVES": places}
        yield server

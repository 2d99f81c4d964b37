"""Asking for a limit or for another way to be reached, and carrying both out (RULES 1.36-1.38)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.models import Order
from consults.models import Consult
from portal.context import SYSTEM, Actor
from portal.dates import clinic_zone
from portal.errors import DomainError, NotVisible
from portal.outbox.models import Category, MailState, OutgoingMail
from portal.outbox.sending import POST_ONLY
from portal.permissions import Purpose
from privacy.letters.models import Letter
from privacy.letters.services import letter_write
from privacy.requests import services as requests
from privacy.requests.letters import recipient_of
from privacy.requests.models import Channel, RequestKind, RightsRequest
from privacy.requests.state import RequestState
from records.access import patients_of
from records.contact.models import ContactChoice
from records.contact.selectors import by_post
from records.contact.services import Wanted, contact_ask, contact_begin
from records.restrictions.models import RecipientKind, Restriction
from records.restrictions.services import restriction_ask, restriction_begin, restriction_withdraw

DAYS_BACK = 3  # how long a sweep may have been down without a letter being missed


def paid_encounters(patient_id: UUID) -> list[UUID]:
    """Consults that were paid for in full and not paid back: the law lets the patient keep them from a plan.

    The clinic takes no insurance, so whoever paid was not a health plan (RULES 1.36).
    """
    consults = Consult.objects.filter(patient_id=patient_id, paid_at__isnull=False).order_by("-paid_at")
    orders = {row.order_id: row.encounter_id for row in consults.only("order_id", "encounter_id") if row.order_id}
    paid = Order.objects.filter(pk__in=orders, state="paid").values_list("pk", flat=True)
    kept = set(paid)
    return [encounter for order, encounter in orders.items() if order in kept]


def limit_ask(
    *, by: Actor, patient_id: UUID, form_key: UUID, what: str, recipient_kind: RecipientKind, recipient: str = "",
    purpose: Purpose | str = "", paid_encounter_id: UUID | None = None,
) -> RightsRequest:
    """The person asks, in the portal. What the law demands is in force from this moment on."""
    if paid_encounter_id is not None and paid_encounter_id not in paid_encounters(patient_id):
        raise NotVisible
    with transaction.atomic():
        request = requests.request_open(
            by=by, kind=RequestKind.RESTRICTION, subject_id=patient_id, account_id=by.account, form_key=form_key
        )
        if not Restriction.objects.filter(request_id=request.pk).exists():
            restriction_ask(
                by=by, patient_id=patient_id, request_id=request.pk, recipient_kind=recipient_kind, what=what,
                purpose=purpose, recipient=recipient, paid_encounter_id=paid_encounter_id,
            )
    return request


def limit_enter(
    *, by: Actor, request_id: UUID, what: str, recipient_kind: RecipientKind, recipient: str = "",
    purpose: Purpose | str = "", paid_encounter_id: UUID | None = None,
) -> RightsRequest:
    """The officer writes down a limit that somebody asked for by letter or phone."""
    with transaction.atomic():
        request = _mine(by, request_id, RequestKind.RESTRICTION)
        assert request.subject_id is not None
        if paid_encounter_id is not None and paid_encounter_id not in paid_encounters(request.subject_id):
            raise NotVisible
        if not Restriction.objects.filter(request_id=request.pk).exists():
            restriction_ask(
                by=by, patient_id=request.subject_id, request_id=request.pk, recipient_kind=recipient_kind, what=what,
                purpose=purpose, recipient=recipient, paid_encounter_id=paid_encounter_id,
            )
    return request


def limit_fulfil(request: RightsRequest, by: Actor) -> None:
    """The clinic agrees; the person gets it in writing."""
    if not Restriction.objects.filter(request_id=request.pk).exists():
        raise DomainError("what_missing", _("First write down what shall not be shared."))
    row = restriction_begin(by=by, request_id=request.pk)
    _written(by, request, "limit.agreed", {
        "what": str(row.what), "whom": str(row.recipient) or str(RecipientKind(row.recipient_kind).label),
        "basis": str(row.get_basis_display()),
    })
    requests.request_complete(request)


def limit_stopped(request: RightsRequest) -> None:
    """Taken back: what the law had put in force at once ends with it."""
    if request.state == RequestState.WITHDRAWN:
        restriction_withdraw(request_id=request.pk)


def reach_ask(*, by: Actor, patient_id: UUID, form_key: UUID, wanted: Wanted) -> RightsRequest:
    """The person asks for other ways to be reached, in the portal.

    Raises ``DomainError`` ``asked_already`` while an earlier wish waits: two cannot both be done.
    """
    with transaction.atomic():
        request = requests.request_open(
            by=by, kind=RequestKind.CONFIDENTIAL, subject_id=patient_id, account_id=by.account, form_key=form_key
        )
        if not ContactChoice.objects.filter(request_id=request.pk).exists():
            contact_ask(by=by, patient_id=patient_id, request_id=request.pk, wanted=wanted)
        elif request.form_key != form_key:
            raise DomainError(
                "asked_already", _("You asked for another way already, and we are at it. Take that back first.")
            )
    return request


def reach_enter(*, by: Actor, request_id: UUID, wanted: Wanted) -> RightsRequest:
    """The officer writes down what somebody asked for by letter or phone."""
    with transaction.atomic():
        request = _mine(by, request_id, RequestKind.CONFIDENTIAL)
        assert request.subject_id is not None
        if not ContactChoice.objects.filter(request_id=request.pk).exists():
            contact_ask(by=by, patient_id=request.subject_id, request_id=request.pk, wanted=wanted)
    return request


def reach_fulfil(request: RightsRequest, by: Actor) -> None:
    """From now on every sender does so; the letter that says so goes the new way already."""
    if not ContactChoice.objects.filter(request_id=request.pk).exists():
        raise DomainError("choice_missing", _("First write down how the person wants to be reached."))
    row = contact_begin(by=by, request_id=request.pk)
    _written(by, request, "reach.granted", {"ways": "\n".join(ways_of(row))})
    requests.request_complete(request)


def ways_of(row: ContactChoice) -> list[str]:
    """The choices in sentences; that all is as usual where none was made."""
    address = dict(row.address or {})
    region = " ".join(str(address[name]) for name in ("state", "postal_code") if address.get(name))
    place = ", ".join(part for part in (str(address.get("street", "")), str(address.get("city", "")), region) if part)
    found = [
        _("We send letters and no email.") if row.post_only else "",
        _("We do not call.") if row.no_phone else "",
        _("We leave no voicemail.") if row.no_voicemail else "",
        _("We call this number: %(phone)s") % {"phone": row.phone} if row.phone else "",
        _("Letters go to: %(address)s") % {"address": place} if place else "",
        _("Bills: %(words)s") % {"words": row.payment} if row.payment else "",
    ]
    return [words for words in found if words] or [_("We reach you in the usual ways.")]


def post_instead() -> int:
    """For mails that were not sent because their reader wants post: one letter a person and day. Returns how many.

    Run again, it writes nothing twice. A letter of the desk is on paper already and needs none.
    """
    since = timezone.now() - dt.timedelta(days=DAYS_BACK)
    rows = OutgoingMail.objects.filter(state=MailState.REFUSED, last_error=POST_ONLY, queued_at__gte=since)
    wanted = rows.exclude(kind="privacy.letter_waits").exclude(category=Category.MARKETING)
    written = 0
    rows_now = wanted.order_by("queued_at").values_list("account_id", "subject_id", "queued_at")
    for account_id, subject_id, queued_at in rows_now:
        mine = patients_of(account_id) if account_id is not None else []
        if account_id is None or not mine:
            continue
        day = queued_at.astimezone(clinic_zone()).date()
        key = f"post:{account_id}:{day.isoformat()}"
        if Letter.objects.filter(once_key=key).exists():
            continue
        # To the account's person, so that what a young person asked for never goes to the parents.
        theirs = subject_id in mine and (account_id, subject_id) in by_post([account_id])
        letter_write(
            by=SYSTEM, kind="reach.waits", subject_id=subject_id if theirs else mine[0],
            account_id=account_id, paper=True, once_key=key,
            fields={"site": settings.SITE_URL, "phone": settings.CLINIC_PHONE},
        )
        written += 1
    return written


def _written(by: Actor, request: RightsRequest, kind: str, fields: dict[str, str]) -> None:
    if request.channel == Channel.CLINIC:
        return
    letter_write(
        by=by, kind=kind, subject_id=request.subject_id, account_id=request.account_id, request_id=request.pk,
        once_key=f"{kind}:{request.pk}", fields=fields, to=None if request.account_id else recipient_of(request),
    )


def _mine(by: Actor, request_id: UUID, kind: RequestKind) -> RightsRequest:
    request = requests.locked(by, request_id)
    if request.kind != kind or request.subject_id is None:
        raise NotVisible
    return request

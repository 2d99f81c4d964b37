"""Limits on sharing, and other ways to be reached: asked, granted, kept by every sender (RULES 1.36-1.38, P54)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail as mailbox
from django.db import IntegrityError, transaction
from django.test import Client

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.errors import DomainError, NotVisible
from portal.outbox.delivery import drain
from portal.outbox.models import MailState, OutgoingMail
from portal.outbox.services import mail_queue
from portal.permissions import Purpose
from privacy.denials.services import No, request_refuse
from privacy.letters.making import _recipient
from privacy.letters.models import Letter
from privacy.limits import services as limits
from privacy.limits.forms import ContactForm, RestrictionForm
from privacy.requests import services as requests
from privacy.requests.models import RightsRequest
from privacy.requests.registry import rules_of
from records.contact.selectors import reach_of, wants_post
from records.contact.services import Wanted
from records.models import Disclosure, Patient, Restriction, RestrictionOverride
from records.people.services import patient_update
from records.restrictions.models import EndReason, RecipientKind
from records.restrictions.selectors import limited_of, limits_of
from records.restrictions.services import restriction_end, restriction_override
from tests.consults import building
from tests.privacy.building import child_of

As = Callable[[User | None], Client]
PLAN, EMPLOYER = RecipientKind.HEALTH_PLAN, RecipientKind.EMPLOYER


def asked(user: User, patient: Patient, **more: Any) -> RightsRequest:
    told = {"what": "My acne visit", "recipient_kind": EMPLOYER, **more}
    return limits.limit_ask(by=user.actor, patient_id=patient.pk, form_key=uuid4(), **told)


def agreed(officer: User, request: RightsRequest) -> Restriction:
    requests.request_start(by=officer.actor, request_id=request.pk)
    requests.request_carry_out(by=officer.actor, request_id=request.pk)
    return Restriction.objects.get(request_id=request.pk)


def test_what_was_paid_in_full_is_kept_from_a_health_plan_at_once_and_never_refused(
    ana: User, anas: Patient, clinician: User, officer: User, as_: As
) -> None:
    consult = building.answered(ana, clinician, anas)
    unpaid = building.ready(ana, anas)
    assert limits.paid_encounters(anas.pk) == [consult.encounter_id]
    with pytest.raises(NotVisible):
        asked(ana, anas, recipient_kind=PLAN, paid_encounter_id=unpaid.encounter_id)
    form = {
        "form_key": str(uuid4()), "what": "My acne visit", "recipient_kind": PLAN, "paid": str(consult.encounter_id),
    }
    for _press in range(3):
        assert as_(ana).post("/privacy/limit/", form).status_code == 302
    request = RightsRequest.objects.get()
    [limit] = limits_of(anas.pk)
    assert limited_of([anas.pk, uuid4()], PLAN, Purpose.OPERATIONS) == {anas.pk}
    assert limit.must and limit.encounter_id == consult.encounter_id and limit.what == "My acne visit"
    assert limited_of([anas.pk], RecipientKind.PROVIDER, Purpose.CARE) == set()
    requests.request_start(by=officer.actor, request_id=request.pk)
    with pytest.raises(DomainError, match="must_agree"):
        request_refuse(by=officer.actor, request_id=request.pk, no=No(ground="cannot"))
    requests.request_carry_out(by=officer.actor, request_id=request.pk)
    with pytest.raises(DomainError, match="law_stays"):
        restriction_end(by=officer.actor, restriction_id=limit.id, reason=EndReason.CLINIC)
    with pytest.raises(IntegrityError), transaction.atomic():
        Restriction.objects.update(ends_at=limit.since, end_reason="clinic")
    assert "My acne visit" in json.dumps(Letter.objects.get(kind="limit.agreed").content)
    assert as_(ana).post(f"/privacy/requests/{request.pk}/limit/end/").status_code == 302
    assert limits_of(anas.pk) == ()


def test_a_limit_that_the_law_does_not_demand_may_be_refused_agreed_to_and_ended(
    ana: User, anas: Patient, officer: User
) -> None:
    request = asked(ana, anas)
    requests.request_start(by=officer.actor, request_id=request.pk)
    request_refuse(by=officer.actor, request_id=request.pk, no=No(ground="cannot"))
    assert limited_of([anas.pk], EMPLOYER, Purpose.CARE) == set()
    row = agreed(officer, asked(ana, anas, purpose=Purpose.OPERATIONS, recipient="Mill Co."))
    [limit] = limits_of(anas.pk)
    assert limited_of([anas.pk], EMPLOYER, Purpose.OPERATIONS) == {anas.pk}
    assert not limit.must and limit.to_whom == "Mill Co." and limited_of([anas.pk], EMPLOYER, Purpose.CARE) == set()
    restriction_end(by=officer.actor, restriction_id=row.pk, reason=EndReason.CLINIC)
    [still] = limits_of(anas.pk)
    assert limited_of([anas.pk], EMPLOYER, Purpose.OPERATIONS) == {anas.pk}
    row.refresh_from_db()
    assert still.before == row.ends_at  # what came in before stays limited
    with pytest.raises(DomainError, match="not_in_force"):
        restriction_end(by=officer.actor, restriction_id=row.pk, reason=EndReason.BOTH)
    other = agreed(officer, asked(ana, anas))
    restriction_end(by=officer.actor, restriction_id=other.pk, reason=EndReason.BOTH)
    assert [limit.id for limit in limits_of(anas.pk)] == [row.pk]


def test_what_is_taken_back_binds_nobody_and_can_be_ended_from_its_first_day(
    ana: User, anas: Patient, clinician: User, as_: As
) -> None:
    consult = building.answered(ana, clinician, anas)
    request = asked(ana, anas, recipient_kind=PLAN, paid_encounter_id=consult.encounter_id)
    assert "End this limit" in as_(ana).get(f"/privacy/requests/{request.pk}/").content.decode()
    row = Restriction.objects.get()
    with pytest.raises(NotVisible):  # it is the patient's to end, though the record is open to the clinician
        restriction_end(by=clinician.actor, restriction_id=row.pk, reason=EndReason.PATIENT)
    requests.request_withdraw(by=ana.actor, request_id=request.pk)
    row.refresh_from_db()
    assert limits_of(anas.pk) == () and row.end_reason == EndReason.PATIENT
    page = as_(ana).get(f"/privacy/requests/{request.pk}/").content.decode()
    assert "End this limit" not in page


def test_an_emergency_goes_before_a_limit_and_is_written_down(
    ana: User, anas: Patient, officer: User, other_clinician: User, as_: As
) -> None:
    row = agreed(officer, asked(ana, anas))
    told = {"recipient": "Hospital", "reason": "Unconscious", "form_key": uuid4()}
    with pytest.raises(NotVisible):
        restriction_override(
            by=other_clinician.actor, restriction_id=row.pk, asked_not_to_reuse=True, **told  # type: ignore[arg-type]
        )
    page = f"/admin/privacy/limits/{row.pk}/override/"
    assert as_(other_clinician).get(page).status_code == 404
    form = {**told, "form_key": str(told["form_key"])}
    assert as_(officer).post(page, form).status_code == 200 and not RestrictionOverride.objects.exists()
    log = AccessEvent.objects.filter(object_kind="records.restriction", object_id=row.pk, action=Action.VIEW)
    assert log.get().actor_id == officer.pk, "the words of a limit are not read without a trace"
    for _press in range(2):
        assert as_(officer).post(page, {**form, "asked_not_to_reuse": "on"}).status_code == 302
    made = RestrictionOverride.objects.get()
    assert (made.recipient, made.reason, made.overridden_by) == ("Hospital", "Unconscious", officer.pk)
    assert len(limits_of(anas.pk)) == 1
    entry = Disclosure.objects.get()
    assert (entry.recipient, entry.basis, entry.reference) == ("Hospital", "emergency", made.pk)


@pytest.mark.promise("P54")
def test_other_ways_to_be_reached_are_never_refused_and_nobody_asks_why(
    ana: User, anas: Patient, officer: User, clinician: User, as_: As
) -> None:
    assert rules_of("confidential").grounds == ()
    assert not any(word in name for name in ContactForm().fields for word in ("why", "reason", "because"))
    form = {
        "form_key": str(uuid4()), "post_only": "on", "no_voicemail": "on", "phone": "320 555 0199",
        "street": "PO Box 7", "city": "Monticello", "state": "MN", "postal_code": "55362",
    }
    assert as_(ana).post("/privacy/reach/", form).status_code == 302
    request = RightsRequest.objects.get()
    with pytest.raises(DomainError, match="asked_already"):
        limits.reach_ask(by=ana.actor, patient_id=anas.pk, form_key=uuid4(), wanted=Wanted(no_phone=True))
    assert as_(ana).post("/privacy/reach/", form).status_code == 302, "a second press is the same wish"
    assert not reach_of(anas.pk) and not wants_post(ana.pk, anas.pk)
    requests.request_start(by=officer.actor, request_id=request.pk)
    requests.request_carry_out(by=officer.actor, request_id=request.pk)
    reach = reach_of(anas.pk)
    assert reach.post_only and reach.no_voicemail and not reach.no_phone and reach.phone == "320 555 0199"
    letter = Letter.objects.get(kind="reach.granted")
    assert _recipient(letter).lines == ("PO Box 7", "Monticello, MN 55362")
    limits.reach_ask(by=ana.actor, patient_id=anas.pk, form_key=uuid4(), wanted=Wanted())
    back = RightsRequest.objects.exclude(pk=request.pk).get()
    requests.request_start(by=officer.actor, request_id=back.pk)
    requests.request_carry_out(by=officer.actor, request_id=back.pk)
    assert not reach_of(anas.pk) and not wants_post(ana.pk, anas.pk)


@pytest.mark.promise("P54")
def test_who_wants_post_gets_no_mail_but_codes_and_a_letter_says_that_something_waits(
    ana: User, ben: User, anas: Patient, bens: Patient, officer: User
) -> None:
    with pytest.raises(DomainError, match="address_missing"):
        limits.reach_ask(by=ana.actor, patient_id=anas.pk, form_key=uuid4(), wanted=Wanted(post_only=True))
    patient_update(
        by=ana.actor, patient_id=anas.pk, address={"street": "1 Lake St", "city": "Big Lake", "state": "MN"}
    )
    row = limits.reach_ask(by=ana.actor, patient_id=anas.pk, form_key=uuid4(), wanted=Wanted(post_only=True))
    requests.request_start(by=officer.actor, request_id=row.pk)
    requests.request_carry_out(by=officer.actor, request_id=row.pk)
    OutgoingMail.objects.all().delete()
    mailbox.outbox.clear()
    for number, user in enumerate((ana, ben, ana)):
        mail_queue(
            kind="privacy.answered", account_id=user.pk, once_key=f"test:{number}", refs={"request": str(row.pk)}
        )
    mail_queue(kind="account.password_changed", account_id=ana.pk, once_key="test:code", refs={})
    drain()
    states = dict(OutgoingMail.objects.values_list("once_key", "state"))
    refused = OutgoingMail.objects.filter(state=MailState.REFUSED, last_error="post_only")
    assert refused.count() == 2 and states["test:1"] == MailState.SENT and states["test:code"] != MailState.REFUSED
    assert sum(message.to == [ana.email] for message in mailbox.outbox) <= 1
    assert (limits.post_instead(), limits.post_instead()) == (1, 0)
    waits = Letter.objects.get(kind="reach.waits")
    assert waits.paper == "to_print" and waits.subject_id == anas.pk


@pytest.mark.promise("P54", "P47")
def test_a_guardian_follows_the_wish_of_the_record_and_is_written_to_where_they_asked(
    guardian: User, ben: User, officer: User, clinician: User
) -> None:
    """Letters only for one child: nothing about that child is mailed to the parent, and all else is."""
    children = [child_of(guardian, officer, ben), child_of(guardian, officer, given="Lu")]
    wish = Wanted(post_only=True, address={"street": "PO Box 7", "city": "Monticello", "state": "MN"})
    first, second = (child.pk for child in children)
    asked_ = limits.reach_ask(by=guardian.actor, patient_id=first, form_key=uuid4(), wanted=wish)
    requests.request_start(by=officer.actor, request_id=asked_.pk)
    requests.request_carry_out(by=officer.actor, request_id=asked_.pk)
    assert wants_post(guardian.pk, first) and not wants_post(guardian.pk, second) and not wants_post(guardian.pk, None)
    assert wants_post(ben.pk, first) and not wants_post(officer.pk, first), "the officer's own mail goes on"
    granted = _recipient(Letter.objects.get(kind="reach.granted"))
    assert (granted.name, granted.lines) == ("Gwen Okafor", ("PO Box 7", "Monticello, MN"))
    OutgoingMail.objects.all().delete()
    for number, subject_id in enumerate((first, second, None)):
        mail_queue(
            kind="privacy.answered", account_id=guardian.pk, subject_id=subject_id, once_key=f"test:{number}",
            refs={"request": str(asked_.pk)},
        )
    drain()
    states = dict(OutgoingMail.objects.values_list("once_key", "state"))
    assert states == {"test:0": MailState.REFUSED, "test:1": MailState.SENT, "test:2": MailState.SENT}
    assert (limits.post_instead(), limits.post_instead()) == (1, 0)
    waits = Letter.objects.get(kind="reach.waits")
    assert waits.subject_id == first and _recipient(waits) == granted
    again = limits.reach_ask(by=guardian.actor, patient_id=second, form_key=uuid4(), wanted=wish)
    requests.request_start(by=officer.actor, request_id=again.pk)
    requests.request_carry_out(by=officer.actor, request_id=again.pk)
    assert wants_post(guardian.pk, None), "here for these records only, and both want letters"


def test_the_forms_offer_only_what_is_there(ana: User, anas: Patient) -> None:
    assert "paid" not in RestrictionForm(paid=[]).fields
    form = RestrictionForm({"form_key": str(uuid4()), "what": "", "recipient_kind": "nobody"}, paid=[])
    assert set(form.errors) == {"what", "recipient_kind"}

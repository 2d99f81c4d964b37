"""The legal clocks with exactly the numbers of RULES 1.2, 1.3, 1.21, 1.32; the one extension; reminders."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.conf import settings as django_settings

from portal.accounts.models import User
from portal.errors import DomainError
from portal.evidence.models import Evidence
from portal.outbox.models import OutgoingMail
from privacy.letters.models import Letter
from privacy.requests import clock, services
from privacy.requests.models import Channel, IdentityState, RequestKind, RightsRequest
from privacy.requests.registry import KindRules, kinds, rules_of
from privacy.requests.reminders import EVIDENCE, reminder_due, requests_remind
from privacy.requests.state import RequestState
from records.models import Patient
from tests.privacy.building import ask

D = dt.date
FEBRUARY = D(2027, 2, 15)
ACCESS = KindRules(RequestKind.ACCESS, "ACCESS_DUE_DAYS", "ACCESS_EXTENSION_DAYS", "ACCESS_EXTENSION_ALLOWED")
AMENDMENT = KindRules(RequestKind.AMENDMENT, "AMENDMENT_DUE_DAYS", "AMENDMENT_EXTENSION_DAYS")
ACCOUNTING = KindRules(RequestKind.ACCOUNTING, "ACCOUNTING_DUE_DAYS", "ACCOUNTING_EXTENSION_DAYS")


def row(rules: KindRules, received: dt.date, **more: Any) -> RightsRequest:
    due = clock.first_due(rules, received)
    return RightsRequest(
        kind=rules.kind, subject_id=uuid4(), account_id=uuid4(),
        **{"received_on": received, "first_due_on": due, "due_on": due, **more},
    )


@pytest.mark.promise("P35")
@pytest.mark.parametrize(
    ("rules", "received", "due", "limit"),
    [
        pytest.param(ACCESS, D(2026, 12, 1), D(2026, 12, 31), D(2027, 1, 30), id="RULES 1.2 and 1.3"),
        pytest.param(AMENDMENT, D(2026, 12, 1), D(2027, 1, 30), D(2027, 3, 1), id="RULES 1.21"),
        pytest.param(ACCOUNTING, D(2026, 12, 1), D(2027, 1, 30), D(2027, 3, 1), id="RULES 1.32"),
        pytest.param(ACCESS, D(2028, 1, 30), D(2028, 2, 29), D(2028, 3, 30), id="onto a leap day"),
        pytest.param(ACCESS, D(2027, 1, 30), D(2027, 3, 1), D(2027, 3, 31), id="past a common February"),
        pytest.param(AMENDMENT, D(2027, 12, 31), D(2028, 2, 29), D(2028, 3, 30), id="sixty days onto a leap day"),
        pytest.param(AMENDMENT, D(2026, 12, 31), D(2027, 3, 1), D(2027, 3, 31), id="sixty days past a common February"),
        pytest.param(ACCOUNTING, D(2028, 2, 29), D(2028, 4, 29), D(2028, 5, 29), id="from a leap day"),
        pytest.param(ACCESS, D(2026, 12, 5), D(2027, 1, 4), D(2027, 2, 3), id="no day is moved off a weekend"),
    ],
)
def test_the_last_days_are_exactly_those_of_the_rules(
    rules: KindRules, received: dt.date, due: dt.date, limit: dt.date
) -> None:
    assert clock.first_due(rules, received) == due
    assert clock.extension_limit(rules, row(rules, received)) == limit


@pytest.mark.promise("P35")
def test_every_kind_has_a_clock_of_a_setting_and_none_is_longer_than_the_law(settings: Any) -> None:
    longest = {RequestKind.AMENDMENT: 60, RequestKind.ACCOUNTING: 60}
    for rules in kinds():
        days = getattr(settings, rules.due_days)
        assert 0 < days <= longest.get(rules.kind, 30), rules.kind
        if rules.extension_days:
            assert getattr(settings, rules.extension_days) <= 30


def test_minnesota_gives_no_more_time_for_access_until_counsel_says_so(settings: Any) -> None:
    assert django_settings.ACCESS_EXTENSION_ALLOWED is False
    for kind in (RequestKind.ACCESS, RequestKind.ACCESS_PAPER, RequestKind.ACCESS_THIRD_PARTY):
        assert not clock.may_extend(rules_of(kind))
    settings.ACCESS_EXTENSION_ALLOWED = True
    assert clock.may_extend(rules_of(RequestKind.ACCESS)) and clock.may_extend(AMENDMENT)
    assert not clock.may_extend(rules_of(RequestKind.DELETION))


@pytest.mark.parametrize(
    ("day", "open_"), [(D(2026, 12, 1), True), (D(2027, 1, 30), True), (D(2027, 1, 31), False)]
)
def test_more_time_can_be_taken_on_the_last_day_and_not_on_the_day_after(day: dt.date, open_: bool) -> None:
    request = row(AMENDMENT, D(2026, 12, 1))
    assert clock.extension_open(AMENDMENT, request, on=day) is open_
    request.extended_at = dt.datetime(2026, 12, 2, tzinfo=dt.UTC)
    assert not clock.extension_open(AMENDMENT, request, on=day), "there is no second time"


# --- Taking more time --------------------------------------------------------------------------------------


def working(officer: User, patient: Patient, account: UUID | None) -> RightsRequest:
    """A correction at work since 1 December 2026."""
    due = clock.first_due(AMENDMENT, D(2026, 12, 1))
    return RightsRequest.objects.create(
        kind=RequestKind.AMENDMENT, subject_id=patient.pk, account_id=account, channel=Channel.MAIL,
        identity_state=IdentityState.CONFIRMED, state=RequestState.IN_PROGRESS, officer_id=officer.pk,
        contact=None if account else {"name": "Ana Okafor", "address": "1 Lake St\nSartell, MN 56377"},
        received_on=D(2026, 12, 1), first_due_on=due, due_on=due,
    )


@pytest.mark.promise("P35")
def test_the_one_extension_needs_a_reason_and_a_day_inside_the_law_and_tells_the_patient(
    ana: User, officer: User, anas: Patient
) -> None:
    request = working(officer, anas, ana.pk)

    def extend(reason: str = "We wait for the old file.", until: dt.date = FEBRUARY) -> RightsRequest:
        return services.request_extend(by=officer.actor, request_id=request.pk, reason=reason, until=until)

    with time_machine.travel("2027-01-30T18:00:00Z", tick=False):
        for wrong, code in (
            ({"reason": "  "}, "reason_missing"), ({"until": D(2027, 1, 30)}, "until_beyond"),
            ({"until": D(2027, 3, 2)}, "until_beyond"), ({"until": D(2026, 12, 30)}, "until_beyond"),
        ):
            with pytest.raises(DomainError, match=code):
                extend(**wrong)
        assert not Letter.objects.exists()
        assert extend(until=D(2027, 3, 1)).due_on == D(2027, 3, 1)
        with pytest.raises(DomainError, match="extended_already"):
            extend(until=D(2027, 2, 28))
    request.refresh_from_db()
    assert (request.first_due_on, request.due_on) == (D(2027, 1, 30), D(2027, 3, 1))
    [letter] = Letter.objects.all()
    assert letter.kind == "extension" and letter.account_id == ana.pk
    assert (letter.fields["reason"], letter.fields["until"]) == ("We wait for the old file.", "March 1, 2027")


def test_after_the_first_period_and_for_kinds_without_one_no_time_is_given(
    ana: User, officer: User, anas: Patient
) -> None:
    request = working(officer, anas, ana.pk)
    with time_machine.travel("2027-01-31T18:00:00Z", tick=False), pytest.raises(DomainError, match="too_late"):
        services.request_extend(by=officer.actor, request_id=request.pk, reason="Late.", until=D(2027, 2, 15))
    deletion = ask(ana, anas)
    with pytest.raises(DomainError, match="no_extension"):
        services.request_extend(
            by=officer.actor, request_id=deletion.pk, reason="More.", until=deletion.due_on + dt.timedelta(days=5)
        )


def test_somebody_without_an_account_gets_the_letter_by_post(officer: User, anas: Patient) -> None:
    request = working(officer, anas, None)
    with time_machine.travel("2026-12-20T18:00:00Z", tick=False):
        services.request_extend(by=officer.actor, request_id=request.pk, reason="Old file.", until=D(2027, 2, 15))
    [letter] = Letter.objects.all()
    assert letter.paper == "to_print" and letter.recipient == {
        "name": "Ana Okafor", "lines": ["1 Lake St", "Sartell, MN 56377"],
    }


# --- Reminders (P35: nothing falls silent) -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "days", "step"),
    [(11, 30, None), (10, 30, 10), (9, 30, 10), (4, 30, 10), (3, 30, 3), (1, 30, 3), (0, 30, 0), (3, 3, None),
     (10, 10, None), (9, 10, None), (3, 10, 3), (0, 3, 0)],
)
def test_which_reminder_is_due(left: int, days: int, step: int | None) -> None:
    assert reminder_due(left, days, [10, 3, 0]) == step


@pytest.mark.promise("P35")
def test_reminders_come_once_each_and_the_owner_hears_of_what_is_late(
    ana: User, officer: User, owner: User, anas: Patient
) -> None:
    with time_machine.travel("2026-12-01T18:00:00Z", tick=False):
        request = ask(ana, anas)
    OutgoingMail.objects.all().delete()
    told: list[tuple[str, UUID | None]] = []
    for day in (10, 21, 22, 28, 31, 32, 33, 38, 39):
        with time_machine.travel(dt.datetime(2026, 11, 30, 18, tzinfo=dt.UTC) + dt.timedelta(days=day), tick=False):
            requests_remind()
            requests_remind()
        new = [(mail.kind, mail.account_id) for mail in OutgoingMail.objects.order_by("queued_at", "kind")]
        assert len(new) - len(told) == {21: 1, 28: 1, 31: 1, 32: 2, 39: 2}.get(day, 0), (day, new)
        told = new
    assert set(told) == {("privacy.reminder", officer.pk), ("privacy.overdue", owner.pk)}
    proof = Evidence.objects.filter(kind=EVIDENCE).latest("recorded_at")
    assert not proof.passed and proof.facts["late"] == 1
    with time_machine.travel("2027-01-10T18:00:00Z", tick=False):
        services.request_withdraw(by=ana.actor, request_id=request.pk)
        assert requests_remind() == {"told": 0, "open": 0, "late": 0, "answered": 0, "in_time": 0}
    assert Evidence.objects.filter(kind=EVIDENCE).latest("recorded_at").passed


def test_who_works_on_it_is_reminded_alone_and_everybody_while_nobody_does(
    ana: User, officer: User, anas: Patient, django_user_model: type[User]
) -> None:
    other = django_user_model.objects.create_user(email="deputy@example.com", role="officer", display_name="Deputy")
    with time_machine.travel("2026-12-01T18:00:00Z", tick=False):
        request = ask(ana, anas)
        OutgoingMail.objects.all().delete()
    with time_machine.travel("2026-12-22T18:00:00Z", tick=False):
        requests_remind()
        assert set(OutgoingMail.objects.values_list("account_id", flat=True)) == {officer.pk, other.pk}
        services.request_start(by=other.actor, request_id=request.pk)
        OutgoingMail.objects.all().delete()
    with time_machine.travel("2026-12-29T18:00:00Z", tick=False):
        requests_remind()
    assert set(OutgoingMail.objects.values_list("account_id", flat=True)) == {other.pk}


def test_an_answer_is_in_time_until_the_last_day(ana: User, officer: User, anas: Patient, bens: Patient) -> None:
    for patient, moment, in_time in ((anas, "2027-01-01T05:30:00Z", True), (bens, "2027-01-01T06:30:00Z", False)):
        with time_machine.travel("2026-12-01T18:00:00Z", tick=False):
            request = services.request_open(
                by=officer.actor, kind=RequestKind.QUESTION, subject_id=patient.pk, account_id=None,
                form_key=uuid4(), channel=Channel.PHONE, contact={"name": "Ana"}, details="Why?",
            )
            request.due_on = request.first_due_on = D(2026, 12, 31)
            request.save()
            services.request_start(by=officer.actor, request_id=request.pk)
        with time_machine.travel(moment, tick=False):  # the last half hour of the day at the clinic, and the next one
            services.request_answer(by=officer.actor, request_id=request.pk, answer="Because.")
        request.refresh_from_db()
        assert request.in_time is in_time

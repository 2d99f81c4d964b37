"""RULES 3.5 to 3.10: who is told of a breach, how, and what follows when a notice comes back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import User
from portal.agreements.models import Agreement, Withdrawal
from portal.agreements.services import notices_by_email
from portal.dates import today
from portal.errors import DomainError, NotVisible
from portal.outbox.models import MailState, OutgoingMail
from privacy.incidents import selectors
from privacy.incidents.clocks import DutyKind
from privacy.incidents.models import Incident
from privacy.incidents.notice_models import PARTS, BreachNotice, NoticeText, PublicNotice, Way
from privacy.incidents.services import assessing, notifying, people
from privacy.incidents.services.watch import alarms_ring
from privacy.incidents.state import IncidentState
from privacy.letters.models import Letter, PrintState
from tests.consults import building as consults
from tests.incidents import building
from tests.incidents.building import breach, opened_incident

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P52")]
As = Callable[..., Client]


def sent(officer: User, incident: Incident) -> Incident:
    """The words are written and the notices made."""
    notifying.notice_write(by=officer.actor, incident_id=incident.pk, values=building.PARTS)
    notifying.notices_send(by=officer.actor, incident_id=incident.pk)
    notifying.notices_make(incident.pk)
    return Incident.objects.get(pk=incident.pk)


def posted() -> None:
    """Every letter has been given to the post, and every mail taken."""
    Letter.objects.update(paper=PrintState.POSTED, posted_on=today())
    mails = OutgoingMail.objects.filter(kind="incident.notice")
    mails.update(state=MailState.SENT, sent_at=timezone.now(), secret=None)


def stranger(officer: User, incident: Incident, number: int, address: str = "5 Elm\nClear Lake, MN 55319") -> None:
    people.stranger_add(
        by=officer.actor, incident_id=incident.pk, name=f"Person {number}", address=address, state="MN"
    )


@pytest.mark.parametrize("part", PARTS)
def test_a_notice_needs_all_five_parts(part: str, officer: User, ana: User) -> None:
    incident = breach(officer, consults.person(ana).pk)
    notifying.notice_write(by=officer.actor, incident_id=incident.pk, values={**building.PARTS, part: " "})
    with pytest.raises(DomainError) as error:
        notifying.notices_send(by=officer.actor, incident_id=incident.pk)
    assert (error.value.code, error.value.field) == ("notice_incomplete", part)


def test_letters_go_to_all_but_those_who_agreed_to_email_and_hold_to_it(
    officer: User, ana: User, ben: User, other_clinician: User
) -> None:
    cleo = User.objects.create_user("cleo@example.org", None, role="patient", display_name="Cleo Park")
    patients = [consults.person(user, given=user.display_name) for user in (ana, ben, cleo)]
    for user in (ana, ben):
        notices_by_email(by=user.actor, wanted=True)
    notices_by_email(by=ben.actor, wanted=False)
    incident = breach(officer, *(patient.pk for patient in patients))
    stranger(officer, incident, 1)
    sent(officer, incident)
    ways = {row.affected.subject_id: row for row in BreachNotice.objects.select_related("affected")}
    assert {key: row.way for key, row in ways.items()} == {
        patients[0].pk: Way.EMAIL, patients[1].pk: Way.LETTER, patients[2].pk: Way.LETTER, None: Way.LETTER,
    }
    mail = OutgoingMail.objects.get(pk=ways[patients[0].pk].mail_id)
    assert mail.kind == "incident.notice" and all(mail.secret[part].startswith(building.PARTS[part]) for part in PARTS)
    letter = Letter.objects.get(pk=ways[None].letter_id)
    assert letter.recipient == {"name": "Person 1", "lines": ["5 Elm", "Clear Lake, MN 55319"]}
    assert letter.paper == PrintState.TO_PRINT
    for part in (*building.PARTS.values(), "We learned of it on", "Post: Clear Lake Skin, PLLC"):
        assert part in str(letter.content)
    assert not Letter.objects.filter(subject_id=patients[0].pk).exists()


def test_pressing_twice_and_the_sweep_make_one_notice_each(officer: User, ana: User) -> None:
    incident = sent(officer, breach(officer, consults.person(ana).pk))
    notifying.notices_send(by=officer.actor, incident_id=incident.pk)
    assert notifying.notices_due() == [incident.pk]
    assert notifying.notices_make(incident.pk) == 0
    assert BreachNotice.objects.count() == Letter.objects.count() == 1
    with pytest.raises(DomainError):
        notifying.notice_write(by=officer.actor, incident_id=incident.pk, values={})


def test_nobody_is_told_before_the_assessment_or_while_law_enforcement_waits(officer: User, ana: User) -> None:
    presumed = opened_incident(officer)
    with pytest.raises(DomainError):
        notifying.notices_send(by=officer.actor, incident_id=presumed.pk)
    incident = breach(officer, consults.person(ana).pk)
    notifying.notice_write(by=officer.actor, incident_id=incident.pk, values=building.PARTS)
    NoticeText.objects.filter(incident=incident).update(send_from=timezone.now())
    assessing.delay_record(
        by=officer.actor, incident_id=incident.pk, kind="oral", agency="Sheriff", starts_on=today(), until=None
    )
    with pytest.raises(DomainError) as error:
        notifying.notices_send(by=officer.actor, incident_id=incident.pk)
    assert error.value.code == "law_delay"
    assert notifying.notices_make(incident.pk) == 0
    with time_machine.travel(timezone.now() + dt.timedelta(days=31)):
        assert notifying.notices_make(incident.pk) == 1


def test_what_the_post_or_a_mail_server_gives_back_is_counted(officer: User, ana: User, ben: User) -> None:
    notices_by_email(by=ana.actor, wanted=True)
    incident = sent(officer, breach(officer, consults.person(ana).pk, consults.person(ben, given="Ben").pk))
    assert selectors.on_the_way(incident) == 2 and not selectors.all_reached(incident)
    posted()
    assert selectors.unreached(incident) == 0 and selectors.all_reached(incident)
    OutgoingMail.objects.filter(kind="incident.notice").update(state=MailState.DEAD)
    Letter.objects.update(paper=PrintState.RETURNED, returned_on=today())
    assert notifying.returns_note() == 2 and notifying.returns_note() == 0
    assert selectors.unreached(incident) == 2 and not selectors.all_reached(incident)
    for notice in incident.notices.all():
        with pytest.raises(DomainError):
            notifying.notice_reached(by=officer.actor, incident_id=incident.pk, notice_id=notice.pk, how=" ")
        notifying.notice_reached(
            by=officer.actor, incident_id=incident.pk, notice_id=notice.pk, how="By phone, Mia, May 4"
        )
    assert selectors.all_reached(incident)


@pytest.mark.parametrize(("people_back", "code"), [(9, "few_unreached"), (10, None)])
def test_ten_who_cannot_be_reached_need_a_public_notice_for_ninety_days(
    people_back: int, code: str | None, officer: User, settings: Any, as_: As
) -> None:
    incident = opened_incident(officer)
    for number in range(people_back):
        stranger(officer, incident, number)
    incident = sent(officer, building.signed(officer, incident, "breach"))
    for notice in incident.notices.all():
        notifying.notice_returned(by=officer.actor, incident_id=incident.pk, notice_id=notice.pk)
    with pytest.raises(DomainError) as error:
        notifying.public_notice_post(by=officer.actor, incident_id=incident.pk)
    assert error.value.code == "toll_free_missing"
    settings.CLINIC_TOLL_FREE = "(800) 555-0100"
    if code:
        with pytest.raises(DomainError) as error:
            notifying.public_notice_post(by=officer.actor, incident_id=incident.pk)
        assert error.value.code == code
        return
    posted = notifying.public_notice_post(by=officer.actor, incident_id=incident.pk)
    assert (posted.ends_on - posted.starts_on).days == 89
    assert selectors.all_reached(incident)
    visitor, page = as_(None), reverse("privacy:public_notice", args=[posted.pk])
    home = visitor.get("/").content.decode()
    assert page in home and "A notice about health information" in home
    words = visitor.get(page).content.decode()
    assert "(800) 555-0100" in words and building.PARTS["happened"] in words and "Person 1" not in words
    with time_machine.travel(timezone.now() + dt.timedelta(days=90)):
        assert visitor.get(page).status_code == 404
        assert page not in visitor.get("/").content.decode()


@pytest.mark.parametrize("state", [MailState.DEAD, MailState.REFUSED])
def test_an_email_that_never_left_counts_as_come_back(state: str, officer: User, ana: User) -> None:
    notices_by_email(by=ana.actor, wanted=True)
    incident = sent(officer, breach(officer, consults.person(ana).pk))
    OutgoingMail.objects.filter(kind="incident.notice").update(state=state, secret=None)
    assert notifying.returns_note() == 1
    assert (selectors.unreached(incident), selectors.on_the_way(incident)) == (1, 0)


def test_a_notice_of_another_incident_is_not_found(officer: User, ana: User) -> None:
    notice = sent(officer, breach(officer, consults.person(ana).pk)).notices.get()
    other = breach(officer, count=1)
    for deed in (
        lambda: notifying.notice_returned(by=officer.actor, incident_id=other.pk, notice_id=notice.pk),
        lambda: notifying.notice_reached(by=officer.actor, incident_id=other.pk, notice_id=notice.pk, how="By phone"),
    ):
        with pytest.raises(NotVisible):
            deed()
    notice.refresh_from_db()
    assert notice.returned_at is None


def test_who_has_no_address_is_reached_in_another_way_and_the_count_stays(officer: User, as_: As) -> None:
    incident = opened_incident(officer)
    stranger(officer, incident, 1, address="")
    stranger(officer, incident, 2)
    incident = sent(officer, building.signed(officer, incident, "breach"))
    posted()
    alone, written = incident.affected.order_by("added_at")
    assert selectors.unreached(incident) == 1
    browser, page = as_(officer), reverse("admin:incident_notice", args=[incident.pk])
    deed = reverse("admin:incident_person_reached", args=[incident.pk, alone.pk])
    assert deed in browser.get(page).content.decode()
    browser.post(deed, {"how": " "})
    assert not selectors.all_reached(incident), "how is written down"
    for _press in range(2):
        browser.post(deed, {"how": "By phone, Mia, May 4"})
    assert selectors.all_reached(incident) and selectors.residents(incident) == {"MN": 2}
    assert BreachNotice.objects.get(affected=alone).reached_how == "By phone, Mia, May 4"
    shown = browser.get(page).content.decode()
    assert "No address to write to" in shown and deed not in shown
    for affected_id, case in ((written.pk, incident), (alone.pk, breach(officer, count=1))):
        with pytest.raises(NotVisible):
            notifying.person_reached(by=officer.actor, incident_id=case.pk, affected_id=affected_id, how="By phone")


def test_a_notice_that_another_process_puts_up_shows_within_a_minute(
    officer: User, as_: As, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.CLINIC_TOLL_FREE = "(800) 555-0100"
    visitor, start = as_(None), timezone.now()

    def shown() -> bool:
        return "A notice about health information" in visitor.get("/").content.decode()

    with time_machine.travel(start, tick=False) as clock:
        assert not shown()
        elsewhere = PublicNotice.objects.create(
            incident=breach(officer, count=12), toll_free="x", starts_on=today(), put_up_by=officer.pk,
            ends_on=today() + dt.timedelta(days=89),
        )
        assert not shown(), "this process remembers that there was none"
        clock.shift(60)
        assert shown()
        elsewhere.delete()
        assert not shown(), "what stands is asked for each time"
        incident = sent(officer, breach(officer, count=12))
        with django_capture_on_commit_callbacks(execute=True):
            notifying.public_notice_post(by=officer.actor, incident_id=incident.pk)
        assert shown(), "its own shows at once"


def test_people_known_only_by_number_are_not_reached_until_the_public_notice(officer: User, settings: Any) -> None:
    settings.CLINIC_TOLL_FREE = "(800) 555-0100"
    incident = sent(officer, breach(officer, count=12))
    assert selectors.unreached(incident) == 12
    notifying.public_notice_post(by=officer.actor, incident_id=incident.pk)
    assert selectors.all_reached(incident)


def test_a_breach_is_closed_when_everybody_has_been_told_with_proof(officer: User, ana: User) -> None:
    incident = breach(officer, consults.person(ana).pk)
    told = {"by": officer.actor, "incident_id": incident.pk, "done_on": today(), "proof": "Form 12-345"}
    with pytest.raises(DomainError) as error:
        notifying.duty_done(kind=DutyKind.INDIVIDUALS, **told)
    assert error.value.code == "people_first"
    incident = sent(officer, incident)
    with pytest.raises(DomainError) as error:
        notifying.duty_done(kind=DutyKind.INDIVIDUALS, **told)
    assert error.value.code == "people_first", "written, and not posted yet"
    posted()
    with pytest.raises(DomainError):
        notifying.duty_done(kind=DutyKind.HHS, **{**told, "proof": ""})
    with pytest.raises(DomainError):
        notifying.duty_done(kind=DutyKind.HHS, **{**told, "done_on": today() + dt.timedelta(days=1)})
    with pytest.raises(DomainError) as error:
        notifying.duty_done(kind=DutyKind.HHS, **{**told, "done_on": today() - dt.timedelta(days=1)})
    assert error.value.code == "day_before"
    first = notifying.duty_done(kind=DutyKind.HHS, **told)
    assert notifying.duty_done(kind=DutyKind.HHS, **told) == first
    with pytest.raises(DomainError) as error:
        notifying.incident_close(by=officer.actor, incident_id=incident.pk)
    assert error.value.code == "duties_open"
    notifying.duty_done(kind=DutyKind.INDIVIDUALS, **told)
    stranger(officer, incident, 1)
    with pytest.raises(DomainError) as error:
        notifying.incident_close(by=officer.actor, incident_id=incident.pk)
    assert error.value.code == "people_first", "somebody was added after it was noted that all were told"
    notifying.notices_make(incident.pk)
    posted()
    assert notifying.incident_close(by=officer.actor, incident_id=incident.pk).state == IncidentState.CLOSED


def test_alarms_ring_once_on_their_days_until_the_people_are_told(officer: User, ana: User) -> None:
    found = timezone.now() - dt.timedelta(days=31)
    incident = breach(officer, consults.person(ana).pk, discovered_at=found)
    alarms_ring()
    alarms_ring()
    days = [mail.refs["day"] for mail in OutgoingMail.objects.filter(kind="incident.alarm")]
    assert sorted(days) == ["10", "30"]
    sent(officer, incident)
    posted()
    notifying.duty_done(
        by=officer.actor, incident_id=incident.pk, kind=DutyKind.INDIVIDUALS, done_on=today(), proof="All letters"
    )
    assert alarms_ring() == 0


def test_the_years_log_lists_each_incident_of_the_year_of_its_discovery(officer: User, ana: User) -> None:
    with time_machine.travel(dt.datetime(2027, 1, 3, 12, tzinfo=dt.UTC)):
        old = breach(
            officer, consults.person(ana).pk, discovered_at=dt.datetime(2026, 12, 31, 23, tzinfo=dt.UTC),
        )
        new = building.signed(officer, opened_incident(officer))
    [line] = selectors.year_log(2026)
    assert (line.incident.pk, line.people, line.hhs_due) == (old.pk, 1, dt.date(2027, 3, 1))
    [line] = selectors.year_log(2027)
    assert (line.incident.pk, line.hhs_due) == (new.pk, None)
    assert selectors.years_with_incidents()[-2:] == [2027, 2026]
    rows = list(selectors.log_rows(selectors.year_log(2026)))
    assert len(rows[0]) == len(selectors.LOG_HEADER) and rows[0][0] == old.number


@pytest.mark.promise("P01")
def test_email_for_legal_notices_is_agreed_to_and_taken_back_on_the_account_page(ana: User, as_: As) -> None:
    browser, page = as_(ana), reverse("accounts:notices")
    assert "Send me letters instead" not in browser.get(reverse("accounts:profile")).content.decode()
    for _press in range(2):
        browser.post(page, {"wanted": "yes"})
    agreement = Agreement.objects.get(policy__kind="electronic_notices")
    assert "Send me letters instead" in browser.get(reverse("accounts:profile")).content.decode()
    browser.post(page, {"wanted": "no"})
    assert Withdrawal.objects.get().agreement == agreement
    browser.post(page, {"wanted": "yes"})
    assert Agreement.objects.filter(policy__kind="electronic_notices").count() == 2

"""Reports and incidents of the demo, for an exercise at the table: one of each kind, in each state."""

from __future__ import annotations

from uuid import UUID, uuid4

from portal.accounts.models import SuspensionReason, User
from portal.accounts.selectors import staff_of
from portal.accounts.suspending import account_suspend
from portal.context import ANONYMOUS, Actor
from portal.dates import today
from portal.demo.clock import ago
from portal.permissions import Role
from privacy.incidents.report_models import Channel, ReportKind
from privacy.incidents.services import assessing, notifying, people, reports
from privacy.incidents.services.reports import Told

FAX = {
    "nature": "Name, birth date and plan of one patient. No numbers of accounts.", "nature_level": "low",
    "recipient": "The fax of another clinic, whose staff are bound to secrecy as we are.", "recipient_level": "low",
    "acquired": "Their front desk read the cover page and called us within ten minutes.", "acquired_level": "medium",
    "mitigation": "They shredded it and said so in writing the same day.", "mitigation_level": "low",
    "outcome": "low_probability",
    "conclusion": "Another covered clinic, minutes, destroyed with a written statement: very unlikely to be misused.",
}
BAG = {
    "nature": "Names and phone numbers of two people on a call list. Nothing about their skin.",
    "nature_level": "medium",
    "recipient": "Whoever found the bag; nobody knows.", "recipient_level": "high",
    "acquired": "The list lay on top. Likely seen.", "acquired_level": "high",
    "mitigation": "The bus company has not found the bag.", "mitigation_level": "high",
    "outcome": "breach", "conclusion": "We cannot show that it was not seen. Both people are told.",
}
LETTER = {
    "happened": "On the way home one of us lost a bag with a call list. We noticed it the same evening.",
    "data": "Your name and your phone number.",
    "protect": "Be careful with calls from people you do not know who speak of our clinic.",
    "doing": "Lists are not taken home any more. We have told everybody here.",
    "contact": "Mia Soto, Clear Lake Skin, 12 Lakeshore Drive, Clear Lake, MN 55319, (320) 555-0142",
}


def seed_incidents(patient_id: UUID) -> None:
    """An open report, a complaint, three incidents, and a sign-in that is stopped."""
    officer = Actor(staff_of(Role.OFFICER)[0], Role.OFFICER)
    support = Actor(staff_of(Role.SUPPORT)[0], Role.SUPPORT)
    _reports(support)
    _closed(officer)
    _assessed(officer, patient_id)
    _told(officer)
    _stopped(officer)


def _reports(support: Actor) -> None:
    with ago(hours=20):
        words = "At the pharmacy I heard two people from your clinic talk about a patient by name."
        reports.report_make(by=ANONYMOUS, told=Told(ReportKind.CONCERN, words), form_key=uuid4())
    with ago(days=2):
        told = Told(ReportKind.COMPLAINT, "Nobody called back for a week about my copy.", reach="(320) 555-0187")
        reports.report_enter(
            by=support, told=told, channel=Channel.PHONE, received_on=today(), form_key=uuid4()
        )


def _closed(officer: Actor) -> None:
    with ago(days=70) as found:
        incident = assessing.incident_open(
            by=officer, summary="A plan went to the fax number of another clinic: one digit was wrong.",
            discovered_at=found, happened_on=found.date(), data_kinds=["name", "birth", "plan"],
        )
        people.count_add(by=officer, incident_id=incident.pk, count=1, state="MN")
    with ago(days=66):
        assessing.assessment_sign(by=officer, incident_id=incident.pk, values=FAX)


def _assessed(officer: Actor, patient_id: UUID) -> None:
    with ago(days=6):
        words = "A letter that was not for me lay in my mail. I opened it before I saw the name."
        told = Told(ReportKind.CONCERN, words, reach="5 Elm Street, Clear Lake, MN 55319")
        report, _code = reports.report_enter(
            by=officer, told=told, channel=Channel.MAIL, received_on=today(), form_key=uuid4()
        )
    with ago(days=5) as moment:
        incident = assessing.incident_open(
            by=officer, summary="A letter for one patient was put into the envelope of another.",
            discovered_at=moment, data_kinds=["name", "plan"], report_id=report.pk,
        )
        people.person_add(by=officer, incident_id=incident.pk, subject_id=patient_id, state="MN")
    with ago(days=4):
        draft = {name: FAX[name] for name in ("nature", "nature_level")}
        assessing.assessment_write(by=officer, incident_id=incident.pk, values=draft)
        note = "Asked the neighbour to bring the letter back, with all its pages."
        assessing.note_add(by=officer, incident_id=incident.pk, note=note)


def _told(officer: Actor) -> None:
    with ago(days=20) as found:
        incident = assessing.incident_open(
            by=officer, summary="A bag with a call list was lost on the bus.", discovered_at=found,
            happened_on=found.date(), data_kinds=["name", "contact"],
        )
        for name, street in (("Ruth Adler", "18 Birch Lane"), ("Hamid Sohrabi", "240 Third Street")):
            address = f"{street}\nClear Lake, MN 55319"
            people.stranger_add(by=officer, incident_id=incident.pk, name=name, address=address, state="MN")
        assessing.assessment_sign(by=officer, incident_id=incident.pk, values=BAG)
        notifying.notice_write(by=officer, incident_id=incident.pk, values=LETTER)
    with ago(days=2):
        notifying.notices_send(by=officer, incident_id=incident.pk)
        notifying.notices_make(incident.pk)


def _stopped(officer: Actor) -> None:
    with ago(days=9):
        user = User.objects.create_user("probing@demo.example", None, role=Role.PATIENT)
        account_suspend(
            by=officer, account_id=user.pk, reason=SuspensionReason.ATTACK,
            note="Four thousand tries of other people’s addresses in one night.",
        )

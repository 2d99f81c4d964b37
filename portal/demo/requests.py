"""Requests of the demo: one in each state that a request can have, from all ways in which they come."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from portal.accounts.models import User
from portal.accounts.selectors import staff_of
from portal.context import Actor
from portal.demo.clock import ago
from portal.permissions import Role
from privacy.denials.services import No, request_refuse
from privacy.denials.services import review_ask as review_ask_in_words
from privacy.requests import services
from privacy.requests.models import Channel, IdentityHow, RequestKind, RightsRequest
from privacy.requests.services import Identity
from records.access import patients_of

SKIPPED = 8  # of the made-up patients: what the demo tells of them by letters and courts stands by itself
SEEN = Identity(IdentityHow.PHOTO_ID, "Driver’s license, seen at the front desk.")


@dataclass(frozen=True)
class Someone:
    """A patient of the demo with the record that is their own."""

    account: User
    patient_id: UUID


def seed_requests() -> None:
    """A dozen rows; each made and moved by the product's own services. Fewer patients make fewer rows."""
    officer = Actor(staff_of(Role.OFFICER)[0], Role.OFFICER)
    users = User.objects.filter(email__startswith="patient", role=Role.PATIENT).order_by("email")[SKIPPED:]
    people = [Someone(user, found[0]) for user in users if (found := patients_of(user.pk))]
    ana = User.objects.get(email="ana@demo.example")
    _answered(officer, Someone(ana, patients_of(ana.pk)[0]))
    _without_an_account(officer)
    for scene, someone in zip(SCENES, people, strict=False):
        scene(officer, someone)


def _asked(someone: Someone, kind: RequestKind, days: float, details: str = "") -> RightsRequest:
    with ago(days=days):
        return services.request_open(
            by=someone.account.actor, kind=kind, subject_id=someone.patient_id, account_id=someone.account.pk,
            form_key=uuid4(), details=details,
        )


def _started(officer: Actor, row: RightsRequest, days: float) -> RightsRequest:
    with ago(days=days):
        return services.request_start(by=officer, request_id=row.pk)


def _written_down(officer: Actor, someone: Someone, kind: RequestKind, days: float, **more: object) -> RightsRequest:
    with ago(days=days) as moment:
        return services.request_open(
            by=officer, kind=kind, subject_id=someone.patient_id, account_id=someone.account.pk, form_key=uuid4(),
            received_on=moment.date(), **{"channel": Channel.MAIL, **more},  # type: ignore[arg-type]
        )


def _answered(officer: Actor, ana: Someone) -> None:
    """Ana asked something and got an answer; what she asked now is being worked on."""
    row = _started(officer, _asked(ana, RequestKind.QUESTION, 40, "Do you share my photos with anybody?"), 39)
    with ago(days=38):
        words = "No. Only the people who care for you can open them, and you can see who did under “Who looked”."
        services.request_answer(by=officer, request_id=row.pk, answer=words)
    _started(officer, _asked(ana, RequestKind.QUESTION, 6, "Who keeps my record if the clinic closes?"), 5)


def _without_an_account(officer: Actor) -> None:
    """Somebody who never was a patient wrote, and another one called to complain."""
    contact = {"name": "Robin Vance", "address": "12 Pine Street\nSartell, MN 56377"}
    with ago(days=9) as moment:
        services.request_open(
            by=officer, kind=RequestKind.NOTICE, subject_id=None, account_id=None, form_key=uuid4(),
            received_on=moment.date(), channel=Channel.MAIL, contact=contact, details="Please send me your notice.",
        )
    with ago(days=50) as moment:
        row = services.request_open(
            by=officer, kind=RequestKind.COMPLAINT, subject_id=None, account_id=None, form_key=uuid4(),
            received_on=moment.date(), channel=Channel.PHONE, contact={**contact, "name": "Toni Weber"},
            details="A letter for a neighbor lay in my mailbox.",
        )
    _started(officer, row, 49)
    with ago(days=45):
        words = "You are right. We had mixed up two house numbers. We told her, and now check each address twice."
        services.request_answer(by=officer, request_id=row.pk, answer=words, outcome="founded")


def _new(officer: Actor, someone: Someone) -> None:
    _asked(someone, RequestKind.DELETION, 2, "I have moved away.")


def _not_proven(officer: Actor, someone: Someone) -> None:
    _written_down(officer, someone, RequestKind.DELETION, 12, details="Delete my file. Signed, but no copy of an ID.")


def _late(officer: Actor, someone: Someone) -> None:
    row = _written_down(officer, someone, RequestKind.QUESTION, 19, channel=Channel.EMAIL, details="What do you keep?")
    _started(officer, row, 17)


def _soon(officer: Actor, someone: Someone) -> None:
    _started(officer, _asked(someone, RequestKind.DELETION, 28), 20)


def _refused(officer: Actor, someone: Someone) -> None:
    row = _started(officer, _asked(someone, RequestKind.DELETION, 60), 58)
    with ago(days=55):
        request_refuse(by=officer, request_id=row.pk, no=No("retention_law", "You were here in spring."))


def _in_part(officer: Actor, someone: Someone) -> None:
    row = _started(officer, _asked(someone, RequestKind.DELETION, 48), 47)
    with ago(days=46):
        no = No("retention_law", "We delete your photos.", withheld="What your clinician wrote, for seven years.")
        request_refuse(by=officer, request_id=row.pk, no=no)


def _reviewed(officer: Actor, someone: Someone) -> None:
    row = _started(officer, _asked(someone, RequestKind.DELETION, 33), 32)
    with ago(days=30):
        request_refuse(by=officer, request_id=row.pk, no=No("retention_law", "We treated you last year."))
    with ago(days=4):
        review_ask_in_words(by=someone.account.actor, request_id=row.pk, words="I was never treated. I only asked.")


def _taken_back(officer: Actor, someone: Someone) -> None:
    row = _asked(someone, RequestKind.DELETION, 25)
    with ago(days=24):
        services.request_withdraw(by=someone.account.actor, request_id=row.pk)


def _twice(officer: Actor, someone: Someone) -> None:
    _asked(someone, RequestKind.DELETION, 7)
    _written_down(officer, someone, RequestKind.DELETION, 5, identity=SEEN, channel=Channel.IN_PERSON)


def _at_the_printer(officer: Actor, someone: Someone) -> None:
    row = _started(officer, _asked(someone, RequestKind.NOTICE, 4), 3)
    with ago(days=3):
        services.request_carry_out(by=officer, request_id=row.pk)


SCENES = (
    _new, _not_proven, _late, _refused, _reviewed, _twice, _soon, _taken_back, _at_the_printer, _in_part,
)

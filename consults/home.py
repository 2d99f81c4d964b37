"""The patient's home: their consults as lines, and the plan in force. One query of lines, however many.

What is kept back from the reader is neither shown nor counted here (``records/withholding``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, F, Field, Func, IntegerField, UUIDField
from django.utils import timezone

from consults.models import Consult
from consults.questionnaires import load
from consults.selectors import consults_of
from consults.state import TALKING, UNSENT, ConsultState
from portal.context import Actor
from portal.permissions import Purpose, Role
from records.vault import RoutineView, open_routine
from records.withholding.selectors import KEPT_FROM_A_GUARDIAN, KEPT_FROM_THE_PATIENT

MOST_CONSULTS = 50


@dataclass(frozen=True)
class ConsultLine:
    """A consult on a list. ``unread`` counts new messages of the clinic."""

    consult: Consult
    title: str
    unread: int
    last_at: dt.datetime | None
    front_photo: UUID | None
    has_plan: bool

    @property
    def state(self) -> str:
        return self.consult.state

    @property
    def unsent(self) -> bool:
        return self.consult.state in UNSENT

    @property
    def talking(self) -> bool:
        return self.consult.state in TALKING

    @property
    def state_label(self) -> str:
        """As ``get_state_display``, which would build its whole table for each row."""
        return str(ConsultState(self.consult.state).label)

    @property
    def started_on(self) -> dt.datetime:
        return self.consult.submitted_at or self.consult.created_at


@dataclass(frozen=True)
class PlanCard:
    """The plan in force: which week of how many, and the words."""

    line: ConsultLine
    plan: RoutineView

    @property
    def week(self) -> int:
        return (timezone.now() - self.plan.signed_at).days // 7 + 1

    @property
    def over(self) -> bool:
        return self.plan.weeks is not None and self.week > self.plan.weeks

    @property
    def next_look(self) -> dt.date | None:
        if self.plan.weeks is None:
            return None
        return timezone.localtime(self.plan.signed_at).date() + dt.timedelta(weeks=self.plan.weeks)


@dataclass(frozen=True)
class Home:
    """Everything on the dashboard."""

    lines: list[ConsultLine]
    plan: PlanCard | None

    @property
    def todo(self) -> list[ConsultLine]:
        """Consults in which it is the patient's turn, or something is new."""
        mine = UNSENT | {ConsultState.NEEDS_INFORMATION}
        return [line for line in self.lines if line.state in mine or line.unread]

    @property
    def waiting(self) -> list[ConsultLine]:
        return [line for line in self.lines if line.state in (ConsultState.SUBMITTED, ConsultState.IN_REVIEW)]

    @property
    def over_time(self) -> list[ConsultLine]:
        """First and newest consult with a front photo: the skin then and now."""
        shown = [line for line in reversed(self.lines) if line.front_photo and not line.unsent]
        return [shown[0], shown[-1]] if len(shown) > 1 else shown


def _of_encounter(sql: str, output: Field[Any, Any], part: str = "", kept: str = "") -> Func:
    """A figure of a consult's encounter, asked with the list; ``part`` is what ``kept`` may keep back from it.

    Plain SQL: Django takes longer to build four nested queries than the database to answer them.
    """
    shown = sql.replace("{shown}", f"NOT EXISTS ({kept.replace('%(expressions)s', part)})")
    return Func(F("encounter_id"), template=f"({shown})", output_field=output)


def _about(kept: str) -> dict[str, Func]:
    return {
        "n_unread": _of_encounter(
            "SELECT count(*) FROM records_message m"
            " WHERE m.encounter_id = %(expressions)s AND m.from_staff AND m.read_at IS NULL AND {shown}",
            IntegerField(), "m.id", kept,
        ),
        "last_at": _of_encounter(
            "SELECT max(m.sent_at) FROM records_message m WHERE m.encounter_id = %(expressions)s", DateTimeField()
        ),
        "front": _of_encounter(
            "SELECT p.id FROM records_photo p WHERE p.encounter_id = %(expressions)s"
            " AND p.view = 'front' AND p.state = 'ready' AND {shown}"
            " ORDER BY p.received_at DESC LIMIT 1",
            UUIDField(), "p.id", kept,
        ),
        # Of a plan that is kept back too: its page says so, and what can be done (RULES 1.16).
        "planned": _of_encounter(
            "SELECT count(*) FROM records_plan p WHERE p.encounter_id = %(expressions)s AND p.signed_at IS NOT NULL",
            IntegerField(),
        ),
    }


_ABOUT, _ABOUT_FOR_A_GUARDIAN = _about(KEPT_FROM_THE_PATIENT), _about(KEPT_FROM_A_GUARDIAN)
_LINE = ("encounter", "patient", "questionnaire", "state", "created_at", "submitted_at", "paid_at", "due_at")


def lines_of(by: Actor) -> list[ConsultLine]:
    """The person's consults as lines, newest first, in one query."""
    about = _ABOUT_FOR_A_GUARDIAN if by.role == Role.GUARDIAN else _ABOUT
    rows = consults_of(by).only(*_LINE).annotate(**about).order_by(
        F("submitted_at").desc(nulls_first=True), "-created_at"
    )
    return [
        ConsultLine(
            consult=row, title=load(row.questionnaire).title, unread=row.n_unread, last_at=row.last_at,
            front_photo=row.front, has_plan=row.planned > 0,
        )
        for row in rows[:MOST_CONSULTS]
    ]


def home_of(by: Actor) -> Home:
    """The dashboard: one query of lines, and the newest plan through the vault."""
    lines = lines_of(by)
    newest = next((line for line in lines if line.has_plan), None)
    plan = None
    if newest is not None:
        consult = newest.consult
        plan = open_routine(
            by=by, patient_id=consult.patient_id, encounter_id=consult.encounter_id, purpose=Purpose.CARE
        )
    return Home(lines=lines, plan=PlanCard(newest, plan) if newest and plan else None)

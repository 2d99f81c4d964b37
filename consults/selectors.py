"""Reading consults for the patient's pages. No writes but the vault's own traces.

Every function asks for the person first; a list takes the same number of queries however long
it is. Health information comes out of the vault only.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import QuerySet

from consults.models import Consult
from consults.questionnaire import Flag, FlagAction, Questionnaire, Screen, codes_of
from consults.questionnaires import load
from consults.state import TALKING, UNSENT, ConsultState
from portal.context import Actor
from portal.errors import NotVisible
from portal.guards import visible_or_404
from portal.permissions import Purpose
from records.access import patients_of, visible_ids
from records.models import PhotoState
from records.photos.models import REQUIRED_VIEWS
from records.photos.selectors import PhotoCard, photo_cards
from records.vault import AnswerView, MessageView, open_encounter, open_thread


def consults_of(by: Actor) -> QuerySet[Consult]:
    """The consults of everybody this person uses the portal for, newest first."""
    return Consult.objects.filter(patient_id__in=visible_ids(by, purpose=Purpose.CARE)).order_by("-created_at", "pk")


def consult_for(*, by: Actor, consult_id: UUID) -> Consult:
    """One consult with its encounter. Raises ``NotVisible``."""
    return visible_or_404(consults_of(by).select_related("encounter"), pk=consult_id)


def own_patient(by: Actor) -> UUID | None:
    """The patient that this account is, or looks after; None before ``/welcome/``."""
    patients = patients_of(by.account_id) if by.account_id else []
    return patients[0] if patients else None


# --- a draft ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """One stop on the way to sending: ``kind`` is step, photo or review; ``ref`` a screen or view."""

    kind: str
    ref: str = ""


REVIEW = Place("review")


@dataclass(frozen=True)
class Draft:
    """A consult being filled in: what was answered, and the way through it."""

    consult: Consult
    questionnaire: Questionnaire
    answers: dict[str, AnswerView]
    photos: tuple[PhotoCard, ...]
    codes: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def path(self) -> tuple[Screen, ...]:
        return self.questionnaire.path(self.codes)

    @property
    def places(self) -> list[Place]:
        """Every page of the way, in order."""
        steps = [Place("step", screen.id) for screen in self.path]
        return [*steps, *(Place("photo", view.value) for view in REQUIRED_VIEWS), REVIEW]

    @property
    def stop(self) -> Flag | None:
        return next(iter(self.questionnaire.raised(self.codes, FlagAction.STOP)), None)

    def urgent(self, *screens: Screen | None) -> list[Flag]:
        """Advice raised by these screens' answers; by all of them when none is named."""
        wanted = {question.id for screen in screens if screen for question in screen.questions}
        flags = self.questionnaire.raised(self.codes, FlagAction.URGENT)
        return [flag for flag in flags if not screens or flag.question in wanted]

    def unanswered(self, screen: Screen) -> bool:
        return any(q.required and q.id not in self.answers for q in screen.asked(self.codes))

    @property
    def next_place(self) -> Place:
        """Where to go on: the first page that still needs something."""
        for screen in self.path:
            if self.unanswered(screen):
                return Place("step", screen.id)
        there = {card.view for card in self.photos if card.state != PhotoState.REFUSED}
        missing = [view for view in REQUIRED_VIEWS if view not in there]
        return Place("photo", missing[0].value) if missing else REVIEW

    def before(self, place: Place) -> Place | None:
        places = self.places
        at = places.index(place) if place in places else len(places) - 1
        return places[at - 1] if at > 0 else None

    def after(self, place: Place) -> Place:
        places = self.places
        at = places.index(place) + 1 if place in places else len(places)
        return places[at] if at < len(places) else REVIEW

    def number(self, place: Place) -> int:
        return self.places.index(place) + 1 if place in self.places else len(self.places) - 1

    def photo(self, view: str) -> PhotoCard | None:
        """The newest photo of a view."""
        return next((card for card in reversed(self.photos) if card.view == view), None)

    @property
    def saved_at(self) -> dt.datetime | None:
        """When the server last kept something; None before the first answer."""
        return self.consult.changed_at if self.answers or self.photos else None


def draft_open(*, by: Actor, consult: Consult) -> Draft:
    """The draft with its answers, through the vault. ``consult`` comes from ``consult_for``."""
    view = open_encounter(by=by, encounter_id=consult.encounter_id, purpose=Purpose.CARE)
    return Draft(
        consult=consult, questionnaire=load(consult.questionnaire),
        answers={answer.question_id: answer for answer in view.answers if answer.value is not None},
        photos=tuple(photo_cards(consult.encounter_id)), codes=codes_of(view.answers),
    )


# --- where a consult stands ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Milestone:
    """One line of the way of a consult: done (with its time), now, or still to come."""

    code: str
    at: dt.datetime | None = None
    now: bool = False


def milestones(consult: Consult) -> list[Milestone]:
    """Sent, paid, looked at, answered: for the patient's status page."""
    looking = consult.assigned_to is not None and consult.paid_at is not None
    steps = [
        Milestone("sent", consult.submitted_at, now=consult.state == ConsultState.DRAFT),
        Milestone("paid", consult.paid_at, now=consult.state == ConsultState.AWAITING_PAYMENT),
        Milestone("looking", None, now=consult.state in (ConsultState.SUBMITTED, ConsultState.IN_REVIEW)),
    ]
    if consult.state == ConsultState.NEEDS_INFORMATION:
        steps.append(Milestone("question", now=True))
    if consult.state in (ConsultState.WITHDRAWN, ConsultState.DECLINED, ConsultState.EXPIRED):
        reached = [step for step in steps if step.at or (step.code == "looking" and looking)]
        return [*reached, Milestone(consult.state, consult.ended_at)]
    return [*steps, Milestone("answered", consult.answered_at)]


@dataclass(frozen=True)
class Thread:
    """A consult's messages for its patient."""

    consult: Consult
    messages: tuple[MessageView, ...]

    @property
    def question(self) -> MessageView | None:
        """The clinician's open question."""
        if self.consult.state != ConsultState.NEEDS_INFORMATION:
            return None
        return next((message for message in reversed(self.messages) if message.from_staff), None)

    @property
    def can_write(self) -> bool:
        return self.consult.state in TALKING


def thread_of(*, by: Actor, consult: Consult) -> Thread:
    """The messages, through the vault. Raises ``NotVisible``."""
    if consult.state in UNSENT:
        raise NotVisible
    return Thread(consult, open_thread(by=by, encounter_id=consult.encounter_id, purpose=Purpose.COMMUNICATING))

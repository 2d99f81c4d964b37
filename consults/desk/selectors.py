"""What the clinician's desk shows: the queue, one's own cases, and one case with its history.

Lists ask the index that was made for them and never count everything: the queue pages by key
(``due_at, id``) and its number stops at "100+". Names and pictures come from the vault, which
leaves a trace for each person shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Min, Q, QuerySet

from consults.models import Consult
from consults.state import WITH_CLINICIAN, ConsultState
from portal.context import Actor
from portal.errors import NotVisible
from portal.permissions import Purpose
from records.photos.models import PhotoView
from records.photos.selectors import PhotoCard
from records.vault import CaseCard, open_case_cards

PAGE = 24
MOST_MINE = 60
LATELY = 12
COUNT_STOPS_AT = 101


@dataclass(frozen=True)
class QueueCard:
    """One case on a list: its workflow, and the least about the person that tells cases apart."""

    consult: Consult
    case: CaseCard
    follow_up: bool

    @property
    def face(self) -> PhotoCard | None:
        """The front photo where there is one, else any."""
        photos = self.case.photos
        fronts = [photo for photo in photos if photo.view == PhotoView.FRONT] or list(photos)
        return fronts[-1] if fronts else None

    @property
    def asked(self) -> bool:
        return self.consult.state == ConsultState.NEEDS_INFORMATION


@dataclass(frozen=True)
class Queue:
    """The three lists of the desk; ``later`` is the key of the next page, empty on the last."""

    waiting: list[QueueCard]
    mine: list[QueueCard]
    lately: list[QueueCard]
    count: int
    later: str


def waiting(*, after: tuple[dt.datetime, UUID] | None = None) -> QuerySet[Consult]:
    """Cases that wait for a clinician, the one due first on top; after a key for the next page."""
    rows = Consult.objects.filter(state=ConsultState.SUBMITTED).order_by("due_at", "id")
    if after is not None:
        due_at, consult_id = after
        # The first condition lets the index start at the key; the second leaves out what was shown.
        rows = rows.filter(due_at__gte=due_at).filter(Q(due_at__gt=due_at) | Q(id__gt=consult_id))
    return rows


def waiting_count() -> int:
    """How many wait, at most 101: nobody needs to know more, and counting all is slow."""
    return Consult.objects.filter(state=ConsultState.SUBMITTED).order_by()[:COUNT_STOPS_AT].count()


def cases_of(account_id: UUID) -> QuerySet[Consult]:
    """Cases in this clinician's hands, the one due first on top."""
    states = [state.value for state in WITH_CLINICIAN]
    return Consult.objects.filter(assigned_to=account_id, state__in=states).order_by("due_at", "id")


def answered_by(account_id: UUID) -> QuerySet[Consult]:
    """What this clinician answered, newest first."""
    return Consult.objects.filter(
        assigned_to=account_id, state=ConsultState.ANSWERED
    ).order_by("-answered_at")


def key_of(consult: Consult) -> str:
    """The place of a waiting case as text for an address. Holds a time and an id, no person."""
    assert consult.due_at is not None
    return f"{consult.due_at.isoformat()}~{consult.pk}"


def key_from(text: str) -> tuple[dt.datetime, UUID] | None:
    """The other way round; nonsense is the first page."""
    moment, _sep, consult_id = text.partition("~")
    try:
        due_at = dt.datetime.fromisoformat(moment)
        return (due_at, UUID(consult_id)) if due_at.tzinfo else None
    except ValueError:
        return None


def queue(*, by: Actor, after: str = "") -> Queue:
    """Everything on the queue page. The same number of queries for one case and for fifty."""
    assert by.account_id is not None
    rows = list(waiting(after=key_from(after))[: PAGE + 1])
    mine = list(cases_of(by.account_id)[:MOST_MINE])
    lately = list(answered_by(by.account_id)[:LATELY])
    shown = rows[:PAGE]
    cards = _cards(by, [*shown, *mine, *lately])
    return Queue(
        waiting=_in_order(shown, cards), mine=_in_order(mine, cards), lately=_in_order(lately, cards),
        count=waiting_count(), later=key_of(shown[-1]) if len(rows) > PAGE else "",
    )


def my_cards(*, by: Actor, most: int = 8) -> list[QueueCard]:
    """The short list beside a case: only one's own cases, since those are already in one's care."""
    assert by.account_id is not None
    rows = list(cases_of(by.account_id)[:most])
    return _in_order(rows, _cards(by, rows))


def preview(*, by: Actor, consult: Consult) -> QueueCard:
    """A waiting case before anybody takes it. Raises ``NotVisible``."""
    cards = _cards(by, [consult])
    if consult.pk not in cards:
        raise NotVisible
    return cards[consult.pk]


def consult_for(*, by: Actor, consult_id: UUID) -> Consult:
    """A case that this clinician may come to: it waits, or it is their own.

    Raises ``NotVisible`` for what was never sent, for another clinician's case, and for what is
    not there at all.
    """
    consult = Consult.objects.filter(pk=consult_id).first()
    if consult is None:
        raise NotVisible
    waits = consult.state == ConsultState.SUBMITTED
    if not waits and (consult.assigned_to is None or consult.assigned_to != by.account_id):
        raise NotVisible
    if consult.state in {ConsultState.DRAFT, ConsultState.AWAITING_PAYMENT, ConsultState.EXPIRED}:
        raise NotVisible
    return consult


def _cards(by: Actor, consults: Iterable[Consult]) -> dict[UUID, QueueCard]:
    rows = {consult.encounter_id: consult for consult in consults}
    first = _first_answers({consult.patient_id for consult in rows.values()})
    cases = open_case_cards(by=by, encounter_ids=rows, purpose=Purpose.CARE)
    return {
        rows[case.encounter_id].pk: QueueCard(
            consult=rows[case.encounter_id], case=case,
            follow_up=_before(first.get(case.patient.id), rows[case.encounter_id].created_at),
        )
        for case in cases
    }


def _first_answers(patient_ids: set[UUID]) -> dict[UUID, dt.datetime]:
    """When each patient's first answered consult began; one query."""
    rows = Consult.objects.filter(patient_id__in=patient_ids, answered_at__isnull=False)
    return dict(rows.order_by().values_list("patient_id").annotate(Min("created_at")))


def _before(first: dt.datetime | None, moment: dt.datetime) -> bool:
    return first is not None and first < moment


def _in_order(consults: list[Consult], cards: dict[UUID, QueueCard]) -> list[QueueCard]:
    return [cards[consult.pk] for consult in consults if consult.pk in cards]

"""Reading letters without their words: a person's list, the print queue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from portal.context import Actor
from portal.jobs.models import Job, JobState
from privacy.letters.models import Letter, PrintState
from privacy.letters.registry import kind_of
from privacy.letters.state import AT_THE_DESK
from records.access import patients_of

WORDS = ("fields", "content", "recipient", "delivery_note", "pdf_key", "enclosure_key")


@dataclass(frozen=True)
class LetterLine:
    """A letter on a list: its row without words, and what it is about."""

    row: Letter
    title: str


def letter_title(kind: str) -> str:
    """The title of a kind as it is today; of one that nobody registers any more, "Letter"."""
    try:
        return str(kind_of(kind).title)
    except LookupError:
        return _("Letter")


def lines(rows: Iterable[Letter]) -> list[LetterLine]:
    """The rows with their titles."""
    return [LetterLine(row, letter_title(row.kind)) for row in rows]


def visible_letters(by: Actor) -> QuerySet[Letter]:
    """Letters that this account may read now: its own, as long as it may open the record they are about."""
    if by.account_id is None:
        return Letter.objects.none()
    mine = Q(subject_id=None) | Q(subject_id__in=patients_of(by.account_id))
    return Letter.objects.filter(mine, account_id=by.account_id, made_at__isnull=False)


def letters_of(by: Actor, *, most: int = 20) -> list[LetterLine]:
    """A person's own letters, newest first."""
    return lines(visible_letters(by).defer(*WORDS).order_by("-written_at")[:most])


def letters_about(request_id: UUID) -> list[LetterLine]:
    """The letters that one request led to, oldest first; for the desk and for the patient's page of it."""
    return lines(Letter.objects.filter(request_id=request_id).defer(*WORDS).order_by("written_at"))


def queue(state: PrintState, *, most: int = 200) -> QuerySet[Letter]:
    """Paper in this state, what waits longest first."""
    rows = Letter.objects.filter(paper=state).defer("fields", "content", "pdf_key", "enclosure_key")
    return rows.order_by("written_at")[:most]


def gone_out(*, most: int = 50) -> QuerySet[Letter]:
    """What was posted or settled last, newest first, without words."""
    rows = Letter.objects.filter(paper__in=[PrintState.POSTED, PrintState.SETTLED]).defer(*WORDS)
    return rows.order_by("-posted_on", "-written_at")[:most]


def not_made(*, most: int = 50) -> list[LetterLine]:
    """Letters whose making was given up, oldest first."""
    rows = list(Letter.objects.filter(made_at=None).defer(*WORDS).order_by("written_at")[:500])
    given_up = set(
        Job.objects.filter(pk__in=[row.job_id for row in rows], state=JobState.FAILED).values_list("pk", flat=True)
    )
    return lines([row for row in rows if row.job_id in given_up][:most])


def waiting_count() -> int:
    """How many letters wait for somebody at the desk."""
    return Letter.objects.filter(paper__in=[state.value for state in AT_THE_DESK]).count()

"""Rows into content, for any number of episodes at once. Only the vault calls this, after ``look``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, TypeVar
from uuid import UUID

from portal.accounts.selectors import display_names
from portal.crypto.fields import DecryptionError
from records.encounters.models import Answer, Concern, Encounter
from records.messages.models import Message
from records.people.models import GrantKind, Patient
from records.people.public_id import public_id_shown
from records.photos.models import Photo, PhotoState, PhotoView
from records.photos.pipeline import reason_text
from records.photos.selectors import KEYS, PhotoCard
from records.plans.models import Assessment, Plan
from records.vault.content import (
    AddressView,
    AnswerView,
    AssessmentView,
    EncounterView,
    MessageView,
    PatientView,
    PlanView,
    RoutineView,
    StepView,
    opened,
    unreadable_of,
)
from records.vault.gate import SEES_DRAFTS
from records.withholding.selectors import shown, withheld_ids

T = TypeVar("T")
_VIEW_ORDER = {value: place for place, value in enumerate(PhotoView.values)}


def patient_view(row: Patient, *, whole: bool = True) -> PatientView:
    """``whole`` false leaves out how to reach the person."""
    parts = opened(row, "address", {}) if whole else {}
    return PatientView(
        id=row.pk,
        given_name=opened(row, "given_name"),
        family_name=opened(row, "family_name"),
        birth_date=opened(row, "birth_date", None),
        phone=opened(row, "phone") if whole else "",
        address=AddressView(**{name: str(parts.get(name, "")) for name in AddressView.__slots__}),
        created_at=row.created_at,
        updated_at=row.updated_at,
        unreadable=unreadable_of(row, "given_name", "family_name", "birth_date", "gender", "phone", "address"),
        gender=opened(row, "gender", "") if whole else "",
        public_id=public_id_shown(row.public_id),
    )


def encounter_views(
    rows: Iterable[Encounter], *, grant: GrantKind,
    parts: Collection[str] = ("answers", "photos", "messages", "plans"), kept: Collection[UUID] | None = None,
) -> tuple[EncounterView, ...]:
    """Episodes with the asked parts; one query a part, however many episodes.

    ``kept``: the ids of parts that are kept back from the family, where they are known already.

    Finding and plan hang on the episode one to one: rows that come with them (``select_related``)
    cost no query, others two a row, so pass several episodes only with them.
    """
    encounters = list(rows)
    ids = [row.pk for row in encounters]
    answers = _answers(ids, grant) if "answers" in parts else {}
    photos = photo_cards(ids, grant=grant) if "photos" in parts else {}
    messages = _messages(ids, grant) if "messages" in parts else []
    assessments: dict[UUID, Assessment] = _written("assessment", encounters, grant) if "plans" in parts else {}
    plans: dict[UUID, Plan] = _written("plan", encounters, grant) if "plans" in parts else {}
    if kept is None:
        kept = withheld_ids([row.pk for row in (*assessments.values(), *plans.values())], grant)
    assessments = {pk: row for pk, row in assessments.items() if row.pk not in kept}
    plans = {pk: row for pk, row in plans.items() if row.pk not in kept}
    signed: list[Assessment | Plan] = [*assessments.values(), *plans.values()]
    names = names_of([*(m.author_id for m in messages), *(row.signed_by for row in signed)])
    threads = grouped((row.encounter_id, message_view(row, names)) for row in messages)
    return tuple(
        EncounterView(
            id=row.pk, patient_id=row.patient_id, concern=opened(row, "concern"), concern_label=concern_label(row),
            opened_at=row.opened_at, submitted_at=row.submitted_at, closed_at=row.closed_at,
            answers=answers.get(row.pk, ()), photos=photos.get(row.pk, ()), messages=threads.get(row.pk, ()),
            assessment=assessment_view(assessments.get(row.pk), names), plan=plan_view(plans.get(row.pk), names),
        )
        for row in encounters
    )


def concern_label(row: Encounter) -> str:
    """In words; a code that is not on the list any more is shown as it is."""
    code = opened(row, "concern")
    return str(Concern(code).label) if code in Concern.values else str(code)


def _answers(encounter_ids: list[UUID], grant: GrantKind) -> dict[UUID, tuple[AnswerView, ...]]:
    rows = Answer.objects.filter(encounter_id__in=encounter_ids).order_by("position", "question_id")
    if grant is GrantKind.GUARDIAN:
        rows = rows.filter(private=False)  # RULES 4.14
    rows = shown(rows, grant)
    return grouped(
        (
            row.encounter_id,
            AnswerView(
                question_id=row.question_id, question_text=row.question_text, position=row.position,
                value=opened(row, "value", None), private=row.private, answered_at=row.answered_at, id=row.pk,
            ),
        )
        for row in rows
    )


def photo_cards(
    encounter_ids: Iterable[UUID], *, grant: GrantKind, ready: bool = False
) -> dict[UUID, tuple[PhotoCard, ...]]:
    """Photos by episode, in the order of the views; no key and no file is opened."""
    rows = Photo.objects.filter(encounter_id__in=list(encounter_ids)).defer(*KEYS).order_by("received_at", "pk")
    if ready:
        rows = rows.filter(state=PhotoState.READY)
    rows = shown(rows, grant)
    return grouped((row.encounter_id, _card(row)) for row in sorted(rows, key=lambda row: _VIEW_ORDER[row.view]))


def _card(row: Photo) -> PhotoCard:
    reason = reason_text(row.refusal_code) if row.state == PhotoState.REFUSED else ""
    return PhotoCard(
        id=row.pk, view=PhotoView(row.view), state=PhotoState(row.state), received_at=row.received_at,
        reason=reason, width=row.width, height=row.height,
    )


def _messages(encounter_ids: list[UUID], grant: GrantKind) -> list[Message]:
    rows = Message.objects.filter(encounter_id__in=encounter_ids).order_by("sent_at", "pk")
    return list(shown(rows, grant))


def message_view(row: Message, names: dict[UUID, str]) -> MessageView:
    return MessageView(
        id=row.pk, encounter_id=row.encounter_id, body=opened(row, "body"), from_staff=row.from_staff,
        author_id=row.author_id, author=names.get(row.author_id, ""), sent_at=row.sent_at, read_at=row.read_at,
    )


def assessment_view(row: Assessment | None, names: dict[UUID, str]) -> AssessmentView | None:
    if row is None:
        return None
    return AssessmentView(
        id=row.pk, diagnosis_code=opened(row, "diagnosis_code"), diagnosis_text=opened(row, "diagnosis_text"),
        note=opened(row, "note"), author_id=row.author_id, signed_by=row.signed_by, signed_at=row.signed_at,
        signer=_signer(row, names), updated_at=row.updated_at,
    )


def plan_view(row: Plan | None, names: dict[UUID, str]) -> PlanView | None:
    if row is None:
        return None
    return PlanView(
        id=row.pk, letter=opened(row, "letter"), morning=_steps(row, "morning"), evening=_steps(row, "evening"),
        warnings=opened(row, "warnings"), weeks=opened(row, "weeks", None), author_id=row.author_id,
        signed_by=row.signed_by, signed_at=row.signed_at, signer=_signer(row, names), updated_at=row.updated_at,
        unreadable=unreadable_of(row, "letter", "morning", "evening", "warnings", "weeks"),
    )


def routine_view(encounter_id: UUID, patient_id: UUID, *, grant: GrantKind) -> RoutineView | None:
    """The daily steps of the signed plan; its letter and warnings stay closed. One query."""
    rows = Plan.objects.filter(encounter_id=encounter_id, patient_id=patient_id, signed_at__isnull=False)
    row = shown(rows, grant).only("pk", "morning", "evening", "weeks", "signed_at").first()
    if row is None or row.signed_at is None:
        return None
    return RoutineView(
        morning=_steps(row, "morning"), evening=_steps(row, "evening"), weeks=opened(row, "weeks", None),
        unreadable=unreadable_of(row, "morning", "evening"), signed_at=row.signed_at,
    )


def _signer(row: Assessment | Plan, names: dict[UUID, str]) -> str:
    return "" if row.signed_by is None else names.get(row.signed_by, "")


def _steps(row: Plan, name: str) -> tuple[StepView, ...]:
    steps: list[dict[str, Any]] = opened(row, name, [])
    return tuple(
        StepView(what=str(s.get("what", "")), how=str(s.get("how", "")), prescription=bool(s.get("prescription")))
        for s in steps
    )


def _written(name: str, encounters: Iterable[Encounter], grant: GrantKind) -> dict[UUID, Any]:
    """Findings or plans by episode; what is not signed only for those who write it."""
    found = {row.pk: getattr(row, name, None) for row in encounters}
    drafts = grant in SEES_DRAFTS
    return {pk: row for pk, row in found.items() if row is not None and (drafts or row.signed_at is not None)}


def names_of(account_ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Shown names of accounts, in one query; none at all is better than no page."""
    wanted = {account_id for account_id in account_ids if account_id is not None}
    if not wanted:
        return {}
    try:
        return display_names(wanted)
    except DecryptionError:
        return {}


def grouped(pairs: Iterable[tuple[UUID, T]]) -> dict[UUID, tuple[T, ...]]:
    found: dict[UUID, list[T]] = defaultdict(list)
    for key, item in pairs:
        found[key].append(item)
    return {key: tuple(items) for key, items in found.items()}

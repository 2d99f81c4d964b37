"""Lists of people and cases: a trace a person shown, only the columns shown, constant queries."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count

from portal.audit.models import Action
from portal.audit.services import access_record_each
from portal.context import Actor
from portal.errors import NotVisible
from portal.permissions import Purpose
from records.access import may_find
from records.encounters.models import Encounter
from records.messages.models import Message
from records.people.models import GrantKind, Patient
from records.people.public_id import public_id_shown
from records.photos.selectors import PhotoCard
from records.vault import load
from records.vault.content import CaseCard, PersonCard, joined_name, opened
from records.vault.gate import look_at_each
from records.withholding.selectors import FAMILY

PERSON_COLUMNS = ("id", "public_id", "given_name", "family_name", "birth_date")


def open_case_cards(*, by: Actor, encounter_ids: Iterable[UUID], purpose: Purpose) -> list[CaseCard]:
    """Cards in the order of the given ids; episodes that may not be opened are left out. Six queries."""
    wanted = list(dict.fromkeys(encounter_ids))
    owners = dict(Encounter.objects.filter(pk__in=wanted).values_list("pk", "patient_id"))
    objects = [(owners[pk], pk) for pk in wanted if pk in owners]
    grants = look_at_each(by=by, purpose=purpose, kind="records.encounter", objects=objects)
    shown = [pk for patient_id, pk in objects if patient_id in grants]
    if not shown:
        return []
    columns = [f"patient__{name}" for name in PERSON_COLUMNS]
    own = ("id", "patient", "concern", "opened_at", "submitted_at")
    rows = Encounter.objects.select_related("patient").only(*own, *columns).in_bulk(shown)
    photos: dict[UUID, tuple[PhotoCard, ...]] = {}
    # Staff see all, whatever opened it to them. Of a family's cards those of a child are asked for apart.
    seen_by = {pk: grants[owners[pk]] if grants[owners[pk]] in FAMILY else GrantKind.PORTAL for pk in shown}
    for grant in set(seen_by.values()):
        opened_by_it = [pk for pk, held in seen_by.items() if held is grant]
        photos |= load.photo_cards(opened_by_it, grant=grant, ready=True)
    unread = dict(
        Message.objects.filter(encounter_id__in=shown, from_staff=False, read_at=None)
        .order_by().values_list("encounter_id").annotate(Count("pk"))
    )
    return [
        CaseCard(
            encounter_id=row.pk, patient=_person(row.patient), concern=opened(row, "concern"),
            concern_label=load.concern_label(row), opened_at=row.opened_at, submitted_at=row.submitted_at,
            photos=photos.get(row.pk, ()), unread=unread.get(row.pk, 0),
        )
        for row in (rows[pk] for pk in shown if pk in rows)
    ]


def open_person_cards(*, by: Actor, patient_ids: Iterable[UUID], purpose: Purpose) -> dict[UUID, PersonCard]:
    """Names and birth dates by patient; who may not be opened is left out. Three queries."""
    wanted = list(dict.fromkeys(patient_ids))
    grants = look_at_each(by=by, purpose=purpose, kind="records.patient", objects=[(pk, pk) for pk in wanted])
    rows = Patient.objects.only(*PERSON_COLUMNS).in_bulk(list(grants))
    return {pk: _person(row) for pk, row in rows.items()}


def open_found_cards(*, by: Actor, patient_ids: Iterable[UUID], purpose: Purpose) -> dict[UUID, PersonCard]:
    """Names and birth dates of patients that were looked for; no grant is needed, and none is given.

    Raises ``NotVisible`` for who may not look for patients (``access.may_find``). Three queries.
    """
    if not may_find(by=by, purpose=purpose):
        raise NotVisible
    wanted = list(dict.fromkeys(patient_ids))
    rows = Patient.objects.filter(pk__in=wanted)
    there = set(rows.values_list("pk", flat=True))
    access_record_each(
        by=by, action=Action.SEARCH, purpose=purpose, object_kind="records.patient", durable=True,
        looks=[(pk, pk, f"grant:{GrantKind.SEARCH.value}") for pk in wanted if pk in there],
    )
    cards = rows.only(*PERSON_COLUMNS).in_bulk(list(there))
    return {pk: _person(row) for pk, row in cards.items()}


def _person(row: Patient) -> PersonCard:
    return PersonCard(
        id=row.pk, full_name=joined_name(opened(row, "given_name"), opened(row, "family_name")),
        birth_date=opened(row, "birth_date", None), public_id=public_id_shown(row.public_id),
    )

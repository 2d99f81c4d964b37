"""Lists of people and cases: a trace a person shown, only the columns shown, constant queries."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count

from portal.context import Actor
from portal.permissions import Purpose
from records.encounters.models import Encounter
from records.messages.models import Message
from records.people.models import Patient
from records.vault import load
from records.vault.content import CaseCard, PersonCard, joined_name, opened
from records.vault.gate import look_at_each


def open_case_cards(*, by: Actor, encounter_ids: Iterable[UUID], purpose: Purpose) -> list[CaseCard]:
    """Cards in the order of the given ids; episodes that may not be opened are left out. Six queries."""
    wanted = list(dict.fromkeys(encounter_ids))
    owners = dict(Encounter.objects.filter(pk__in=wanted).values_list("pk", "patient_id"))
    objects = [(owners[pk], pk) for pk in wanted if pk in owners]
    grants = look_at_each(by=by, purpose=purpose, kind="records.encounter", objects=objects)
    shown = [pk for patient_id, pk in objects if patient_id in grants]
    if not shown:
        return []
    columns = [f"patient__{name}" for name in ("id", "given_name", "family_name", "birth_date")]
    own = ("id", "patient", "concern", "opened_at", "submitted_at")
    rows = Encounter.objects.select_related("patient").only(*own, *columns).in_bulk(shown)
    photos = load.photo_cards(shown, ready=True)
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
    rows = Patient.objects.only("id", "given_name", "family_name", "birth_date").in_bulk(list(grants))
    return {pk: _person(row) for pk, row in rows.items()}


def _person(row: Patient) -> PersonCard:
    return PersonCard(
        id=row.pk, full_name=joined_name(opened(row, "given_name"), opened(row, "family_name")),
        birth_date=opened(row, "birth_date", None),
    )

"""All photos of a patient over time: which there are, of what and from when. No picture is opened here."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from portal.audit.models import Action
from portal.context import Actor
from portal.permissions import Purpose
from records.encounters.models import Encounter
from records.people.models import Patient
from records.photos.models import Photo, PhotoState, PhotoView
from records.vault import load
from records.vault.content import joined_name, opened
from records.vault.gate import look
from records.withholding.selectors import shown

_ORDER = {view: place for place, view in enumerate(PhotoView)}


@dataclass(frozen=True, slots=True)
class Shot:
    """One ready photo. ``taken_on`` is the day in the reader's zone on which it reached the clinic."""

    id: UUID
    encounter_id: UUID
    view: PhotoView
    received_at: dt.datetime
    width: int
    height: int

    @property
    def taken_on(self) -> dt.date:
        return timezone.localtime(self.received_at).date()


@dataclass(frozen=True, slots=True)
class Shelf:
    """The photos of one consult within one month, in the order of the views."""

    encounter_id: UUID
    concern_label: str
    started_on: dt.date
    shots: tuple[Shot, ...]


@dataclass(frozen=True, slots=True)
class TimelineView:
    """The photos of one patient, newest first in ``shots``. Two queries, however many there are."""

    patient_id: UUID
    patient_name: str
    shots: tuple[Shot, ...]
    consults: dict[UUID, tuple[str, dt.date]]

    @property
    def views(self) -> list[tuple[PhotoView, int]]:
        """The views that there are photos of, with how many."""
        counts: dict[PhotoView, int] = defaultdict(int)
        for shot in self.shots:
            counts[shot.view] += 1
        return sorted(counts.items(), key=lambda pair: _ORDER[pair[0]])

    def of(self, view: PhotoView | None) -> tuple[Shot, ...]:
        """The photos of one view, or all, newest first."""
        return self.shots if view is None else tuple(shot for shot in self.shots if shot.view == view)

    def comparable(self) -> list[PhotoView]:
        """Views with photos of at least two days: what comparing makes sense for, the most first."""
        days: dict[PhotoView, set[dt.date]] = defaultdict(set)
        for shot in self.shots:
            days[shot.view].add(shot.taken_on)
        return sorted((view for view in days if len(days[view]) > 1), key=lambda view: _ORDER[view])

    def months(self, view: PhotoView | None = None) -> list[tuple[dt.date, list[Shelf]]]:
        """(first day of the month, its shelves), newest month first."""
        found: dict[tuple[dt.date, UUID], list[Shot]] = defaultdict(list)
        for shot in self.of(view):
            found[shot.taken_on.replace(day=1), shot.encounter_id].append(shot)
        months: dict[dt.date, list[Shelf]] = defaultdict(list)
        for (month, encounter_id), shots in found.items():
            label, started = self.consults[encounter_id]
            ordered = tuple(sorted(shots, key=lambda shot: (_ORDER[shot.view], shot.received_at)))
            months[month].append(Shelf(encounter_id, label, started, ordered))
        return list(months.items())


def open_timeline(*, by: Actor, patient_id: UUID, purpose: Purpose) -> TimelineView:
    """The list of the ready photos of a patient. Raises ``NotVisible``; traced as one listing."""
    grant = look(
        by=by, patient_id=patient_id, purpose=purpose, kind="records.photo", object_id=patient_id, action=Action.LIST,
    )
    row = Patient.objects.only("id", "given_name", "family_name").get(pk=patient_id)
    photos = (
        Photo.objects.filter(patient_id=patient_id, state=PhotoState.READY)
        .select_related("encounter")
        .only("id", "encounter_id", "view", "received_at", "width", "height", "encounter__concern",
              "encounter__opened_at")
        .order_by("-received_at", "pk")
    )
    shots, consults = _shots(shown(photos, grant))
    name = joined_name(opened(row, "given_name"), opened(row, "family_name"))
    return TimelineView(patient_id=patient_id, patient_name=name, shots=shots, consults=consults)


def _shots(photos: Iterable[Photo]) -> tuple[tuple[Shot, ...], dict[UUID, tuple[str, dt.date]]]:
    shots: list[Shot] = []
    episodes: dict[UUID, Encounter] = {}
    for photo in photos:
        episodes.setdefault(photo.encounter_id, photo.encounter)
        shots.append(
            Shot(
                id=photo.pk, encounter_id=photo.encounter_id, view=PhotoView(photo.view),
                received_at=photo.received_at, width=photo.width, height=photo.height,
            )
        )
    consults = {
        pk: (load.concern_label(row), timezone.localtime(row.opened_at).date()) for pk, row in episodes.items()
    }
    return tuple(shots), consults

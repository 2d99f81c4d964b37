"""Photos of an encounter for pages: states, reasons and sizes. No key and no file is opened here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from records.encounters.models import Encounter
from records.photos.models import REQUIRED_VIEWS, Photo, PhotoState, PhotoView
from records.photos.pipeline import reason_text

KEYS = ("quarantine_key", "image_key", "thumb_key")
# RULES 8.21 (the teledermatology guidance's least size): below it a page advises, never refuses.
ADVISED_LONG, ADVISED_SHORT = 800, 600


@dataclass(frozen=True, slots=True)
class PhotoCard:
    """One photo as a page shows it. ``reason`` is empty unless the photo was refused."""

    id: UUID
    view: PhotoView
    state: PhotoState
    received_at: datetime
    reason: str
    width: int
    height: int

    @property
    def ready(self) -> bool:
        return self.state == PhotoState.READY

    @property
    def waiting(self) -> bool:
        return self.state in (PhotoState.RECEIVED, PhotoState.PROCESSING)

    @property
    def small(self) -> bool:
        """Fewer pixels than advised: a sharper one would help the clinician."""
        return self.ready and (
            max(self.width, self.height) < ADVISED_LONG or min(self.width, self.height) < ADVISED_SHORT
        )


def photos_of(encounter_id: UUID) -> QuerySet[Photo]:
    """The rows of an encounter, oldest first, without their keys."""
    return Photo.objects.filter(encounter_id=encounter_id).defer(*KEYS).order_by("received_at", "pk")


def photo_cards(encounter_id: UUID) -> list[PhotoCard]:
    """The photos in the order of the views, then of arrival; one query."""
    order = {value: place for place, value in enumerate(PhotoView.values)}
    return sorted(map(_card, photos_of(encounter_id)), key=lambda card: order[card.view])


def missing_views(encounter: Encounter, *, cards: Iterable[PhotoCard] | None = None) -> list[PhotoView]:
    """Required views without a photo that is there or on its way. A refused photo doesn't count."""
    shown = photo_cards(encounter.pk) if cards is None else cards
    there = {card.view for card in shown if card.state != PhotoState.REFUSED}
    return [view for view in REQUIRED_VIEWS if view not in there]


def all_settled(encounter_id: UUID) -> bool:
    """True when no photo of the encounter waits for the worker."""
    return not Photo.objects.filter(
        encounter_id=encounter_id, state__in=[PhotoState.RECEIVED, PhotoState.PROCESSING]
    ).exists()


def _card(photo: Photo) -> PhotoCard:
    refused = photo.state == PhotoState.REFUSED
    return PhotoCard(
        id=photo.pk, view=PhotoView(photo.view), state=PhotoState(photo.state), received_at=photo.received_at,
        reason=reason_text(photo.refusal_code) if refused else "", width=photo.width, height=photo.height,
    )

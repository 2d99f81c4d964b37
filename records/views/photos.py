"""The photos of a record over time, and two of them laid over each other."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.views.decorators.http import require_GET

from portal.guards import AuthRequest, role_required
from portal.permissions import Purpose
from records import vault
from records.photos.models import PhotoView
from records.vault.timeline import Shot, TimelineView
from records.views.record import FAMILY, ways_of, whose


@require_GET
@role_required(*FAMILY)
def timeline(request: AuthRequest, patient_id: UUID | None = None) -> HttpResponse:
    """Every ready photo by month and consult (P31); ``?view=`` keeps to one side of the body."""
    wanted, own = whose(request, patient_id)
    if wanted is None:
        return render(request, "records/no_record.html")
    shown = vault.open_timeline(by=request.actor, patient_id=wanted, purpose=Purpose.CARE)
    view = _view(request)
    comparable = [kind for kind in shown.comparable() if view in (None, kind)]
    context = {
        "timeline": shown, "own": own, "ways": ways_of(wanted, own=own), "view": view,
        "notes": vault.open_notes(by=request.actor, patient_id=wanted, purpose=Purpose.CARE),
        "months": shown.months(view), "views": shown.views, "compare": next(iter(comparable), None),
    }
    return render(request, "records/photos.html", context)


@require_GET
@role_required(*FAMILY)
def compare(request: AuthRequest, patient_id: UUID | None = None) -> HttpResponse:
    """Two photos of one view: the oldest and the newest, or the two that are asked for by id."""
    wanted, own = whose(request, patient_id)
    if wanted is None:
        raise Http404
    shown = vault.open_timeline(by=request.actor, patient_id=wanted, purpose=Purpose.CARE)
    try:
        pair = pair_of(shown, _view(request), request.GET.get("before", ""), request.GET.get("after", ""))
    except ValueError:
        return HttpResponseBadRequest()
    context = {
        "timeline": shown, "own": own, "ways": ways_of(wanted, own=own), "pair": pair,
        "notes": vault.open_notes(by=request.actor, patient_id=wanted, purpose=Purpose.CARE),
        "comparable": shown.comparable(),
    }
    return render(request, "records/compare.html", context)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos of one view, the earlier first, and all that either side may show, oldest first."""

    view: PhotoView
    before: Shot
    after: Shot
    shots: tuple[Shot, ...]

    @property
    def weeks(self) -> int:
        """Whole weeks between the two."""
        return (self.after.taken_on - self.before.taken_on).days // 7


def pair_of(timeline: TimelineView, view: PhotoView | None, before: str, after: str) -> Pair | None:
    """The two photos to compare; None where there are no two of a view.

    Photos named by ``before`` and ``after`` lead, then the view, then the first view that can be
    compared. A name that is not (or no more) among the photos is passed over. Raises
    ``ValueError`` for what is no id at all.
    """
    by_id = {shot.id: shot for shot in timeline.shots}
    named = [by_id.get(UUID(text)) if text else None for text in (before, after)]
    chosen = view or next((shot.view for shot in named if shot), None) or next(iter(timeline.comparable()), None)
    if chosen is None:
        return None
    shots = tuple(reversed(timeline.of(chosen)))
    if len(shots) < 2:
        return None
    first, last = (shot if shot in shots else None for shot in named)
    first, last = first or _other(shots, last, 0), last or _other(shots, first, -1)
    earlier, later = sorted((first, last), key=lambda shot: (shot.received_at, shot.id))
    return Pair(chosen, earlier, later, shots)


def _other(shots: tuple[Shot, ...], taken: Shot | None, place: int) -> Shot:
    """The oldest (0) or newest (-1) photo that is not the one already taken."""
    return [shot for shot in shots if shot != taken][place]


def _view(request: AuthRequest) -> PhotoView | None:
    asked = request.GET.get("view", "")
    return PhotoView(asked) if asked in PhotoView.values else None


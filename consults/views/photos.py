"""The photo pages of a consult: a coach, the upload, how far it is, once more or away with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consults import selectors, services
from consults.forms import PhotoForm
from consults.models import Consult
from consults.selectors import Draft, Place
from consults.state import EDITABLE, ConsultState
from consults.views.draft import DRAFTING, page_of
from portal.errors import DomainError, NotVisible
from portal.guards import AuthRequest
from records.models import PhotoView
from records.photos.models import REQUIRED_VIEWS

OPTIONAL = tuple(view for view in PhotoView if view not in REQUIRED_VIEWS)
# The camera that faces the person, where the person can see the screen in the picture's pose.
SELFIE = frozenset({PhotoView.FRONT, PhotoView.LEFT, PhotoView.RIGHT, PhotoView.LEFT45, PhotoView.RIGHT45})


@require_safe
@DRAFTING
def overview(request: AuthRequest, consult_id: UUID) -> HttpResponse:
    """All photos so far, and more if the person likes."""
    draft = _draft(request, consult_id)
    if isinstance(draft, HttpResponse):
        return draft
    shown = [(view, draft.photo(view)) for view in REQUIRED_VIEWS]
    return render(request, "consults/photos.html", page_of(draft, Place("photo", "more")) | {
        "required": shown, "optional": [(view, draft.photo(view)) for view in OPTIONAL],
        "editing": draft.consult.state in EDITABLE,
    })


@require_safe
@DRAFTING
def photo(request: AuthRequest, consult_id: UUID, view: str) -> HttpResponse:
    """One view: how to take it, or the photo that is there."""
    draft = _draft(request, consult_id)
    if isinstance(draft, HttpResponse):
        return draft
    return _photo_page(request, draft, _view(view), PhotoForm())


@require_http_methods(["GET", "HEAD", "POST"])
@DRAFTING
def send(request: AuthRequest, consult_id: UUID, view: str) -> HttpResponse:
    """Take one photo; the answer is "received", and the page then shows "ready" or why not."""
    draft = _draft(request, consult_id)
    if isinstance(draft, HttpResponse):
        return draft
    if request.method != "POST":
        return redirect("consults:photo", consult_id=consult_id, view=_view(view))
    form = PhotoForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            services.photo_send(
                by=request.actor, consult_id=consult_id, view=_view(view), upload=form.cleaned_data["photo"],
                form_key=form.cleaned_data["form_key"],
            )
        except DomainError as error:
            form.add_error("photo", error.message)
        else:
            return redirect("consults:photo", consult_id=consult_id, view=view)
    return _photo_page(request, draft, _view(view), form)


@require_safe
@DRAFTING
def status(request: AuthRequest, consult_id: UUID, view: str) -> HttpResponse:
    """How far the photo is, alone: the page asks every two seconds until it is ready or refused."""
    draft = _draft(request, consult_id)
    if isinstance(draft, HttpResponse):
        return draft
    return render(request, "consults/_photo_status.html", _photo_context(draft, _view(view)))


@require_POST
@DRAFTING
def remove(request: AuthRequest, consult_id: UUID, photo_id: UUID) -> HttpResponse:
    """Remove a photo that nobody has used yet."""
    consult = selectors.consult_for(by=request.actor, consult_id=consult_id)
    try:
        services.photo_take_away(by=request.actor, consult_id=consult.pk, photo_id=photo_id)
        messages.success(request, _("The photo is removed."))
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("consults:photos", consult_id=consult.pk)


def _view(view: str) -> PhotoView:
    if view not in PhotoView.values:
        raise NotVisible
    return PhotoView(view)


def _draft(request: AuthRequest, consult_id: UUID) -> Draft | HttpResponse:
    """The consult, if photos can be sent to it now; else the page where it stands."""
    consult: Consult = selectors.consult_for(by=request.actor, consult_id=consult_id)
    if consult.state not in EDITABLE | {ConsultState.NEEDS_INFORMATION}:
        return redirect("consults:consult", consult_id=consult.pk)
    draft = selectors.draft_open(by=request.actor, consult=consult)
    if consult.state in EDITABLE and draft.stop is not None:
        return redirect("consults:stop", consult_id=consult.pk)
    return draft


def _photo_context(draft: Draft, view: PhotoView) -> dict[str, Any]:
    here = Place("photo", view.value)
    editing = draft.consult.state in EDITABLE
    following = draft.after(here) if view in REQUIRED_VIEWS else None
    more = following is None or following.kind == "review" or not editing
    ident = draft.consult.pk
    return page_of(draft, here if view in REQUIRED_VIEWS else Place("photo", "more")) | {
        "view": view, "card": draft.photo(view), "editing": editing, "required": view in REQUIRED_VIEWS,
        "selfie": view in SELFIE,
        "next_url": reverse("consults:photos", args=[ident])
        if more or following is None else reverse("consults:photo", args=[ident, following.ref]),
        "all_views": [(each, draft.photo(each)) for each in REQUIRED_VIEWS],
    }


def _photo_page(request: AuthRequest, draft: Draft, view: PhotoView, form: PhotoForm) -> HttpResponse:
    """The page with its two ways to send: camera and file, each with a key of its own."""
    context = _photo_context(draft, view) | {"form": form, "camera_key": uuid4(), "file_key": uuid4()}
    return render(request, "consults/photo.html", context)

"""Words and orders that the consult's templates need."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from django import template
from django.utils.translation import gettext_lazy as _

from consults.questionnaire import Question, Screen
from consults.selectors import Draft, Milestone, Place
from consults.state import ConsultState
from records.models import PhotoView
from records.photos.models import REQUIRED_VIEWS
from records.photos.selectors import PhotoCard

register = template.Library()

_HEADINGS = {
    PhotoView.FRONT: _("Your face from the front"),
    PhotoView.LEFT: _("Your left side"),
    PhotoView.RIGHT: _("Your right side"),
    PhotoView.LEFT45: _("Half left"),
    PhotoView.RIGHT45: _("Half right"),
    PhotoView.CLOSE_UP: _("One spot, close up"),
    PhotoView.CHEST: _("Your chest"),
    PhotoView.BACK: _("Your back and shoulders"),
    PhotoView.NECK: _("Your neck and jaw"),
}
_HOW = {
    PhotoView.FRONT: _("Look into the camera and fill the line with your face. Hair back, no makeup, face a window."),
    PhotoView.LEFT: _("Turn until we see your whole left cheek and ear. Hair back, no makeup, face a window."),
    PhotoView.RIGHT: _("Turn until we see your whole right cheek and ear. Hair back, no makeup, face a window."),
    PhotoView.LEFT45: _("Turn your head half way, so that we see your left cheek and both eyes."),
    PhotoView.RIGHT45: _("Turn your head half way, so that we see your right cheek and both eyes."),
    PhotoView.CLOSE_UP: _("Hold the camera a hand’s width away, wait until it is sharp, then take it."),
    PhotoView.CHEST: _("Only the part with breakouts, from an arm’s length. Keep private parts covered."),
    PhotoView.BACK: _("Ask somebody to take it. Only the part with breakouts; keep private parts covered."),
    PhotoView.NECK: _("Lift your chin a little, so that we see the skin under the jaw."),
}
# What is drawn in the coach; views without a drawing of their own borrow one.
_DRAWN = {
    PhotoView.FRONT: "front", PhotoView.LEFT: "left", PhotoView.RIGHT: "right", PhotoView.LEFT45: "left",
    PhotoView.RIGHT45: "right", PhotoView.CLOSE_UP: "close", PhotoView.NECK: "front",
}
_MILESTONES = {
    "sent": (_("You send your answers and photos"), _("You sent your answers and photos")),
    "paid": (_("You pay"), _("You paid")),
    "looking": (_("A clinician looks at it"), _("A clinician looked at it")),
    "question": (_("A clinician has a question for you"), _("You answered a question")),
    "answered": (_("You read your plan"), _("Your plan is there")),
    ConsultState.WITHDRAWN: (_("You took it back"), _("You took it back")),
    ConsultState.DECLINED: (_("We could not help online"), _("We could not help online")),
    ConsultState.EXPIRED: (_("It ran out before it was sent"), _("It ran out before it was sent")),
}


@dataclass(frozen=True)
class ReviewRow:
    """One question on the review page."""

    screen: Screen
    question: Question
    text: str
    missing: bool


@register.filter
def by_part(draft: Draft) -> list[tuple[str, list[ReviewRow]]]:
    """All that is asked of this person with what was answered, part by part."""
    rows = [
        (screen.part, ReviewRow(screen, question, str(answer.text) if answer else "", question.required and not answer))
        for screen in draft.path
        for question in screen.asked(draft.codes)
        for answer in [draft.answers.get(question.id)]
    ]
    return [(part, [row for _part, row in group]) for part, group in groupby(rows, key=lambda row: row[0])]


@register.filter
def required_photos(draft: Draft) -> list[tuple[PhotoView, PhotoCard | None]]:
    return [(view, draft.photo(view)) for view in REQUIRED_VIEWS]


@register.filter
def photo_heading(view: PhotoView) -> str:
    return str(_HEADINGS[view])


@register.filter
def photo_how(view: PhotoView) -> str:
    return str(_HOW[view])


@register.filter
def coach_template(view: PhotoView) -> str:
    return f"consults/coach/{_DRAWN.get(view, 'body')}.html"


@register.filter
def milestone_words(step: Milestone) -> str:
    """In the past once it is done."""
    ahead, done = _MILESTONES[step.code]
    return str(done if step.at else ahead)


@register.filter
def first_word(name: str) -> str:
    """How somebody is greeted: the first word of the name as they wrote it."""
    return next(iter(str(name).split()), "")


@register.filter
def number_in(place: Place, draft: Draft) -> int:
    """How far a draft is: the pages that need nothing any more."""
    return draft.number(place) - 1

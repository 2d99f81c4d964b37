"""Words of the record's pages, and its long lists.

Photos, answers and messages come by the hundred. A template's loop with an include, two addresses
and a time takes 0.1 ms a photo, ten times what it takes here, so those three lists are written in
Python (docs/decisions/0161).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.pages.templatetags.portal_ui import day_words, time_tag
from records.people.models import Gender
from records.photos.selectors import PhotoCard
from records.vault import UNREADABLE, AnswerView, MessageView
from records.vault.papers import NO_NOTES, Notes

register = template.Library()

# Codes by what they are; a code that is not here stays as it is.
WORDS: Mapping[str, Mapping[str, str | Promise]] = {
    "severity": {"mild": _("Mild"), "moderate": _("Moderate"), "severe": _("Severe"), "unknown": _("Not sure how bad")},
    "medicine": {"prescribed": _("Prescribed"), "over_the_counter": _("Bought without a prescription")},
    "use": {"taking": _("In use"), "stopped": _("Stopped")},
    "condition": {"active": _("Now"), "past": _("Over")},
    "number": {"medical_id": _("Medical ID"), "drivers_license": _("Driver’s license")},
    "gender": {value: label for value, label in Gender.choices if value != "unknown"},
}


@register.filter
def words(code: str, kind: str) -> str:
    """What people read in place of a stored code: ``{{ allergy.severity|words:"severity" }}``."""
    return str(WORDS[kind].get(code, code))


@register.filter
def unreadable(value: object) -> bool:
    """Whether this stands in the place of a value that no key opens."""
    return value == UNREADABLE


@register.simple_tag
def part_notes(notes: Notes | str, part_id: UUID) -> SafeString | str:
    """The corrections and disputes of one part, to stand right beside it; nothing without any (RULES 1.26)."""
    found = notes.of(part_id) if isinstance(notes, Notes) and notes else NO_NOTES
    return render_to_string("records/_notes.html", {"notes": found}) if found else ""


_NOBODY = UUID(int=0)


def photo_address(photo_id: UUID, variant: str) -> str:
    """``{% url 'records:photo' … %}`` for long lists: the resolver is asked once."""
    return _photo_pattern(variant, get_script_prefix()).replace(str(_NOBODY), str(photo_id))


@lru_cache(maxsize=8)
def _photo_pattern(variant: str, _prefix: str) -> str:
    return reverse("records:photo", args=[_NOBODY, variant])


@register.simple_tag
def shots(photos: Iterable[PhotoCard], notes: Notes | str = NO_NOTES) -> SafeString:
    """List items of photos: picture with its large one behind it, what it shows, and when it came or why not."""
    zone = timezone.get_current_timezone()
    return format_html_join(
        "",
        '<li><figure>{}<figcaption><b>{}</b> <span class="soft">{}</span></figcaption></figure>{}</li>',
        (
            (
                _picture(photo, zone) if photo.ready else "", photo.view.label,
                time_tag(photo.received_at, zone, "date") if photo.ready
                else gettext("Being prepared") if photo.waiting else photo.reason,
                part_notes(notes, photo.id),
            )
            for photo in photos
        ),
    )


def _picture(photo: PhotoCard, zone: dt.tzinfo) -> SafeString:
    words = f"{photo.view.label}, {day_words(photo.received_at.astimezone(zone).date())}"
    return format_html(
        '<a href="{}" data-large="{}"><img src="{}" alt="{}" width="{}" height="{}" loading="lazy"></a>',
        photo_address(photo.id, "image"), words, photo_address(photo.id, "thumb"),
        gettext("Photo: %(view)s") % {"view": photo.view.label}, photo.width, photo.height,
    )


@register.simple_tag
def said(answers: Iterable[AnswerView], notes: Notes | str = NO_NOTES) -> SafeString:
    """Questions and answers, for a ``<dl>``."""
    return format_html_join(
        "", '<dt>{}</dt><dd class="said">{}{}</dd>',
        ((answer.question_text, answer.text or "–", part_notes(notes, answer.id)) for answer in answers),
    )


@register.simple_tag(takes_context=True)
def letters(
    context: template.Context, messages: Iterable[MessageView], notes: Notes | str = NO_NOTES
) -> SafeString:
    """Messages, for an ``<ol class="thread">``; the reader's own are named "You"."""
    zone = timezone.get_current_timezone()
    reader = getattr(context.get("request"), "account_id", None)
    you, patient = gettext("You"), gettext("Patient")

    def row(message: MessageView) -> tuple[Any, ...]:
        if message.from_staff:
            who = message.author or settings.CLINIC_NAME
        else:
            who = you if message.author_id == reader else message.author or patient
        side = "" if message.from_staff else _MINE
        return side, who, time_tag(message.sent_at, zone), message.body, part_notes(notes, message.id)

    line = '<li{}><p class="hint">{} · {}</p><p class="said">{}</p>{}</li>'
    return format_html_join("", line, (row(message) for message in messages))


_MINE = format_html(' class="{}"', "mine")

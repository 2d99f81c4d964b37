"""Words and marks of the clinician's desk: short names, waits, and what fell due."""

from __future__ import annotations

import datetime as dt

from django import template
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from consults.state import ConsultState

register = template.Library()

SOON = dt.timedelta(hours=4)


def span_words(span: dt.timedelta) -> str:
    """A length of time in its two largest units: "3 h 10 min", "2 days 4 h", "5 min"."""
    minutes = max(0, int(span.total_seconds() // 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        words = ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
        return f"{words} {_('%(count)d h') % {'count': hours}}" if hours else words
    if hours:
        words = _("%(count)d h") % {"count": hours}
        return f"{words} {_('%(count)d min') % {'count': minutes}}" if minutes else words
    return _("%(count)d min") % {"count": minutes}


@register.filter
def waited(moment: dt.datetime | None) -> str:
    """How long ago, as words; empty where there is no moment."""
    return "" if moment is None else span_words(timezone.now() - moment)


@register.simple_tag
def due(moment: dt.datetime | None) -> SafeString | str:
    """When the answer is due, as a pill: apricot when it is soon, red when it is late."""
    if moment is None:
        return ""
    left = moment - timezone.now()
    if left < dt.timedelta(0):
        return format_html('<span class="pill alert">{}</span>', _("late by %(time)s") % {"time": span_words(-left)})
    tone = " warm" if left < SOON else ""
    return format_html('<span class="pill{}">{}</span>', tone, _("in %(time)s") % {"time": span_words(left)})


@register.filter
def short_name(name: str) -> str:
    """For lists, no more than needed: "Ana Okafor" is "Ana O."; a single name stays as it is."""
    parts = str(name).split()
    if len(parts) < 2:
        return str(name)
    return f"{parts[0]} {parts[-1][0].upper()}."


@register.filter
def capped(count: int) -> str:
    """A count that stopped at 101 is "100+"."""
    return "100+" if count > 100 else str(count)


# The states in the words of those who work here; patients read others.
STAFF_WORDS: dict[str, str | Promise] = {
    ConsultState.SUBMITTED: _lazy("Waiting"),
    ConsultState.IN_REVIEW: _lazy("In your hands"),
    ConsultState.NEEDS_INFORMATION: _lazy("Waits for the patient"),
    ConsultState.ANSWERED: _lazy("Answered"),
    ConsultState.CLOSED: _lazy("Closed"),
    ConsultState.WITHDRAWN: _lazy("Taken back by the patient"),
    ConsultState.DECLINED: _lazy("Declined"),
}


@register.filter
def state_words(state: str) -> str:
    """A consult's state as staff say it."""
    return str(STAFF_WORDS.get(state, ConsultState(state).label))

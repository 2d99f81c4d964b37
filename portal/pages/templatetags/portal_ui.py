"""Parts of a page that need more than an include: fields, outbound links, dialogs, times."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.forms import BaseForm, BoundField
from django.template.loader import render_to_string
from django.utils.formats import date_format, time_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

register = template.Library()


@register.simple_tag
def field(bound: BoundField, why: str = "", page: bool = False, mark: bool = False) -> SafeString:
    """One form field with label, help, error and control.

    ``why`` says why we ask (P08); ``mark`` also says "Required" (a field that is not
    required always says "Optional"); ``page`` makes the label the heading of its page.
    """
    if bound.is_hidden:
        return bound.as_widget()
    context = {"field": bound, "why": why, "page": page, "mark": mark}
    return bound.render("portal/field.html", context=context)


@dataclass(frozen=True)
class FormError:
    """A sentence for the summary on top of a form, and the id of the control to go to."""

    text: str
    target: str


@register.simple_tag
def form_errors(form: BaseForm) -> list[FormError]:
    """All errors of a form in reading order; those of the whole form have no target."""
    found = [FormError(str(text), "") for text in form.non_field_errors()]
    for bound in form:
        found.extend(FormError(str(text), _control_id(bound)) for text in bound.errors)
    return found


def _control_id(bound: BoundField) -> str:
    """The id of the control that can take the focus: of a group, its first one."""
    if bound.is_hidden:
        return ""
    if not bound.use_fieldset or not bound.subwidgets:
        return bound.auto_id
    first = bound.subwidgets[0].data
    parts = first.get("subwidgets") or [first]
    return str(parts[0]["attrs"].get("id") or bound.auto_id)


@register.simple_tag
def external_link(url: str, text: str) -> SafeString:
    """A link out of the portal: says where it leads, and that another policy applies (P04).

    The only maker of such links (``tests/look/test_templates.py``). ``url`` is an address that is the
    same for everybody: ``ValueError`` for one with a query, a fragment or a name in it, or without TLS,
    so that nothing about a person can leave in it.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("a link out of the portal carries nothing but an address")
    return format_html(
        '<a href="{}" rel="noopener noreferrer external">{}</a> <span class="hint">({})</span>',
        url, text,
        _("leads to %(host)s, which has its own privacy policy") % {"host": parts.hostname.removeprefix("www.")},
    )


@register.filter
def hours_in_words(hours: int) -> str:
    """``24`` is "one day", ``48`` is "2 days", ``36`` is "36 hours"."""
    if hours == 24:
        return _("one day")
    if hours % 24 == 0:
        return ngettext("%(count)d day", "%(count)d days", hours // 24) % {"count": hours // 24}
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


# In this order: most browsers also name the ones that they descend from.
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
             ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_DEVICES = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "Mac"),
            ("CrOS", "Chromebook"), ("Linux", "Linux"))


@register.filter
def browser_in_words(user_agent: str) -> str:
    """What a person calls this browser: "Safari on iPhone"; "A browser" when it says nothing known."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), _("A browser"))
    device = next((name for sign, name in _DEVICES if sign in user_agent), "")
    return _("%(browser)s on %(device)s") % {"browser": browser, "device": device} if device else browser


@register.simple_tag(takes_context=True)
def local_time(context: template.Context, moment: dt.datetime | dt.date | None, style: str = "") -> SafeString | str:
    """A moment in the reader's own time zone, as ``<time>``: "Nov 25, 2026, 2:01 p.m.".

    ``style="date"`` leaves the hour out. A plain date stays as it is.
    """
    if moment is None:
        return ""
    if not isinstance(moment, dt.datetime):
        return format_html('<time datetime="{}">{}</time>', moment.isoformat(), _day(moment, get_language()))
    user = getattr(context.get("request"), "user", None)
    return time_tag(moment, ZoneInfo(getattr(user, "time_zone", "") or settings.CLINIC_TIME_ZONE), style)


def time_tag(moment: dt.datetime, zone: dt.tzinfo, style: str = "") -> SafeString:
    """What ``local_time`` shows, for tags that write long lists and know the reader's zone already."""
    local = moment.astimezone(zone)
    language = get_language()
    shown = _day(local.date(), language)
    if style != "date":
        shown = f"{shown}, {_clock(local.hour, local.minute, language)}"
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="minutes"), shown)


def day_words(day: dt.date) -> str:
    """A day of the calendar as ``local_time`` writes it, for where no markup can stand."""
    return _day(day, get_language())


@lru_cache(maxsize=2048)
def _day(day: dt.date, language: str | None) -> str:
    """A day of the calendar in the words of a language; lists name the same few again and again."""
    return date_format(day, "M j, Y")


@lru_cache(maxsize=2048)
def _clock(hour: int, minute: int, language: str | None) -> str:
    """A time of day in the words of a language: "2:01 p.m."."""
    return time_format(dt.time(hour, minute), "P")


@register.simple_block_tag
def dialog(content: str, id: str, title: str) -> SafeString:
    """A modal window. A button with ``data-opens="<id>"`` opens it; without JavaScript it never shows,

    so that button must be a link or a submit that works by itself.
    """
    return render_to_string("portal/dialog.html", {"id": id, "title": title, "content": content})


@register.simple_tag(takes_context=True)
def session_seconds(context: template.Context) -> int:
    """Idle seconds after which the signed-in person is signed out (RULES 6.9, 7.8)."""
    user = getattr(context.get("request"), "user", None)
    staff = bool(getattr(user, "is_staff", False))
    minutes = settings.SESSION_STAFF_IDLE_MINUTES if staff else settings.SESSION_PATIENT_IDLE_MINUTES
    return int(minutes) * 60


@register.simple_tag(takes_context=True)
def current(context: dict[str, Any], url: str) -> SafeString | str:
    """``aria-current`` for a way of the navigation, if the page lies under it."""
    request = context.get("request")
    path = request.path if request is not None else ""
    if not url or not path.startswith(url):
        return ""
    return format_html(' aria-current="{}"', "page" if path == url else "true")

"""Tables of counted things: a number, a bar beside it, and words where the number is too low to be told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from privacy.smallcells import Cell

register = template.Library()


@register.simple_tag
def bar(count: int | None, most: int | None) -> SafeString:
    """``count`` with a bar against ``most``, the largest of its table. It says no more than the number."""
    if count is None:
        return format_html('<span class="soft">{}</span>', _("too few to show"))
    drawn = format_html('<progress value="{}" max="{}" aria-hidden="true"></progress>', count, max(most or 0, count, 1))
    return format_html("{} {}", f"{count:,}", drawn)


@register.inclusion_tag("privacy/staff/_counted.html")
def counted_table(title: str, what: str, cells: Iterable[Cell]) -> dict[str, Any]:
    """One table of cells; ``what`` heads the numbers."""
    lines = list(cells)
    most = max((cell.count for cell in lines if cell.count is not None), default=0)
    return {"title": title, "what": what, "cells": lines, "most": most}


@register.filter
def seconds_in_words(seconds: int) -> str:
    """Roughly: ``42`` is "40 seconds", ``95`` is "2 minutes"."""
    if seconds < 90:
        near = max(5, round(seconds / 5) * 5)
        return ngettext("%(n)d second", "%(n)d seconds", near) % {"n": near}
    minutes = round(seconds / 60)
    return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}

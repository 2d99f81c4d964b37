"""Every cookie and every other note in a browser in one table, and the one that keeps a visitor's choice (P42, P43).

The page for people and the crawl of the tests read the same table. The choice is the same few
signs for everybody who chose the same: it names nobody and tells nobody apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

_EDITION = "1"  # a new one asks everybody again
_COUNTING, _PARTNER = 1, 2


@dataclass(frozen=True)
class Cookie:
    """One row of the table. ``needed``: set without asking leave; ``when`` says so in words."""

    name: str
    purpose: str | Promise
    set_by: str | Promise
    life: str
    when: str | Promise
    needed: bool = True


@dataclass(frozen=True)
class Choice:
    """What a visitor allowed. Nothing is allowed that was not asked."""

    counting: bool = False
    partner: bool = False

    @property
    def value(self) -> str:
        return f"{_EDITION}{self.counting * _COUNTING + self.partner * _PARTNER}"


_KNOWN = {
    choice.value: choice for choice in (Choice(), Choice(counting=True), Choice(partner=True), Choice(True, True))
}


def table() -> list[Cookie]:
    """Every cookie that this site can set, as the page of cookies lists them."""
    ours = settings.CLINIC_NAME
    rows = [
        Cookie(
            settings.SESSION_COOKIE_NAME,
            gettext_lazy("Keeps you signed in, and keeps your place while you sign up."), ours,
            ngettext(
                "until you close the browser; %(n)d hour at most", "until you close the browser; %(n)d hours at most",
                settings.SESSION_PATIENT_HOURS,
            ) % {"n": settings.SESSION_PATIENT_HOURS},
            gettext_lazy("When you sign in or sign up. The site does not work without it."),
        ),
        Cookie(
            settings.CSRF_COOKIE_NAME, gettext_lazy("Makes sure that a form was sent by you and not by another site."),
            ours, _days(settings.CSRF_COOKIE_AGE // 86_400),
            gettext_lazy("On pages with a form. The site does not work without it."),
        ),
        Cookie(
            settings.CHOICE_COOKIE_NAME, gettext_lazy("Remembers your yes or no, so that we do not ask again."), ours,
            _days(settings.CHOICE_COOKIE_DAYS), gettext_lazy("When you answer yes or no."),
        ),
        *_own_store(ours),
    ]
    if settings.PARTNER_SCRIPT_URL:
        name = settings.PARTNER_NAME
        rows.append(
            Cookie(
                _("cookies of %(partner)s") % {"partner": name},
                gettext_lazy("Advertising."), name, _("as its own policy says"),
                gettext_lazy("Only after your yes, on pages that are open to everybody."), needed=False,
            )
        )
    return rows


def _own_store(ours: str) -> list[Cookie]:
    """What scripts of the clinic's own desks keep in the browser's store; the page lists it with the cookies."""
    when = gettext_lazy("Only at the desks of the clinic. It stays in the browser’s own store and is never sent.")
    return [
        Cookie(
            "desk-keys", gettext_lazy("Remembers whether the keys of the clinician’s desk are on."), ours,
            _("until it is cleared in the browser"), when,
        ),
        Cookie(
            "django.admin.filtersState", gettext_lazy("Remembers which filters of a list are open."), ours,
            _("until the tab is closed"), when,
        ),
    ]


def _days(days: int) -> str:
    return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}


def choice_of(request: HttpRequest) -> Choice | None:
    """What this browser chose; None when it was not asked yet, or says something unknown."""
    return _KNOWN.get(request.COOKIES.get(settings.CHOICE_COOKIE_NAME, ""))


def choice_keep(response: HttpResponse, choice: Choice) -> None:
    """Keep it in the browser, out of reach of scripts and of other sites."""
    options: dict[str, Any] = {
        "httponly": True, "samesite": "Lax", "path": "/", "secure": settings.SESSION_COOKIE_SECURE,
    }
    response.set_cookie(
        settings.CHOICE_COOKIE_NAME, choice.value, max_age=settings.CHOICE_COOKIE_DAYS * 86_400, **options
    )


def says_no(request: HttpRequest) -> bool:
    """Global Privacy Control: a header field ``Sec-GPC`` that is exactly ``1`` (RULES 6.1).

    Several fields of one name come to us as one, with commas: one ``1`` among them counts.
    """
    return any(field.strip(" \t") == "1" for field in request.META.get("HTTP_SEC_GPC", "").split(","))

"""The pages that are counted, by the name of their route: a closed list (P09).

Never a path: a path can name a thing, and a query can name a person. Pages about somebody's care
(consults, messages, record, payments) and the clinic's desk are not on it, on purpose: even a bare
number there would be made out of health information, and the site can be improved without it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class CountedPage:
    """``public``: read by who is not signed in, so the notice may ask there.

    ``partner``: nothing is typed on it and nothing about the reader stands in it, so the clinic's
    advertising partner, if it has one, may be let in after a clear yes (P44).
    """

    name: str | Promise
    public: bool = True
    partner: bool = False


PAGES: dict[str, CountedPage] = {
    "pages:home": CountedPage(_("Front page"), partner=True),
    "pages:how_it_works": CountedPage(_("How it works"), partner=True),
    "pages:questions": CountedPage(_("Questions"), partner=True),
    "pages:policy": CountedPage(_("Policies in force")),
    "pages:policy_version": CountedPage(_("Older policies")),
    "privacy:promises": CountedPage(_("Our promises")),
    "visitors:cookies": CountedPage(_("Cookies")),
    "accounts:start": CountedPage(_("Start a consult")),
    "account_signup": CountedPage(_("Sign up")),
    "account_login": CountedPage(_("Sign in")),
    "accounts:profile": CountedPage(_("Account"), public=False),
    "privacy:home": CountedPage(_("Privacy (signed in)"), public=False),
    "usersessions_list": CountedPage(_("Your sign-ins"), public=False),
    "account_change_password": CountedPage(_("Change the password"), public=False),
    "mfa_index": CountedPage(_("Second step"), public=False),
}

# Seconds from which each step of "how long was it open" begins. The browser tells the step, not the seconds.
STAYS: tuple[int, ...] = (0, 10, 30, 60, 180, 600)
# What a step counts as in an average: its middle; the last one has no end.
STAY_MIDDLES: dict[int, int] = {0: 5, 10: 20, 30: 45, 60: 120, 180: 390, 600: 900}

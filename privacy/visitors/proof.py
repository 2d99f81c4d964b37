"""What the running site shows about cookies and counting: looked at each night (P09, P42).

The counters are read as they lie in the database; the pages are asked for at the site's own public
address, the way a visitor's browser does.
"""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import httpx
from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from portal.dates import today
from portal.evidence.models import Evidence
from portal.evidence.services import evidence_record
from privacy.visitors.browsers import FAMILIES
from privacy.visitors.cookies import Choice, table
from privacy.visitors.models import VisitCount
from privacy.visitors.pages import PAGES, STAYS
from privacy.visitors.services import visits_expire

log = logging.getLogger(__name__)
COUNTERS, COOKIES = "visits.counted", "cookies.checked"
VALID = timedelta(days=2)
TIMEOUT_SECONDS = 20.0
COLUMNS = frozenset({"id", "day", "page", "family", "stay", "views"})
_LOADED = re.compile(r"""<(?:script|img|link|iframe|source)\b[^>]*?\s(?:src|href)=["']?([^"'\s>]+)""", re.IGNORECASE)


def counters_prove() -> Evidence:
    """Drop what is too old, then look whether the table holds days, listed pages and numbers, and no more (P09)."""
    removed = visits_expire()
    with connection.cursor() as cursor:
        described = connection.introspection.get_table_description(cursor, VisitCount._meta.db_table)
    strange_columns = {column.name for column in described} ^ COLUMNS
    listed = Q(page__in=PAGES) & Q(family__in=FAMILIES) & Q(stay__in=STAYS) & Q(day__lte=today())
    facts = {
        "rows": VisitCount.objects.count(), "rows_not_listed": VisitCount.objects.exclude(listed).count(),
        "columns_not_listed": len(strange_columns), "rows_too_old_removed": removed,
    }
    passed = not strange_columns and not facts["rows_not_listed"]
    return evidence_record(kind=COUNTERS, passed=passed, facts=facts, valid_for=VALID)


def cookies_prove() -> Evidence:
    """Ask for each public page as somebody new, as one who said no, and with a browser that says no (P42)."""
    visitors: dict[str, dict[str, str]] = {
        "new": {}, "declined": {"Cookie": f"{settings.CHOICE_COOKIE_NAME}={Choice().value}"}, "gpc": {"Sec-GPC": "1"},
    }
    facts: dict[str, int] = {"pages": 0, "wrong": 0}
    try:
        for who, headers in visitors.items():
            with httpx.Client(timeout=TIMEOUT_SECONDS, headers=headers) as client:
                for path in public_paths():
                    found = _faults(client.get(urljoin(settings.SITE_URL, path)), who)
                    facts["pages"] += 1
                    facts["wrong"] += bool(found)
                    if found:
                        log.error("page %s for a visitor who is %s: %s", path, who, ", ".join(found))
    except httpx.HTTPError as error:
        facts["unreachable"] = 1
        log.warning("the site did not answer itself: %s", type(error).__name__)
    passed = facts["pages"] > 0 and not facts["wrong"] and "unreachable" not in facts
    return evidence_record(kind=COOKIES, passed=passed, facts=facts, valid_for=VALID)


def public_paths() -> list[str]:
    """Addresses of the public pages that need nothing to be named."""
    found = []
    for route, page in PAGES.items():
        if page.public:
            try:
                found.append(reverse(route))
            except NoReverseMatch:
                continue  # a policy: which ones there are is in the database, and the footer leads to them
    return found


def _faults(response: httpx.Response, who: str) -> list[str]:
    """What is wrong with a page, in a few words that name nobody."""
    if response.is_redirect:
        return []
    found = [] if response.status_code == 200 else [f"answered {response.status_code}"]
    strange = set(response.cookies) - {cookie.name for cookie in table() if cookie.needed}
    found += ["set a cookie that is not listed"] if strange else []
    own = urlsplit(settings.SITE_URL).netloc
    loaded = (urlsplit(address).netloc for address in _LOADED.findall(response.text))
    found += ["loads from elsewhere"] if any(host not in ("", own) for host in loaded) else []
    asks, counts = "data-ask" in response.text, "data-visit" in response.text
    found += ["asks again"] if who != "new" and asks else []
    found += ["counts without a yes"] if counts else []
    return found

"""Adding one to a counter of visits, and dropping counters that are too old (P09)."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import time
from collections import OrderedDict
from threading import Lock

from django.conf import settings
from django.db import connection

from portal.dates import today
from privacy.visitors.browsers import FAMILIES
from privacy.visitors.models import VisitCount
from privacy.visitors.pages import PAGES, STAYS

_ADD = f"""
INSERT INTO "{VisitCount._meta.db_table}" AS held (id, day, page, family, stay, views)
VALUES (gen_random_uuid(), %s, %s, %s, %s, 1)
ON CONFLICT (day, page, family, stay) DO UPDATE SET views = held.views + 1
"""  # noqa: S608 - the name of our own table


def visit_count(*, page: str, family: str, stay: int) -> bool:
    """Count one visit of today; False, and nothing is written, for anything that is not on the lists.

    Takes no actor and no request: whoever counts has nothing in hand that could name somebody.
    """
    if page not in PAGES or family not in FAMILIES or stay not in STAYS:
        return False
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [today(), page, family, stay])
    return True


def visits_expire(*, on: dt.date | None = None) -> int:
    """Remove counters older than ``VISITS_KEEP_DAYS``. Returns how many rows went."""
    oldest = (on or today()) - dt.timedelta(days=settings.VISITS_KEEP_DAYS)
    removed, _by_model = VisitCount.objects.filter(day__lt=oldest).delete()
    return removed


class Brake:
    """So many visits a minute from one address, and so many in all, in this process.

    The address is turned into a mark with a key that lives as long as the process and is written
    nowhere; the marks themselves are forgotten after a minute.
    """

    SECONDS = 60.0

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._marks: OrderedDict[bytes, tuple[float, int]] = OrderedDict()
        self._all: tuple[float, int] = (0.0, 0)
        self._lock = Lock()

    def lets(self, address: str) -> bool:
        now = time.monotonic()
        mark = hashlib.blake2b(address.encode(), key=self._key, digest_size=16).digest()
        with self._lock:
            while self._marks and next(iter(self._marks.values()))[0] < now - self.SECONDS:
                self._marks.popitem(last=False)
            since, seen = self._marks.get(mark, (now, 0))
            began, total = self._all if self._all[0] > now - self.SECONDS else (now, 0)
            if seen >= settings.VISITS_PER_MINUTE or total >= settings.VISITS_PER_MINUTE_ALL:
                return False
            self._marks[mark] = (since, seen + 1)
            self._all = (began, total + 1)
            return True


brake = Brake()

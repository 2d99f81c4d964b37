"""The clock of the made-up past: what is seeded in it lies that long ago."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import time_machine
from django.utils import timezone


@contextmanager
def ago(**parts: float) -> Iterator[dt.datetime]:
    """Turn the clock back by this many days, hours …; it goes on ticking."""
    moment = timezone.now() - dt.timedelta(**parts)
    with time_machine.travel(moment, tick=True):
        yield moment

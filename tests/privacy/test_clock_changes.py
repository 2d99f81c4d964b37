"""Over a leap day and both changes of the clocks: archive, backup, erasure and destruction (P20, P39, P40)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from celery.schedules import crontab
from django.conf import settings as django_settings

from portal.accounts.models import User
from portal.celery import app
from portal.dates import clinic_zone, due_on, years_later
from portal.lockbox.store import NotDue, lockbox
from privacy import ledger
from privacy.archive import archive_nightly
from privacy.backups.services import backup_make, backups, backups_expire, overdue
from privacy.keeping.destruction import copies_due, destroy_due
from privacy.models import ArchiveCopy
from records.models import Patient
from tests.privacy.building import ask, carried_out, told

pytestmark = [
    pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("places"),
    pytest.mark.promise("P20", "P39", "P40"),
]
DAY = dt.timedelta(days=1)
# The evening before the clocks go on, before they go back, of 28 and of 29 February.
EVENINGS = ["2027-03-13", "2027-11-06", "2028-02-28", "2028-02-29"]


def clock(day: dt.date, at: str = "12:00:00") -> Any:
    """A moment of the clinic's clock; it goes on from there."""
    return time_machine.travel(dt.datetime.combine(day, dt.time.fromisoformat(at), clinic_zone()), tick=True)


@pytest.mark.parametrize("day", EVENINGS)
def test_what_is_done_around_midnight_ends_on_the_day_it_should(
    day: str, ana: User, clinician: User, officer: User
) -> None:
    evening = dt.date.fromisoformat(day)
    with clock(evening, "22:00:00"):
        patient = told(ana, clinician).patient
        request = ask(ana, patient)
        assert request.received_on == evening and request.due_on == due_on(evening, django_settings.DELETION_DUE_DAYS)
    with clock(evening + DAY, "03:30:00"):  # the next night's work
        assert archive_nightly()["sealed"] == 1
        backup_make()
        carried_out(officer, request)
        assert not Patient.objects.filter(pk=patient.pk).exists()
    copies_last_day(evening)
    backups_last_day(evening + DAY)
    ledgers_last_day(evening + DAY)


def copies_last_day(service: dt.date) -> None:
    """Kept through the very day seven years after the last service, and destroyed on the day after it."""
    last = years_later(service, django_settings.RETENTION_ADULT_YEARS)
    kept = set(ArchiveCopy.objects.values_list("retain_until", flat=True))
    assert min(kept) >= last and max(kept) <= last + DAY, kept  # the erasure's own copy was read a day later
    final = max(kept)
    with clock(final, "23:59:58"):
        assert not copies_due().filter(retain_until=final).exists()
        destroy_due()
        assert ArchiveCopy.objects.filter(retain_until=final, destroyed_at=None).exists()
    with clock(final + DAY, "00:00:01"):
        assert destroy_due()["failed"] == 0
        assert not ArchiveCopy.objects.filter(destroyed_at=None).exists() and list(lockbox().names("archive/")) == []


def backups_last_day(made_on: dt.date) -> None:
    """A backup is there through its 35th day, whatever the clocks did in between."""
    last = made_on + dt.timedelta(days=django_settings.BACKUP_DAYS)
    with clock(last, "23:59:58"):
        assert backups_expire() == 0 and len(backups()) == 1
    with clock(last + DAY, "00:00:01"):
        assert backups_expire() == 2 and backups() == []


def ledgers_last_day(erased_on: dt.date) -> None:
    [(name, version)] = lockbox().names(f"{ledger.FOLDER}/")
    last = lockbox().receipt(name, version).retain_until
    assert last == years_later(erased_on, django_settings.RETENTION_ADULT_YEARS)
    with clock(last, "23:59:58"), pytest.raises(NotDue):
        lockbox().destroy(name, version)


@pytest.mark.parametrize("day", ["2027-03-14", "2027-11-07", "2028-02-29"])
def test_the_alarm_counts_hours_not_clock_hands(day: str) -> None:
    """The night of 23 hours raises no false alarm, the one of 25 hours hides none."""
    made = dt.datetime.combine(dt.date.fromisoformat(day) - DAY, dt.time(1, 30), clinic_zone()).astimezone(dt.UTC)
    with time_machine.travel(made, tick=False):
        backup_make()
    limit = made + dt.timedelta(hours=django_settings.BACKUP_MAX_AGE_HOURS)
    assert not overdue(now=limit - dt.timedelta(minutes=1)) and overdue(now=limit + dt.timedelta(minutes=1))


NIGHTLY = sorted(
    name for name, entry in django_settings.CELERY_BEAT_SCHEDULE.items()
    if isinstance(entry["schedule"], crontab) and len(entry["schedule"].hour) == 1
    and len(entry["schedule"].day_of_week) == 7 and len(entry["schedule"].day_of_month) > 27
)


@pytest.mark.parametrize("name", NIGHTLY)
@pytest.mark.parametrize("day", EVENINGS[:3])
def test_no_nightly_task_is_left_out_or_done_twice_when_the_clocks_change(name: str, day: str) -> None:
    """Half past two does not exist on one night of the year, and comes twice on another."""
    entry = django_settings.CELERY_BEAT_SCHEDULE[name]["schedule"]
    runs = list(started(entry, dt.date.fromisoformat(day), nights=3))
    assert runs == [dt.date.fromisoformat(day) + number * DAY for number in range(1, 4)]


def started(entry: crontab, day: dt.date, *, nights: int) -> Iterator[dt.date]:
    """The clinic's days on which beat starts it, asked every minute as beat does."""
    now = [dt.datetime.combine(day, dt.time(12), clinic_zone()).astimezone(dt.UTC)]
    rule = crontab(minute=entry._orig_minute, hour=entry._orig_hour, app=app, nowfun=lambda: now[0])
    last, end = now[0], now[0] + nights * DAY
    while now[0] < end:
        due, wait = rule.is_due(last)
        if due:
            last = now[0]
            yield now[0].astimezone(clinic_zone()).date()
        now[0] += dt.timedelta(seconds=60 if due else min(1800, max(60, wait)))


def test_the_nightly_tasks_are_known_by_name() -> None:
    assert {"privacy-backup", "privacy-archive", "privacy-destroy", "privacy-erased"} <= set(NIGHTLY)

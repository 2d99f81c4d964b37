"""``manage.py archive_rotate``: which bundles are sealed to which keys, and sealing anew to today's (P40).

New bundles always go to the keys in ``ARCHIVE_RECIPIENTS``. Old ones cannot be opened here, so they
are not sealed over: ``--seal-anew`` makes a new bundle of each record that is still there. Bundles
of erased people stay under their old key until they are due: keep that key as long.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db.models import Count, Max

from portal.errors import StorageUnavailable
from portal.lockbox.operating import OperatorCommand, told
from portal.lockbox.store import LockboxError
from privacy.archive import archive_encounter, current_keys, key_id
from privacy.models import ArchiveCopy, ArchiveReason
from records.models import Encounter


class Command(OperatorCommand):
    help = "List how many bundles are sealed to which archive keys, and until when each key is needed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seal-anew", action="store_true", help="seal living records to today's keys")
        parser.add_argument("--most", type=int, default=1000, help="how many to seal anew at most")

    def handle(self, *args: Any, **options: Any) -> None:
        today = ",".join(current_keys())
        for recipient in settings.ARCHIVE_RECIPIENTS:
            self.stdout.write(f"today's key {key_id(recipient)} is {recipient}")
        failed = self._seal_anew(today, options["most"]) if options["seal_anew"] else 0
        rows = ArchiveCopy.objects.filter(destroyed_at__isnull=True).values("key_ids").order_by("key_ids")
        for row in rows.annotate(count=Count("pk"), last=Max("retain_until")):
            mark = "in use" if row["key_ids"] == today else "old"
            self.stdout.write(f"{row['key_ids']}: {row['count']} bundles until {row['last']} ({mark})")
        if not rows:
            self.stdout.write("there is no bundle yet")
        if failed:
            raise CommandError(f"{failed} could not be sealed anew: start it again")

    def _seal_anew(self, today: str, most: int) -> int:
        """Consults with copies, none of them under today's keys; returns how many failed. May be broken off."""
        good = ArchiveCopy.objects.filter(destroying_at__isnull=True, damaged_at__isnull=True)
        under = good.filter(key_ids=today).values("encounter_id")
        wanted = Encounter.objects.filter(pk__in=good.values("encounter_id")).exclude(pk__in=under)
        done, failed = 0, 0
        for encounter in wanted.select_related("patient").order_by("opened_at", "pk")[:most]:
            try:
                copy = archive_encounter(encounter=encounter, reason=ArchiveReason.NIGHTLY, under_new_keys=True)
            except (LockboxError, StorageUnavailable, OSError) as error:  # the others are sealed all the same
                self.stderr.write(f"consult {encounter.pk}: {told(error)}")
                failed += 1
            else:
                done += copy is not None
        self.stdout.write(f"sealed anew: {done}")
        return failed

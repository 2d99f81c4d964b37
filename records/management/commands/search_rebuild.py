"""``manage.py search_rebuild``: make the hashes by which staff find patients anew."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from records.people.models import Patient
from records.people.search_rebuild import BATCH, Outcome, rebuild


class Command(BaseCommand):
    help = (
        "Bring all search tokens in line with the patients, under the first key of SEARCH_HMAC_KEY. "
        "May be stopped and started again. Drop an old key only when a later --dry-run says 0 to mend."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only, change nothing")
        parser.add_argument("--batch", type=int, default=BATCH, help=f"patients in one transaction (default {BATCH})")
        parser.add_argument("--after", type=UUID, help="start after this patient's id, as printed by a former run")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch must be at least 1")

        def progress(outcome: Outcome) -> None:
            self.stdout.write(f"{outcome.seen} seen, up to {outcome.last}")

        outcome = rebuild(
            Patient.objects.all(), batch=options["batch"], dry_run=options["dry_run"], after=options["after"],
            progress=progress,
        )
        word = "to mend" if options["dry_run"] else "mended"
        self.stdout.write(f"total: {outcome.mended} {word}, {outcome.right} right, {outcome.unreadable} unreadable")
        for patient_id in outcome.problems:
            self.stderr.write(f"patient {patient_id}: a value cannot be read; its old tokens stay")
        if outcome.unreadable:
            raise CommandError("keep the old search keys until the values that cannot be read are settled")

"""``manage.py rotate_keys``: move every stored value to the newest field key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.crypto.rotation import Outcome, Place, places, rotate


class Command(BaseCommand):
    help = (
        "Re-encrypt all encrypted columns, history included, under the first key of FIELD_ENCRYPTION_KEY. "
        "May be stopped and started again. Drop an old key only when a later --dry-run says 0 to move."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only, change nothing")
        parser.add_argument("--batch", type=int, default=500, help="rows in one transaction (default 500)")
        parser.add_argument("--model", help="only this table, as app.Model")
        parser.add_argument("--after", help="with --model: start after this primary key, as printed by a former run")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch must be at least 1")
        if options["after"] and not options["model"]:
            raise CommandError("--after needs --model")
        outcomes = [self._rotate(place, options) for place in self._chosen(options["model"])]
        moved = sum(outcome.turned for outcome in outcomes)
        unreadable = sum(len(outcome.unreadable) for outcome in outcomes)
        word = "to move" if options["dry_run"] else "moved"
        current = sum(outcome.current for outcome in outcomes)
        self.stdout.write(f"total: {moved} {word}, {current} under the newest key, {unreadable} unreadable")
        if unreadable:
            raise CommandError(f"{unreadable} values cannot be read; keep the old keys until this is settled")

    def _chosen(self, label: str | None) -> list[Place]:
        found = [place for place in places() if label is None or place.label.lower() == label.lower()]
        if label is not None and not found:
            raise CommandError(f"{label} has no encrypted columns")
        return found

    def _rotate(self, place: Place, options: dict[str, Any]) -> Outcome:
        after = place.model._meta.pk.to_python(options["after"]) if options["after"] else None

        def progress(outcome: Outcome) -> None:
            if options["verbosity"] > 1:
                self.stdout.write(f"{outcome.label}: up to {outcome.last}")

        outcome = rotate(place, batch=options["batch"], dry_run=options["dry_run"], after=after, progress=progress)
        word = "to move" if options["dry_run"] else "moved"
        self.stdout.write(
            f"{outcome.label}: {outcome.turned} {word}, {outcome.current} under the newest key, "
            f"{len(outcome.unreadable)} unreadable"
        )
        for pk, name, reason in outcome.unreadable:
            self.stderr.write(f"{outcome.label} {pk} {name}: cannot be read ({reason})")
        return outcome

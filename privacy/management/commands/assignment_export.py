"""``manage.py assignment_export ID``: make, or go on with, the export for a new owner, here and now (P16).

Without an id it lists the assignments. The first time it needs the new owner's public key and the officer in
whose name it is done. Killed, it goes on where it stopped when it is started again.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from portal.accounts.models import User
from portal.errors import NotVisible
from portal.lockbox.operating import OperatorCommand
from portal.permissions import Role
from privacy.disclosing.models import Assignment
from privacy.handover import making, selectors, services
from privacy.handover.models import Handover


class Command(OperatorCommand):
    help = "Seal the records that may pass to a new owner, as FHIR R4 and files, to the new owner's public key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("assignment", nargs="?", type=UUID, help="id of the assignment; without it all are listed")
        parser.add_argument("--recipient", default="", help="the new owner's age public key (age1…)")
        parser.add_argument("--officer", default="", help="sign-in address of the officer in whose name it is done")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["assignment"] is None:
            self._list()
            return
        try:
            handover = self._handover(options)
            making.make(handover.pk, self._progress)
        except NotVisible as error:
            raise CommandError("there is no such assignment") from error
        except making.Busy as error:
            raise CommandError("another process is making this export") from error
        self._told(handover)

    def _handover(self, options: dict[str, Any]) -> Handover:
        there = selectors.handover_of(options["assignment"])
        if there is not None and not options["recipient"]:
            return there
        if there is None and not options["recipient"]:
            raise CommandError("name the new owner's public key to begin it: --recipient age1…")
        officer = User.objects.filter(email=options["officer"].lower(), role=Role.OFFICER, is_active=True).first()
        if officer is None:
            unknown = "no active officer signs in with this address" if options["officer"] else "no officer is named"
            raise CommandError(f"{unknown}: give the one in whose name it is done, --officer ADDRESS")
        return services.handover_start(
            by=officer.actor, assignment_id=options["assignment"], recipient_key=options["recipient"]
        )

    def _told(self, handover: Handover) -> None:
        handover.refresh_from_db()
        found = selectors.standing(handover)
        self.stdout.write(f"{found.given} records in {len(found.parts)} parts in {found.place}")
        for reason, count in found.reasons:
            self.stdout.write(f"{count} stay: {reason}")
        for number, reason in selectors.numbers_of(list(selectors.staying(handover))):
            self.stdout.write(f"  {number}  {reason}")

    def _list(self) -> None:
        if not Assignment.objects.exists():
            self.stdout.write("no assignment is entered; the officer does that on the page for a new owner")
        for row in Assignment.objects.order_by("passes_on"):
            state = "called off" if row.called_off_at else "ready" if row.told_at else "not ready"
            made = selectors.handover_of(row.pk)
            if made is not None:
                state = "handed over" if made.passed_at else "sealed" if made.finished_at else "being made"
            self.stdout.write(f"{row.pk}  passes on {row.passes_on}  {state}")

    def _progress(self, done: int, total: int, message: str = "") -> None:
        self.stdout.write(f"{done} of {total}")

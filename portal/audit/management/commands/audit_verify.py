"""Check the access log, row by row and against the digests in the lockbox."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.audit.verification import SHOWN, audit_verify


class Command(BaseCommand):
    """``manage.py audit_verify``: exit code 1 and the first broken row's number when the log is not whole."""

    help = "Check that no row of the access log was altered, taken out or put in."

    def handle(self, *args: Any, **options: Any) -> None:
        report = audit_verify()
        counts = (
            f"{report.rows} rows and {report.digests} digests checked in {report.seconds} s; "
            f"{report.waiting} rows wait for their digest"
        )
        if report.faults:
            lines = sorted(report.faults, key=lambda found: (found.row is None, found.row or found.digest or 0))
            shown = "\n".join(f"- {found}" for found in lines[:SHOWN])
            raise CommandError(f"first: {report.first}\n{len(lines)} faults ({counts}):\n{shown}")
        self.stdout.write(f"the log is whole: {counts}")

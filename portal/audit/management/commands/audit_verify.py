"""Check every row of the access log against its authentication code."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.audit.models import AccessEvent
from portal.audit.services import verify_row


class Command(BaseCommand):
    """``manage.py audit_verify``: exit code 1 and the rows' numbers when any was altered."""

    help = "Check that no row of the access log was altered."

    def handle(self, *args: Any, **options: Any) -> None:
        checked, bad = 0, []
        for event in AccessEvent.objects.order_by("number").iterator(chunk_size=5000):
            checked += 1
            if not verify_row(event):
                bad.append(event.number)
        if bad:
            raise CommandError(f"{len(bad)} of {checked} rows were altered: {bad[:50]}")
        self.stdout.write(f"{checked} rows checked, none altered")

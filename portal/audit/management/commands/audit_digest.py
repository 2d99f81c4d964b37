"""Bring the digests over the access log up to date."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from portal.audit.chain import digests_make


class Command(BaseCommand):
    """``manage.py audit_digest``: what the hourly task does; after a restore, run it before the site opens."""

    help = "Chain a digest over the new rows of the access log and put it into the lockbox."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{digests_make()} digests made")

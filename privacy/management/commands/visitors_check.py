"""``manage.py visitors_check``: the nightly look at cookies and counters, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from privacy.visitors import proof


class Command(BaseCommand):
    help = "Looks whether counters name nobody, and asks for each public page the way visitors do (P09, P42)."

    def handle(self, *args: Any, **options: Any) -> None:
        found = [proof.counters_prove(), proof.cookies_prove()]
        for row in found:
            self.stdout.write(f"{row} {row.facts}")
        if not all(row.passed for row in found):
            raise CommandError("not all of it holds")

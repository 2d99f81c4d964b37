"""``manage.py seed_demo``: a believable clinic out of made-up people. Refused in production."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.demo.seed import seed


class Command(BaseCommand):
    help = "Fill the demo with made-up people, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--patients", type=int, default=60)
        parser.add_argument("--part", type=int, default=0, help="this process's share, from 0")
        parser.add_argument("--parts", type=int, default=1, help="processes that share the work")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo's people do not belong into a real clinic.")
        made = seed(patients=options["patients"], part=options["part"], parts=options["parts"])
        self.stdout.write(f"{made} patients made." if made else "The clinic is filled already.")

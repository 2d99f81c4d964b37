"""``manage.py restore_check``: open a sample of every encrypted column and of the sealed files, as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from privacy.backups.samples import sample_open


class Command(BaseCommand):
    help = "Open a sample of what this database and its sealed files hold; used by restore_drill."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--sample", type=int, default=20, help="rows of each table")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(sample_open(options["sample"])))

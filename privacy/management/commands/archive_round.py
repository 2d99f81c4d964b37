"""``manage.py archive_round``: the archive's nightly, weekly and monthly work, done now (P40). Fails with them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from portal.errors import StorageUnavailable
from portal.evidence.selectors import holds
from portal.lockbox.operating import OperatorCommand, told
from portal.lockbox.store import LockboxError
from privacy.archive import EVIDENCE as NIGHTLY
from privacy.archive import archive_nightly
from privacy.keeping.destruction import EVIDENCE as DESTRUCTION
from privacy.keeping.destruction import destroy_due
from privacy.keeping.inventory import INVENTORY, PROOF, SAMPLE, archive_inventory, archive_prove, archive_sample

ROUND = (
    (NIGHTLY, archive_nightly), (SAMPLE, archive_sample), (INVENTORY, archive_inventory),
    (DESTRUCTION, destroy_due), (PROOF, archive_prove),
)


class Command(OperatorCommand):
    help = "Seal what changed, read a sample back, count the store, destroy what is due, and try the lock."

    def handle(self, *args: Any, **options: Any) -> None:
        failed = []
        for kind, work in ROUND:
            try:
                found = work()
            except (LockboxError, StorageUnavailable, OSError) as error:  # the rest of the round is done all the same
                self.stdout.write(f"{kind}: {told(error)}")
                failed.append(kind)
                continue
            self.stdout.write(f"{kind}: {', '.join(f'{name} {value}' for name, value in found.items())}")
        failed += [kind for kind, _work in ROUND if kind not in failed and not holds(kind)]
        if failed:
            raise CommandError(f"not as it should be: {', '.join(failed)}")

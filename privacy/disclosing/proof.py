"""Each night: the register takes no change, and what it holds stands in the access log as well (P14)."""

from __future__ import annotations

from datetime import timedelta

from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from portal.audit.models import AccessEvent, Action
from portal.evidence.models import Evidence
from portal.evidence.services import evidence_record
from records.disclosures.models import Disclosure

EVIDENCE = "disclosures.register"
LOOKED_BACK = timedelta(days=8)


def register_prove() -> Evidence:
    """Try to change and to remove the newest entry, and look for each new one in the log; keep what came of it."""
    newest = Disclosure.objects.only("pk").order_by("-recorded_at").first()
    logged = AccessEvent.objects.filter(object_id=OuterRef("pk"), action=Action.DISCLOSE)
    fresh = Disclosure.objects.filter(recorded_at__gte=timezone.now() - LOOKED_BACK)
    unlogged = fresh.exclude(Exists(logged)).count()
    changed = 0 if newest is None else _changes(newest)
    return evidence_record(
        kind=EVIDENCE, passed=changed == unlogged == 0, valid_for=timedelta(hours=36),
        facts={"entries": Disclosure.objects.count(), "changes_that_went_through": changed, "not_in_the_log": unlogged},
    )


def _changes(row: Disclosure) -> int:
    """How many of two forbidden statements the database lets pass; neither stays."""
    rows, passed = Disclosure.objects.filter(pk=row.pk), 0
    for deed in (lambda: rows.update(recorded_at=timezone.now()), rows.delete):
        try:
            with transaction.atomic():
                deed()
                passed += 1
                transaction.set_rollback(True)
        except DatabaseError:
            continue
    return passed

"""The accounting of one person with 100,000 disclosures and 100,000 rows in the access log (issue 7: under 2 s).

The floor is the same lines read and counted in one plain statement, nothing opened. Ours is the whole
statement: register read, repeats gathered, first entries opened, the letter's content made and kept.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone

from tests.bench.row import BenchRow, alternate, settled

NEEDS_DATABASE = True
ENTRIES = LOOKS = 100_000
RECIPIENTS = 40
SECONDS = 2.0


def rows() -> list[BenchRow]:
    """One row: the statement of a person of whom very much was given."""
    ana, patient_id = _person()
    try:
        _fill(patient_id)
        return [settled(lambda: _row(ana, patient_id))]
    finally:
        _remove(patient_id)


def _row(ana: Any, patient_id: UUID) -> BenchRow:
    floor, ours = alternate(lambda: _plain(patient_id), lambda: _statement(ana, patient_id))
    return BenchRow(
        "accounting over 100,000 disclosures of one person", "one plain GROUP BY over the same rows", floor * 1000,
        ours * 1000, ours / floor, SECONDS * 1000, "ms", f"{LOOKS:,} rows of theirs in the log", holds="ours",
    )


def _plain(patient_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT same_key, purpose, basis, count(*), min("on"), max("on") FROM records_disclosure '
            "WHERE patient_id = %s GROUP BY 1, 2, 3", [patient_id],
        )
        assert len(cursor.fetchall()) == RECIPIENTS


def _statement(ana: Any, patient_id: UUID) -> None:
    from privacy.disclosing.models import AccountingStatement
    from privacy.requests.models import RequestKind
    from privacy.requests.services import request_open

    with transaction.atomic():
        request = request_open(
            by=ana.actor, kind=RequestKind.ACCOUNTING, subject_id=patient_id, account_id=ana.pk, form_key=uuid4()
        )
        assert AccountingStatement.objects.get(request_id=request.pk).lines == RECIPIENTS


def _person() -> tuple[Any, UUID]:
    from portal.permissions import Role
    from tests.conftest import account
    from tests.consults.building import person

    ana = account("accounting@bench.example", Role.PATIENT, "Ana Okafor")
    return ana, person(ana).pk


def _remove(patient_id: UUID) -> None:
    """Other rows measure the same tables."""
    from portal.audit.append_only import RewriteReason, rewrite_allowed
    from portal.audit.models import AccessEvent
    from records.models import Disclosure

    with rewrite_allowed(AccessEvent, Disclosure, reason=RewriteReason.ERASURE):
        AccessEvent.objects.filter(subject_id=patient_id).delete()
        Disclosure.objects.filter(patient_id=patient_id).delete()


def _fill(patient_id: UUID) -> None:
    """Sealed once for each recipient, then copied by the database: what is measured reads, it does not seal."""
    from portal.context import SYSTEM
    from portal.dates import today
    from records.disclosures.services import Entry, disclosures_record_many

    disclosures_record_many(
        by=SYSTEM, entries=[
            Entry(
                patient_id, "care", "treatment", f"Clinic number {number}", f"A report, number {number}", today(),
                f"{number} Main Street\nClear Lake, MN",
            )
            for number in range(RECIPIENTS)
        ],
    )
    more, now = ENTRIES // RECIPIENTS - 1, timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO records_disclosure (id, patient_id, "on", purpose, basis, recipient, recipient_address,
                 what, same_key, reference, consent_id, recorded_by, recorded_at)
               SELECT gen_random_uuid(), patient_id, "on" - (step %% 2000)::int, purpose, basis, recipient,
                 recipient_address, what, same_key, reference, consent_id, recorded_by, recorded_at
               FROM records_disclosure, generate_series(1, %s) AS step WHERE patient_id = %s""", [more, patient_id],
        )
        cursor.execute(
            """INSERT INTO audit_accessevent (event_id, at, actor_role, subject_id, action, purpose, object_kind,
                 basis, request_id, mac, transaction_id)
               SELECT gen_random_uuid(), %s::timestamptz - step * interval '1 minute', 'system', %s, 'view', 'care',
                 'records.record', '', '', repeat('0', 64), 0 FROM generate_series(1, %s) AS step""",
            [now - dt.timedelta(days=1), patient_id, LOOKS],
        )
        cursor.execute("ANALYZE records_disclosure")
        cursor.execute("ANALYZE audit_accessevent")

"""Proofs of kept promises: newest of a kind, with an age limit, never changed."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.utils import timezone

from portal.evidence.models import Evidence
from portal.evidence.selectors import holds, latest, latest_by_kind, latest_passed
from portal.evidence.services import evidence_record

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def record(kind="backup.drill", passed=True, **facts):
    return evidence_record(kind=kind, passed=passed, facts=facts, valid_for=DAY)


def test_the_newest_proof_of_a_kind_is_the_one_that_counts():
    good, bad = record(took_seconds=240), record(passed=False)
    other = record("archive.check")
    assert latest("backup.drill") == bad and latest_passed("backup.drill") == good
    assert latest_by_kind() == {"archive.check": other, "backup.drill": bad}
    assert not holds("backup.drill") and holds("archive.check") and not holds("nothing")
    assert latest("nothing") is None


def test_a_proof_runs_out():
    row = record()
    assert row.good_until - row.recorded_at == DAY
    with time_machine.travel(timezone.now() + DAY + dt.timedelta(minutes=1)):
        assert not holds("backup.drill")
        assert latest("backup.drill") == row


@pytest.mark.parametrize("change", [lambda row: row.delete(), lambda row: Evidence.objects.update(passed=True)])
def test_a_proof_cannot_be_bettered_afterwards(change):
    row = record(passed=False)
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        change(row)


def test_facts_are_plain_values():
    with pytest.raises(ValueError, match="fact who"):
        record(who={"name": "Ana"})

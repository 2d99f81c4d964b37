"""An access log with a lockbox of its own, and a hand that reaches past the triggers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from portal.audit.models import AccessEvent, Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.permissions import Purpose, Role

SUBJECT = uuid4()
KARIN = Actor(uuid4(), Role.CLINICIAN)


@pytest.fixture
def box(settings: Any, tmp_path: Path) -> Path:
    settings.LOCKBOX_DIR = tmp_path / "lockbox"
    return tmp_path / "lockbox"


def look(**changes: Any) -> int:
    """One row of the log; returns its number."""
    deed: dict[str, Any] = {
        "by": KARIN, "action": Action.VIEW, "purpose": Purpose.CARE, "subject_id": SUBJECT,
        "object_kind": "records.photo", "object_id": uuid4(), "basis": "grant:abc", **changes,
    }
    return access_record(**deed).number


@pytest.fixture
def looks() -> Callable[[int], list[int]]:
    return lambda count: [look() for _ in range(count)]


@contextmanager
def intruder() -> Iterator[Any]:
    """A cursor of somebody who owns the database: triggers and constraints are off."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor


def copy_of(number: int) -> dict[str, Any]:
    return AccessEvent.objects.filter(number=number).values().get()

"""Writing evidence. The caller measures; this only keeps what was found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TypeAlias

from django.utils import timezone

from portal.evidence.models import Evidence

Fact: TypeAlias = str | int | float | bool | None


def evidence_record(*, kind: str, passed: bool, facts: Mapping[str, Fact], valid_for: timedelta) -> Evidence:
    """Keep one proof. ``valid_for`` is its age limit: after it the proof counts as missing.

    ``facts`` are counts, durations (name their unit: ``took_seconds``), ids and codes, never
    anything about a person. Raises ``ValueError`` for nested facts.
    """
    for name, value in facts.items():
        if not isinstance(value, str | int | float | bool | None):
            raise ValueError(f"fact {name} of {kind} is not a plain value")
    now = timezone.now()
    return Evidence.objects.create(
        kind=kind, passed=passed, facts=dict(facts), recorded_at=now, good_until=now + valid_for
    )

"""The nightly look at cookies and counters."""

from __future__ import annotations

from celery import shared_task

from privacy.visitors import proof


@shared_task(name="privacy.visitors_prove")
def visitors_prove() -> None:
    """Old counters go; then two proofs: the counters name nobody, and a no is kept (P09, P42)."""
    proof.counters_prove()
    proof.cookies_prove()

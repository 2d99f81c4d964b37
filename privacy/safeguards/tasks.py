"""Tasks of the safeguards."""

from __future__ import annotations

from celery import shared_task

from privacy.safeguards.making import binders_expire
from privacy.safeguards.proof import safeguards_watch


@shared_task(name="privacy.safeguards_watch")
def watch() -> None:
    """Once a day: reminders, the proof of P55, and binders past their time (P55, P22). Neither waits for the other."""
    try:
        safeguards_watch()
    finally:
        binders_expire()

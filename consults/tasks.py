"""Periodic work of the consults. Safe to run twice and side by side."""

from __future__ import annotations

from celery import shared_task

from consults import services


@shared_task(name="consults.sweep")
def sweep() -> None:
    services.sweep()

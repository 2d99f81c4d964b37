"""The daily task of requests; safe to run any number of times."""

from __future__ import annotations

from celery import shared_task

from privacy.requests.reminders import requests_remind


@shared_task(name="privacy.requests_remind")
def remind() -> None:
    """Remind of requests whose last day is near, and tell the owner of those that are late (P35)."""
    requests_remind()

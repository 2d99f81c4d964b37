"""Work on accounts that nobody waits for."""

from __future__ import annotations

from importlib import import_module

from celery import shared_task
from django.conf import settings

from portal.accounts.services import accounts_purge_unverified


@shared_task(name="accounts.purge_unverified")
def purge_unverified() -> int:
    """Hourly: accounts never proven go after a day (P02), and sessions past their end."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return accounts_purge_unverified()

"""The Celery app. The work is in tables; a message is only a nudge (COMPONENTS 4)."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, task_prerun, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="tasks")


@setup_logging.connect
def _use_django_logging(**_: Any) -> None:
    """Django's own LOGGING (already applied) rules; Celery must not replace its filters."""


@worker_init.connect
@beat_init.connect
def _refuse_unsafe_start(**_: Any) -> None:
    """Celery swallows errors of its signals, so the refusal leaves as an exit."""
    from django.core.exceptions import ImproperlyConfigured

    from portal.checks import refuse_unsafe_start

    try:
        refuse_unsafe_start()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None


@task_prerun.connect
def _drop_dead_connections(**_: Any) -> None:
    """With kept connections, every task failed after a PostgreSQL restart unless this ran."""
    from django.db import close_old_connections, connections

    if not any(connection.in_atomic_block for connection in connections.all(initialized_only=True)):
        close_old_connections()

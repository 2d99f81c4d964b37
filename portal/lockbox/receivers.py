"""What the worker asks of the archive's store before it takes any work."""

from __future__ import annotations

from typing import Any

from celery.signals import worker_init
from django.conf import settings

from portal.checks import S3_STORE
from portal.errors import StorageUnavailable
from portal.lockbox.store import LockboxError


@worker_init.connect
def refuse_unfit_bucket(**_: Any) -> None:
    """No start on a bucket that keeps no versions or locks nothing (P40).

    A store that does not answer stops nobody: its work waits and is tried again. Celery swallows
    errors of its signals, so the refusal leaves as an exit.
    """
    if settings.LOCKBOX_STORE != S3_STORE:
        return
    from portal.lockbox.s3 import S3Store  # the library takes a while to load, and most need it not

    try:
        S3Store.from_settings().fit()
    except StorageUnavailable:
        return
    except LockboxError as error:
        raise SystemExit(f"The portal does not start like this: {error}.") from None

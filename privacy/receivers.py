"""What the privacy desk does when a worker starts."""

from __future__ import annotations

import time
from typing import Any

from celery.signals import worker_init
from django.db import connections

from privacy import replay

_ASK_AGAIN_SECONDS = 10


@worker_init.connect
def wait_for_ledger(**_: Any) -> None:
    """A worker takes no task while erased people might still be in a restored database (P39).

    Otherwise it would write to them before the site is even open. Asks again every ten seconds.
    """
    while not replay.opens():
        time.sleep(_ASK_AGAIN_SECONDS)
    connections.close_all()  # the children of the worker open their own

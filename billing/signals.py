"""The one way up: what happened to money, told to the apps above by ids only.

Receivers get ``order_id``, ``kind`` and ``reference``. They run inside the transaction that
marks the effect as done: if one raises, all is rolled back and tried again by the sweep. So a
receiver writes to the database only and may be called again after a failure.
"""

from __future__ import annotations

from django.dispatch import Signal

charge_paid = Signal()
charge_refunded = Signal()

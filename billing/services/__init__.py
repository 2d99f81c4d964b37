"""The verbs of billing. Actor first, keyword-only; none of them sees a request."""

from billing.services.checkout import checkout_start, order_cancel, order_open
from billing.services.effects import effect_run
from billing.services.reconcile import reconcile, sweep
from billing.services.refunds import refund_send, refund_start, refund_sync
from billing.services.sync import payment_sync
from billing.services.undoing import order_undo
from billing.services.webhooks import webhook_process, webhook_store

__all__ = [
    "checkout_start",
    "effect_run",
    "order_cancel",
    "order_open",
    "order_undo",
    "payment_sync",
    "reconcile",
    "refund_send",
    "refund_start",
    "refund_sync",
    "sweep",
    "webhook_process",
    "webhook_store",
]

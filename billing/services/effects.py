"""Telling the apps above, exactly once, what happened to money."""

from __future__ import annotations

import functools
import logging
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.dispatch import Signal
from django.utils import timezone

from billing import signals
from billing.models import Effect, EffectKind, Order

log = logging.getLogger(__name__)

_SIGNALS: dict[str, Signal] = {
    EffectKind.CHARGE_PAID: signals.charge_paid,
    EffectKind.CHARGE_REFUNDED: signals.charge_refunded,
}


def effect_add(*, order: Order, kind: EffectKind, once_key: str) -> None:
    """Note a due signal in the caller's transaction, and send it right after the commit."""
    effect, created = Effect.objects.get_or_create(once_key=once_key, defaults={"order": order, "kind": kind})
    if created:
        transaction.on_commit(functools.partial(effect_run, effect.pk), robust=True)


def effect_run(effect_id: UUID) -> bool:
    """Send one due signal; True when it is done now. Never raises: the sweep tries again.

    Receivers work inside this transaction, so their deed and the mark "done" stand or fall together.
    """
    try:
        with transaction.atomic():
            effect = (
                Effect.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("order")
                .filter(pk=effect_id, done_at=None)
                .first()
            )
            if effect is None:
                return False
            order = effect.order
            _SIGNALS[effect.kind].send(sender=Order, order_id=order.pk, kind=order.kind, reference=order.reference)
            effect.done_at = timezone.now()
            effect.save(update_fields=["done_at"])
            return True
    except Exception as error:  # whatever a receiver above raises must not undo or hide a payment
        log.warning("effect %s failed: %s", effect_id, type(error).__name__)
        Effect.objects.filter(pk=effect_id).update(attempts=F("attempts") + 1)
        return False

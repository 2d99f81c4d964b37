"""Billing's mails. No amount, no item, no payment data in any of them (P24)."""

from __future__ import annotations

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.outbox.models import Category
from portal.outbox.registry import Mail, MailContext, Rendered, register


def _receipt_ready(context: MailContext) -> Rendered:
    link = settings.SITE_URL + reverse("billing:receipt", args=[context.refs["order_id"]])
    words = {"link": link, "clinic": settings.CLINIC_NAME}
    return Rendered(text=render_to_string("billing/mail/receipt_ready.txt", words))


def register_mails() -> None:
    """Make the outbox know billing's mails; called at start."""
    register(
        Mail(
            kind="billing.receipt_ready",
            category=Category.OPERATIONAL,
            render=_receipt_ready,
            subject=_("Your receipt from %(clinic)s is ready"),
        )
    )

"""Staff look at money here; changing it goes through services."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing import views
from billing.models import Order, Payment, Refund, WebhookEvent
from billing.selectors import money_text, money_trouble_count, receipt_text
from portal.admin_site import Group, ReadOnlyAdmin, site
from portal.context import Actor
from portal.permissions import Permission


def _trouble(_actor: Actor) -> int:
    return money_trouble_count()


site.page(
    "money/", views.money_desk, Permission.PAYMENTS_VIEW, name="money_desk", title=_("Money to look at"),
    menu=_("Money to look at"), hint=_("Payments that do not fit, and refunds that did not go through"),
    count=_trouble, group=Group.MAIL,
)


class MoneyAdmin(ReadOnlyAdmin):
    permission = Permission.PAYMENTS_VIEW
    list_per_page = 50
    ordering = ("-created_at",)


class OrderAdmin(MoneyAdmin):
    list_display = ("created_at", "product_code", "amount", "state", "id")
    list_filter = ("state", "kind")
    search_fields = ("id__exact", "reference__exact")

    @admin.display(description=_("Amount"))
    def amount(self, row: Order) -> str:
        return money_text(row.amount_cents, row.currency)


class PaymentAdmin(MoneyAdmin):
    list_display = ("created_at", "receipt", "amount", "given_back", "state", "problem", "order_id")
    list_filter = ("state", "problem")
    search_fields = ("square_payment_id__exact", "order__id__exact")

    @admin.display(description=_("Receipt"))
    def receipt(self, row: Payment) -> str:
        return receipt_text(row.receipt_number)

    @admin.display(description=_("Amount"))
    def amount(self, row: Payment) -> str:
        return money_text(row.amount_cents, row.currency)

    @admin.display(description=_("Given back"))
    def given_back(self, row: Payment) -> str:
        return money_text(row.refund_cents, row.currency)


class RefundAdmin(MoneyAdmin):
    list_display = ("created_at", "amount", "state", "reason_code", "error_code", "attempts", "payment_id")
    list_filter = ("state", "reason_code")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("payment")

    @admin.display(description=_("Amount"))
    def amount(self, row: Refund) -> str:
        return money_text(row.amount_cents, row.payment.currency)


class WebhookEventAdmin(MoneyAdmin):
    list_display = ("received_at", "type", "outcome", "attempts", "processed_at")
    list_filter = ("type", "outcome")
    ordering = ("-received_at",)


site.register(Order, OrderAdmin)
site.register(Payment, PaymentAdmin)
site.register(Refund, RefundAdmin)
site.register(WebhookEvent, WebhookEventAdmin)

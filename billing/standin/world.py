"""What the stand-in remembers, and Square's rules about it. No HTTP in here.

Objects are kept as the dictionaries that Square would send. Money is ``{"amount": cents,
"currency": "USD"}``. Every public method takes the lock, so handler threads may call at will.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from billing.standin.tables import Faults, Json, Refusal, bad_request, load, not_found, save

Emit = Callable[[str, str, Json], None]


class World:
    """One pretended seller with one location."""

    def __init__(
        self,
        *,
        token: str,
        location_id: str,
        public_url: str,
        emit: Emit | None = None,
        state_file: Path | None = None,
        currency: str = "USD",
    ) -> None:
        self.token = token
        self.location_id = location_id
        self.public_url = public_url.rstrip("/")
        self.currency = currency
        self.faults = Faults()
        self.calls: list[tuple[str, str, str]] = []
        self.emit: Emit = emit or (lambda event_type, kind, snapshot: None)
        self.lock = threading.RLock()
        self._state_file = state_file
        self.tables = load(state_file)
        self._last = dt.datetime.now(dt.UTC)

    # -- small parts

    def now(self) -> str:
        """A time stamp that always grows, so that "newer" is never a tie."""
        current = dt.datetime.now(dt.UTC)
        self._last = max(current, self._last + dt.timedelta(milliseconds=1))
        return self._last.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def save(self) -> None:
        save(self.tables, self._state_file)

    def _tell(self, event_type: str, kind: str, thing: Json) -> None:
        self.emit(event_type, kind, copy.deepcopy(thing))

    def _touch(self, thing: Json) -> None:
        thing["updated_at"] = self.now()
        thing["version"] = int(thing.get("version", 0)) + 1

    def _seen(self, scope: str, body: Json) -> str | None:
        """The id made earlier under this idempotency key, if any."""
        key = body.get("idempotency_key")
        if not isinstance(key, str) or not key:
            raise bad_request("MISSING_REQUIRED_PARAMETER", "Missing required parameter.", "idempotency_key")
        known = self.tables.keys.get(f"{scope}:{key}")
        if known is None:
            return None
        if known[1] != json.dumps(body, sort_keys=True):
            raise bad_request("IDEMPOTENCY_KEY_REUSED", "Different request parameters used for the same key.")
        return known[0]

    def _remember(self, scope: str, body: Json, made: str) -> None:
        self.tables.keys[f"{scope}:{body['idempotency_key']}"] = [made, json.dumps(body, sort_keys=True)]

    def _money(self, value: Any, fault: str) -> Json:
        amount = value.get("amount") if isinstance(value, dict) else None
        if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= 99_999_999:
            raise bad_request("INVALID_VALUE", "The amount is not valid.", fault)
        if value.get("currency") != self.currency:
            raise bad_request("INVALID_VALUE", "The location does not support this currency.", fault)
        return {"amount": amount, "currency": self.currency}

    def _get(self, table: dict[str, Json], wanted: str, what: str) -> Json:
        if wanted not in table:
            raise not_found(f"{what} not found.")
        return table[wanted]

    # -- what the API offers

    def link_create(self, body: Json) -> Json:
        with self.lock:
            made = self._seen("link", body)
            if made is None:
                made = self._link_new(body)
                self._remember("link", body, made)
                self.save()
            link = self.tables.links[made]
            return {"payment_link": link, "related_resources": {"orders": [self.tables.orders[link["order_id"]]]}}

    def _link_new(self, body: Json) -> str:
        asked = body.get("order")
        if not isinstance(asked, dict):
            raise bad_request("MISSING_REQUIRED_PARAMETER", "Missing required parameter.", "order")
        if asked.get("location_id") != self.location_id:
            raise not_found("Location not found.")
        if len(asked.get("reference_id") or "") > 40:
            raise bad_request("VALUE_TOO_LONG", "Field must not be longer than 40.", "order.reference_id")
        items = asked.get("line_items") or []
        if not items:
            raise bad_request("MISSING_REQUIRED_PARAMETER", "Missing required parameter.", "order.line_items")
        prices = [self._money(item.get("base_price_money"), "order.line_items.base_price_money") for item in items]
        total = {"amount": sum(price["amount"] for price in prices), "currency": self.currency}
        stamp = self.now()
        order: Json = {
            **asked,
            "id": secrets.token_urlsafe(20),
            "state": "DRAFT",
            "version": 1,
            "created_at": stamp,
            "updated_at": stamp,
            "total_money": total,
            "net_amount_due_money": total,
        }
        link_id = secrets.token_hex(8).upper()
        self.tables.orders[order["id"]] = order
        self.tables.links[link_id] = {
            "id": link_id,
            "version": 1,
            "order_id": order["id"],
            "created_at": stamp,
            "url": f"{self.public_url}/pay/{link_id}",
            "long_url": f"{self.public_url}/pay/{link_id}",
            "checkout_options": body.get("checkout_options") or {},
        }
        return link_id

    def order_get(self, order_id: str) -> Json:
        with self.lock:
            return {"order": copy.deepcopy(self._get(self.tables.orders, order_id, "Order"))}

    def payment_get(self, payment_id: str) -> Json:
        with self.lock:
            return {"payment": copy.deepcopy(self._get(self.tables.payments, payment_id, "Payment"))}

    def refund_get(self, refund_id: str) -> Json:
        with self.lock:
            return {"refund": copy.deepcopy(self._get(self.tables.refunds, refund_id, "Refund"))}

    def payments_list(self, query: dict[str, str]) -> Json:
        """Pages of payments by ``begin_time``, ``location_id``, ``sort_order``; ``cursor`` is an offset."""
        limit = max(1, min(int(query.get("limit") or 100), 100))
        start = int(query.get("cursor") or 0)
        with self.lock:
            found = [
                p
                for p in self.tables.payments.values()
                if p["created_at"] >= (query.get("begin_time") or "")
                and query.get("location_id") in (None, "", p["location_id"])
            ]
            found.sort(key=lambda p: str(p["created_at"]), reverse=query.get("sort_order") != "ASC")
            answer: Json = {"payments": copy.deepcopy(found[start : start + limit])}
        if start + limit < len(found):
            answer["cursor"] = str(start + limit)
        return answer

    def locations(self) -> Json:
        return {"locations": [{"id": self.location_id, "status": "ACTIVE", "currency": self.currency}]}

    def refund_create(self, body: Json) -> Json:
        with self.lock:
            made = self._seen("refund", body)
            if made is None:
                made = self._refund_new(body)
                self._remember("refund", body, made)
                self.save()
                answer: Json = {"refund": {**self.tables.refunds[made], "status": "PENDING"}}
                return answer
            return {"refund": copy.deepcopy(self.tables.refunds[made])}

    def _refund_new(self, body: Json) -> str:
        if len(body["idempotency_key"]) > 45:
            raise bad_request("VALUE_TOO_LONG", "Field must not be longer than 45.", "idempotency_key")
        payment = self._get(self.tables.payments, str(body.get("payment_id")), "Payment")
        money = self._money(body.get("amount_money"), "amount_money")
        given = int(payment.get("refunded_money", {}).get("amount", 0))
        if payment["status"] != "COMPLETED" or given + money["amount"] > payment["amount_money"]["amount"]:
            raise Refusal(400, "REFUND_ERROR", "REFUND_AMOUNT_INVALID", "The requested refund is too much.")
        stamp = self.now()
        refund: Json = {
            "id": f"{payment['id']}_{secrets.token_hex(6)}",
            "status": "PENDING",
            "payment_id": payment["id"],
            "order_id": payment["order_id"],
            "location_id": payment["location_id"],
            "amount_money": money,
            "created_at": stamp,
            "updated_at": stamp,
            "version": 1,
            "reason": body.get("reason", ""),
        }
        self.tables.refunds[refund["id"]] = refund
        self._tell("refund.created", "refund", refund)
        refund["status"] = self.faults.refund_status
        self._touch(refund)
        if refund["status"] in {"PENDING", "COMPLETED"}:
            payment["refunded_money"] = {"amount": given + money["amount"], "currency": money["currency"]}
        payment.setdefault("refund_ids", []).append(refund["id"])
        self._touch(payment)
        self._tell("refund.updated", "refund", refund)
        self._tell("payment.updated", "payment", payment)
        return str(refund["id"])

    # -- what the person at the hosted page does

    def page(self, link_id: str) -> tuple[Json, Json]:
        """The link and its order, as the hosted page shows them."""
        with self.lock:
            link = self._get(self.tables.links, link_id, "Link")
            return copy.deepcopy(link), copy.deepcopy(self.tables.orders[link["order_id"]])

    def pay(self, link_id: str, *, declined: bool = False) -> Json:
        """Pay the link's order once; a second press returns the first payment."""
        with self.lock:
            link = self._get(self.tables.links, link_id, "Link")
            order = self.tables.orders[link["order_id"]]
            if order.get("tenders"):
                return self.tables.payments[order["tenders"][0]["payment_id"]]
            payment = self._payment_new(order, "FAILED" if declined else "APPROVED")
            self._tell("payment.created", "payment", payment)
            if not declined:
                money = payment["amount_money"]
                tender = {"id": payment["id"], "payment_id": payment["id"], "type": "CARD", "amount_money": money}
                order["tenders"] = [tender]
                order["state"] = "OPEN"
                self._touch(order)
                if not self.faults.hold_payments:
                    self.settle(payment["id"])
            self.save()
            return payment

    def _payment_new(self, order: Json, status: str) -> Json:
        stamp = self.now()
        total = order["total_money"]
        money = {
            "amount": total["amount"] + self.faults.amount_delta,
            "currency": self.faults.pay_currency or total["currency"],
        }
        payment: Json = {
            "id": secrets.token_urlsafe(21),
            "status": status,
            "order_id": order["id"],
            "location_id": self.faults.pay_location or self.location_id,
            "amount_money": money,
            "total_money": dict(money),
            "source_type": "CARD",
            "created_at": stamp,
            "updated_at": stamp,
            "version": 1,
            "card_details": {"status": status, "card": {"card_brand": "VISA", "last_4": "1111"}},
        }
        self.tables.payments[payment["id"]] = payment
        return payment

    def settle(self, payment_id: str) -> Json:
        """An approved payment is captured: several events, as Square sends them."""
        with self.lock:
            payment = self._get(self.tables.payments, payment_id, "Payment")
            if payment["status"] == "APPROVED":
                order = self.tables.orders[payment["order_id"]]
                self._touch(payment)
                self._tell("payment.updated", "payment", payment)
                payment["status"] = payment["card_details"]["status"] = "COMPLETED"
                self._touch(payment)
                self._tell("payment.updated", "payment", payment)
                order["state"] = "COMPLETED"
                self._touch(order)
                self._tell("order.updated", "order", order)
                self._touch(payment)
                self._tell("payment.updated", "payment", payment)
                self.save()
            return payment

"""The stand-in's tables, its faults on demand, and Square's way of saying no."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

Json = dict[str, Any]


class Refusal(Exception):
    """Square's answer is an error: HTTP status, category, code, and the field at fault."""

    def __init__(self, status: int, category: str, code: str, detail: str, fault: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.body: Json = {"errors": [{"category": category, "code": code, "detail": detail}]}
        if fault:
            self.body["errors"][0]["field"] = fault


def bad_request(code: str, detail: str, fault: str = "") -> Refusal:
    return Refusal(400, "INVALID_REQUEST_ERROR", code, detail, fault)


def not_found(detail: str) -> Refusal:
    return Refusal(404, "INVALID_REQUEST_ERROR", "NOT_FOUND", detail)


@dataclass
class Faults:
    """Misbehaviour on demand, set through ``/standin/control``."""

    fail_next: int = 0
    fail_status: int = 500
    fail_path: str = ""
    delay_seconds: float = 0.0
    drop_webhooks: bool = False
    repeat_webhooks: int = 1
    reorder_webhooks: bool = False
    amount_delta: int = 0
    pay_currency: str = ""
    pay_location: str = ""
    hold_payments: bool = False
    refund_status: str = "COMPLETED"


@dataclass
class Tables:
    """Everything that outlives a restart when a state file is given."""

    links: dict[str, Json] = field(default_factory=dict)
    orders: dict[str, Json] = field(default_factory=dict)
    payments: dict[str, Json] = field(default_factory=dict)
    refunds: dict[str, Json] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)


def load(path: Path | None) -> Tables:
    if path is None or not path.exists():
        return Tables()
    data = json.loads(path.read_text())
    return Tables(**{f.name: data.get(f.name, {}) for f in fields(Tables)})


def save(tables: Tables, path: Path | None) -> None:
    """Write the tables in one step; without a path nothing outlives the process."""
    if path is None:
        return
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({f.name: getattr(tables, f.name) for f in fields(Tables)}))
    draft.replace(path)

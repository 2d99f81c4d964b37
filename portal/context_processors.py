"""What every template may use: the clinic's identity, from settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True)
class Clinic:
    """The clinic as pages and letters name it."""

    name: str
    legal_name: str
    address_lines: list[str]
    email: str
    phone: str
    states: dict[str, str]
    officer_name: str
    officer_email: str
    reply_hours: int
    fee: str


def money(cents: int) -> str:
    """US dollars as people write them: ``$59`` or ``$59.50``."""
    whole, rest = divmod(cents, 100)
    return f"${whole:,}" if rest == 0 else f"${whole:,}.{rest:02d}"


def clinic_identity() -> Clinic:
    return Clinic(
        name=settings.CLINIC_NAME,
        legal_name=settings.CLINIC_LEGAL_NAME,
        address_lines=settings.CLINIC_ADDRESS,
        email=settings.CLINIC_EMAIL,
        phone=settings.CLINIC_PHONE,
        states=settings.CLINIC_STATES,
        officer_name=settings.CLINIC_OFFICER_NAME,
        officer_email=settings.CLINIC_OFFICER_EMAIL,
        reply_hours=settings.CLINIC_REPLY_HOURS,
        fee=money(settings.CONSULT_FEE_CENTS),
    )


def clinic(request: HttpRequest) -> dict[str, Any]:
    return {
        "clinic": clinic_identity(),
        "session_warn_seconds": settings.SESSION_WARN_SECONDS,
        "demo": settings.PORTAL_ENV == "development",
    }

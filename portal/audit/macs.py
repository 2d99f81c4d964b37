"""The codes that prove the access log, under keys that the database never sees.

``AUDIT_HMAC_KEY`` holds the keys, newest first: the first signs, all verify. A key may be dropped
only when no row and no digest is held any more that was signed under it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# What a row's code covers, in this order; not the two columns that the database gives.
COLUMNS = (
    "event_id", "at", "actor_id", "actor_role", "subject_id", "action", "purpose", "object_kind", "object_id",
    "basis", "request_id",
)


def row_mac(values: Sequence[Any]) -> str:
    """HMAC-SHA256, in hex, of a row's ``COLUMNS``, under the newest key."""
    return _mac(_keys("access-log")[0], _message(values))


def row_holds(values: Sequence[Any], mac: str) -> bool:
    """True when ``mac`` was made of these ``COLUMNS`` under one of the keys."""
    message = _message(values)
    return any(hmac.compare_digest(mac, _mac(key, message)) for key in _keys("access-log"))


def digest_mac(text: str) -> str:
    """HMAC-SHA256, in hex, of a digest's text, under the newest key."""
    return _mac(_keys("access-digest")[0], text.encode())


def digest_holds(text: str, mac: str) -> bool:
    """True when ``mac`` was made of this text under one of the keys."""
    return any(hmac.compare_digest(mac, _mac(key, text.encode())) for key in _keys("access-digest"))


def _mac(key: bytes, message: bytes) -> str:
    return hmac.digest(key, message, "sha256").hex()


def _message(values: Sequence[Any]) -> bytes:
    """The columns in a form in which no text can move from one to the next."""
    return json.dumps([_text(value) for value in values], separators=(",", ":"), ensure_ascii=True).encode()


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return "" if value is None else str(value)


def _keys(use: str) -> list[bytes]:
    """The keys for one use, newest first. Raises ``ImproperlyConfigured`` when there is none."""
    configured = settings.AUDIT_HMAC_KEY
    keys = [configured] if isinstance(configured, str) else list(configured)
    if not keys or not all(keys):
        raise ImproperlyConfigured("AUDIT_HMAC_KEY must hold at least one key")
    return [hashlib.sha256(f"{use}:{key}".encode()).digest() for key in keys]

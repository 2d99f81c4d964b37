"""Addresses that are never written to again, kept as keyed hashes and as nothing else (P28).

A hash stays when the person is erased, and cannot be led back to them: the key is not in the database.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache

from django.conf import settings
from django.utils import timezone

from portal.outbox.models import LeftAddress

# Why a mail was not sent: its reader has left for good.
LEFT = "left"
VERSION = b"left-1:"


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return hashlib.sha256(VERSION + secret.encode()).digest()


def _hash(address: str, secret: str) -> str:
    return hmac.new(_key(secret), address.strip().lower().encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def hashes_of(address: str) -> list[str]:
    """Under every key of the settings, the newest first: what was kept under an old one is still found."""
    return [_hash(address, secret) for secret in settings.LEFT_HMAC_KEY]


def address_leave(address: str) -> None:
    """From now on nothing is mailed there. In the caller's transaction; twice is once."""
    LeftAddress.objects.get_or_create(address_hash=hashes_of(address)[0], defaults={"since": timezone.now()})


def address_come_back(address: str) -> bool:
    """The person wants mail again, and somebody made sure of it. False when nothing was kept of the address."""
    removed, _by_model = LeftAddress.objects.filter(address_hash__in=hashes_of(address)).delete()
    return removed > 0


def left_of(addresses: Iterable[str]) -> set[str]:
    """Those of the addresses that are never written to. One query."""
    by_hash = {found: address for address in set(addresses) for found in hashes_of(address)}
    kept = LeftAddress.objects.filter(address_hash__in=list(by_hash)).values_list("address_hash", flat=True)
    return {by_hash[found] for found in kept}

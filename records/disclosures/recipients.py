"""A keyed hash of a recipient's name: equal recipients are found and grouped while names stay sealed."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from uuid import UUID

from django.conf import settings

from records.people.search_words import chunks

_VERSION = b"recipient-1:"


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return hashlib.sha256(_VERSION + secret.encode()).digest()


def recipient_key(*lines: str, secret: str | None = None) -> UUID:
    """Case, accents, blanks and punctuation make no difference; a name of signs only counts as written."""
    words = ["".join(part for parts in chunks(line) for part in parts) or line.strip() for line in lines]
    key = _key(settings.SEARCH_HMAC_KEY[0] if secret is None else secret)
    return UUID(bytes=hmac.digest(key, "\n".join(words).encode("utf-8", "surrogatepass"), "sha256")[:16])


def recipient_keys(name: str) -> list[UUID]:
    """Under every key of search: rows written before a change of keys stand under the older one."""
    return [recipient_key(name, secret=secret) for secret in settings.SEARCH_HMAC_KEY]

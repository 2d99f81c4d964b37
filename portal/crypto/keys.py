"""The field keys, newest first, read from the settings each time they are used.

The base package reads ``FIELD_ENCRYPTION_KEY`` once, at import. Reading it at each use lets a
rotation, a drill or a test change the keys without a restart; the ciphers themselves are kept.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def key_list() -> tuple[str, ...]:
    """The configured keys, newest first. Raises ``ImproperlyConfigured`` when there is none."""
    configured = getattr(settings, "FIELD_ENCRYPTION_KEY", None)
    keys = (configured,) if isinstance(configured, (str, bytes)) else tuple(configured or ())
    if not keys or not all(keys):
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEY must hold at least one key")
    return keys


@lru_cache(maxsize=8)
def _ciphers(keys: tuple[str, ...]) -> tuple[Fernet, ...]:
    try:
        return tuple(Fernet(key) for key in keys)
    except ValueError:
        # Not chained: the library's message could quote a piece of the key.
        raise ImproperlyConfigured("a key in FIELD_ENCRYPTION_KEY is not 32 base64 bytes") from None


@lru_cache(maxsize=8)
def _crypter(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet(_ciphers(keys))


def crypter() -> MultiFernet:
    """Encrypts under the newest key, decrypts under any."""
    return _crypter(key_list())


def newest() -> Fernet:
    """The newest key alone: what it opens needs no rotation."""
    return _ciphers(key_list())[0]

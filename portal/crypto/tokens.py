"""One value sealed as text: a Fernet token whose plaintext begins with the pinned name of its place.

Plaintext layout: one version byte (1), one byte length of the name, the name in ASCII, the value.
The name is checked on opening, so a token copied to another column does not open there.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import InvalidToken

from portal.crypto.keys import crypter
from portal.errors import PortalError

VERSION = 1
# How every Fernet token of this century starts: its version byte and the high bytes of the time.
TOKEN_START = "gAAAA"  # noqa: S105 - a public format mark


class DecryptionError(PortalError):
    """A stored value cannot be read: ``reason`` is ``key``, ``context`` or ``format``.

    Names the place, never the value or the token. Show "cannot be read" for that one value.
    """

    def __init__(self, context: str, reason: str) -> None:
        super().__init__(context, reason)
        self.context = context
        self.reason = reason

    def __str__(self) -> str:
        return f"the value of {self.context} cannot be read ({self.reason})"


@lru_cache(maxsize=1024)
def header(context: str) -> bytes:
    """The bytes before the value. ``context`` is 1 to 255 ASCII signs, else ``ValueError``."""
    name = context.encode("ascii")
    if not 1 <= len(name) <= 255:
        raise ValueError("an encryption context has 1 to 255 signs")
    return bytes((VERSION, len(name))) + name


def seal(payload: bytes, *, context: str) -> str:
    """A fresh token of ``payload`` for the place ``context``, under the newest key."""
    return crypter().encrypt(header(context) + payload).decode("ascii")


def unseal(token: str | bytes, *, context: str) -> bytes:
    """The payload of ``token``. Raises ``DecryptionError``; never gives anything else back."""
    try:
        plain = crypter().decrypt(token)
    except (InvalidToken, ValueError, TypeError):
        raise DecryptionError(context, "key") from None
    expected = header(context)
    if not plain.startswith(expected):
        raise DecryptionError(context, "context")
    return plain[len(expected) :]


def seal_text(text: str, *, context: str) -> str:
    """Like ``seal`` for text that lives outside an encrypted column (a library's own table, a form)."""
    return seal(text.encode("utf-8"), context=context)


def unseal_text(token: str, *, context: str) -> str:
    """Counterpart of ``seal_text``. Raises ``DecryptionError``."""
    return unseal(token, context=context).decode("utf-8")

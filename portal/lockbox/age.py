"""Sealing to age public keys: whoever seals cannot read. Any ``age`` program opens it later.

The web and worker processes hold public keys only; the private key ("identity") is kept apart
from the servers and given by hand to what must read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import pyrage
from django.core.exceptions import ImproperlyConfigured

from portal.errors import PortalError


class CannotOpen(PortalError):
    """The content is damaged, or sealed to another key."""


def seal(data: bytes, recipients: Sequence[str]) -> bytes:
    """``data`` sealed to every one of ``recipients`` (``age1…``).

    Raises ``ImproperlyConfigured`` for no recipient or one that is no public key.
    """
    return cast(bytes, pyrage.encrypt(data, _public(recipients)))


def seal_stream(source: BinaryIO, sink: BinaryIO, recipients: Sequence[str]) -> None:
    """As ``seal``, piece by piece: memory stays flat whatever the size.

    Raises ``OSError`` when the source cannot be read or the sink not written, as on a full disk.
    """
    keys = _public(recipients)
    try:
        pyrage.encrypt_io(source, sink, keys)
    except pyrage.EncryptError as error:
        raise OSError(str(error)) from error


def open(data: bytes, identity: str) -> bytes:
    """What was sealed. ``identity`` is a private key (``AGE-SECRET-KEY-1…``). Raises ``CannotOpen``."""
    try:
        return cast(bytes, pyrage.decrypt(data, [_private(identity)]))
    except pyrage.DecryptError:
        raise CannotOpen from None


def open_stream(source: BinaryIO, sink: BinaryIO, identity: str) -> None:
    """As ``open``, piece by piece. After ``CannotOpen`` throw away what ``sink`` has got."""
    try:
        pyrage.decrypt_io(source, sink, [_private(identity)])
    except pyrage.DecryptError:
        raise CannotOpen from None
    except OSError as error:
        # A damaged piece in mid-stream comes as an OSError without a number; a full disk has one.
        if error.errno is None:
            raise CannotOpen from None
        raise


def new_key_pair() -> tuple[str, str]:
    """A fresh ``(identity, recipient)``: keep the first away from the servers."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def identity_in(file: Path) -> str:
    """The first private key of a file as ``age-keygen`` writes it, comments left out. Raises ``CannotOpen``."""
    lines = [line.strip() for line in file.read_text().splitlines()] if file.is_file() else []
    for line in lines:
        if line.startswith("AGE-SECRET-KEY-"):
            return line
    raise CannotOpen(f"{file} holds no private key")


def _public(recipients: Sequence[str]) -> list[pyrage.x25519.Recipient]:
    if not recipients:
        raise ImproperlyConfigured("there is no public key to seal to")
    try:
        return [pyrage.x25519.Recipient.from_str(text) for text in recipients]
    except pyrage.RecipientError:
        raise ImproperlyConfigured("one of the public keys is not an age recipient") from None


def _private(identity: str) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(identity)
    except pyrage.IdentityError:
        raise CannotOpen from None

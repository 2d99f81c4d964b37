"""Write-once sealed storage: what is put is kept, unchanged, until its date.

Used by the archive, the audit digests, backups and the erasure ledger. Content is sealed by
the caller (``age.py``); a store sees only ciphertext. The folder store is the default; another
one, with the same promises, keeps objects under S3 Object Lock.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

from portal.errors import PortalError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*(/[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*)*")
MAX_NAME = 200


class LockboxError(PortalError):
    """Root of what a store refuses."""


class AlreadyKept(LockboxError):
    """There is something under this name; it is never overwritten."""


class NotKept(LockboxError):
    """There is nothing under this name and version."""


class NotDue(LockboxError):
    """It must be kept longer."""


class Damaged(LockboxError):
    """What was read back is not what was written."""


class BadName(LockboxError, ValueError):
    """Not a name that a store takes."""


class BadDate(LockboxError, ValueError):
    """A retention date in the past."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of what is kept. ``sha256`` in hex, ``size`` in bytes, kept through ``retain_until``."""

    name: str
    version: str
    sha256: str
    size: int
    retain_until: dt.date


@dataclass(frozen=True, slots=True)
class Listed:
    """One object as the store's own list shows it; ``size`` in bytes."""

    name: str
    version: str
    size: int


class Store(Protocol):
    """What every store promises."""

    def put(self, name: str, data: bytes | BinaryIO, retain_until: dt.date) -> Receipt:
        """Keep ``data``, read it back and compare, and return its receipt.

        Raises ``BadName``, ``BadDate``, ``AlreadyKept``, or ``Damaged`` when the read-back
        differs. After any of them the folder keeps nothing new; what a locked bucket damaged
        it cannot give up before its date.
        """

    def keep(self, fill: Callable[[BinaryIO], str], retain_until: dt.date) -> Receipt:
        """As ``put``, for content that is made while it is written: ``fill`` writes it and gives its name.

        Whatever ``fill`` raises comes out, and nothing is kept.
        """

    def together(self) -> AbstractContextManager[None]:
        """What is put inside is sure to last only when this has ended: many puts share one wait.

        After a power cut inside it, objects of this ``with`` may be missing or spoiled under their
        names: whoever uses it notes its receipts after the end, and meets ``AlreadyKept`` with care.
        """

    def open(self, name: str, version: str) -> BinaryIO:
        """A reader of the content; the caller closes it. Raises ``NotKept``."""

    def verify(self, name: str, version: str, sha256: str) -> bool:
        """True when the content is there and has this hash now."""

    def receipt(self, name: str, version: str) -> Receipt:
        """The receipt as given at ``put``. Raises ``NotKept``."""

    def names(self, prefix: str = "") -> Iterator[tuple[str, str]]:
        """Name and version of everything kept whose name starts with ``prefix``, sorted by name."""

    def listing(self, prefix: str = "") -> Iterator[Listed]:
        """As ``names``, with sizes: for counting the store against the rows."""

    def extend(self, name: str, version: str, until: dt.date) -> Receipt:
        """Keep it through ``until``. Raises ``BadDate`` for a day before its own, ``NotKept``."""

    def destroy(self, name: str, version: str) -> Receipt:
        """Remove what is past its date; returns what it was. Raises ``NotDue``, ``NotKept``."""

    def attacks(self, name: str, version: str) -> dict[str, bool]:
        """Try to delete, shorten and overwrite a kept object; True by deed where nothing came of it."""


def check_name(name: str) -> str:
    """The name, if a store takes it: lower-case words, digits, ``-_.``, parts joined by ``/``."""
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise BadName("names are lower-case words joined by slashes")
    return name


def lockbox() -> Store:
    """The store that the settings name (``LOCKBOX_STORE``)."""
    from django.conf import settings
    from django.utils.module_loading import import_string

    return cast(Store, import_string(settings.LOCKBOX_STORE).from_settings())

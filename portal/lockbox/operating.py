"""Commands that somebody types when something is wrong: what stopped them is said in words, without a traceback.

A traceback stays for what nobody foresaw: that is a fault of the product.
"""

from __future__ import annotations

import errno
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from portal.errors import DomainError, PortalError, StorageUnavailable
from portal.lockbox.age import CannotOpen
from portal.lockbox.store import AlreadyKept, Damaged, LockboxError, NotDue, NotKept

_STORE: tuple[tuple[type[LockboxError], str], ...] = (
    (NotKept, "the lockbox holds nothing of this name"),
    (AlreadyKept, "the lockbox holds something of this name already, and overwrites nothing"),
    (NotDue, "the lockbox keeps this longer"),
    (Damaged, "what lies in the lockbox is not what was put there"),
)
NO_TABLE = "42P01"
_DISK = {
    errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up", errno.EROFS: "the disk is read-only",
    errno.EACCES: "no permission", errno.EPERM: "no permission", errno.ENOENT: "there is no such file or folder",
}


class OperatorCommand(BaseCommand):
    """A command whose failures read like this: what could not be done, and what to do about it."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except (PortalError, OSError, OperationalError, psycopg.Error, ImproperlyConfigured) as error:
            raise CommandError(told(error)) from error
        except ProgrammingError as error:
            if getattr(error.__cause__, "sqlstate", "") != NO_TABLE:
                raise
            raise CommandError("this database has no tables of this release: is it the right one, migrated?") from error


def told(error: Exception) -> str:
    """One line for the operator. Names of files and hosts, never a password or a key."""
    if isinstance(error, DomainError):
        return error.message
    if isinstance(error, CannotOpen):
        return str(error) or "this private key does not open it: it is another key, or the content is damaged"
    if isinstance(error, StorageUnavailable):
        return f"{error or 'the store does not answer'}; nothing half done counts, so try again"
    if isinstance(error, LockboxError):
        words = next((f"{words}: " for kind, words in _STORE if isinstance(error, kind)), "")
        return f"{words}{error}"
    if isinstance(error, OSError):
        words = _DISK.get(error.errno or 0, error.strerror or "the disk cannot be read or written")
        return f"{words}: {error.filename}" if error.filename else words
    if isinstance(error, OperationalError | psycopg.Error):
        return _database(error)
    return str(error) or type(error).__name__


def _database(error: Exception) -> str:
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if isinstance(cause, psycopg.ProgrammingError) and cause.sqlstate is None:
        return "this is no address of a database: it looks like postgresql://name:password@host:5432/database"
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"the database says no: {first}"

"""The worker's side of any upload: what was received becomes what is kept, or a reason why not.

Each upload is claimed with a lease and a count, so it is never lost with a worker and never
tried for ever. In both end states the sealed upload is gone (originals are not kept).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.crypto import sealed
from portal.crypto.tokens import DecryptionError
from records.intake import files, scanner
from records.intake.models import Upload
from records.intake.receiving import UploadRefused
from records.intake.sandbox import SandboxLost
from records.intake.state import WAITING, UploadDeed, after

log = logging.getLogger(__name__)
U = TypeVar("U", bound=Upload)
U_contra = TypeVar("U_contra", bound=Upload, contravariant=True)

LEASE_MARGIN = timedelta(seconds=40)  # reading, sealing and writing, beyond the decoding itself
RETRY_AFTER = timedelta(seconds=15)
HELD_RETRY_AFTER = timedelta(seconds=60)


class Held(Exception):
    """The work cannot go on now, and the upload is not at fault: ``by`` is "store" or "scanner"."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


class Made(Protocol[U_contra]):
    """What ``make`` has written: ``names`` of the new files, and how they get onto the row."""

    @property
    def names(self) -> list[str]: ...

    def put_on(self, row: U_contra) -> None: ...


@dataclass(frozen=True)
class Worker(Generic[U]):
    """How one kind of upload is worked on.

    ``make`` turns (row, upload) into written files; it raises ``UploadRefused``, ``SandboxLost`` or
    ``Held``. ``seconds`` is the longest decoding, ``attempts`` how often one upload is tried.
    """

    model: type[U]
    make: Callable[[U, bytes], Made[U]]
    seconds: Callable[[], int]
    attempts: Callable[[], int]

    def process(self, ident: UUID) -> None:
        """Do the work of one upload if it is there to be done. Safe to call at any time, any number of times."""
        row = self._claim(ident)
        if row is None:
            return
        try:
            made = self.make(row, _opened(row))
        except UploadRefused as refused:
            self._refuse(row, refused.code)
        except SandboxLost:
            self._put_back(row, after_=RETRY_AFTER * row.attempts)
        except Held as held:
            log.warning("an upload waits: the %s did not answer", held.by)
            self._put_back(row, after_=HELD_RETRY_AFTER, held_by=held.by)
        else:
            self._finish(row, made)

    def sweep(self, *, seconds: float = 45) -> int:
        """Work through uploads whose nudge was lost or whose worker died; returns how many."""
        done, deadline = 0, time.monotonic() + seconds
        for ident in list(self._due().values_list("pk", flat=True)[:200]):
            if time.monotonic() > deadline:
                break
            self.process(ident)
            done += 1
        return done

    def _due(self) -> QuerySet[U]:
        free = Q(leased_until__isnull=True) | Q(leased_until__lt=timezone.now())
        return self.model._default_manager.filter(free, state__in=WAITING).order_by("received_at")

    def _claim(self, ident: UUID) -> U | None:
        with transaction.atomic():
            row = self._due().select_for_update(skip_locked=True, of=("self",)).filter(pk=ident).first()
            if row is None:
                return None
            if row.attempts >= self.attempts():
                _set_refused(row, "failed")
                return None
            row.state = after(row.state, UploadDeed.CLAIM)
            row.attempts += 1
            row.leased_until = timezone.now() + LEASE_MARGIN + timedelta(
                seconds=self.seconds() + settings.CLAMD_SECONDS
            )
            row.save(update_fields=["state", "attempts", "leased_until"])
            return row

    def _still_mine(self, row: U) -> U | None:
        """The row, locked, unless it was removed, or given to another worker after a lost lease."""
        rows = self.model._default_manager.select_for_update(of=("self",))
        return rows.filter(
            pk=row.pk, attempts=row.attempts, state=row.state, quarantine_name=row.quarantine_name
        ).first()

    def _finish(self, claimed: U, made: Made[U]) -> None:
        with transaction.atomic():
            row = self._still_mine(claimed)
            if row is not None:
                made.put_on(row)
                row.state, row.ready_at, row.held_by = after(row.state, UploadDeed.FINISH), timezone.now(), ""
                _give_up_upload(row)
                row.save()
        if row is None:
            files.drop(made.names)

    def _refuse(self, claimed: U, code: str) -> None:
        with transaction.atomic():
            row = self._still_mine(claimed)
            if row is not None:
                _set_refused(row, code)

    def _put_back(self, claimed: U, *, after_: timedelta, held_by: str = "") -> None:
        """Free the row for a later try; what is held by others doesn't use up its own tries."""
        with transaction.atomic():
            row = self._still_mine(claimed)
            if row is not None:
                row.state = after(row.state, UploadDeed.PUT_BACK)
                row.leased_until = timezone.now() + after_
                row.attempts -= 1 if held_by else 0
                row.held_by = held_by
                row.save(update_fields=["state", "leased_until", "attempts", "held_by"])


def write_all(parts: list[bytes], *, folder: str) -> list[sealed.SealedRef]:
    """Each part sealed in a file of its own; all or none. Raises ``Held``."""
    done: list[sealed.SealedRef] = []
    try:
        for part in parts:
            done.append(sealed.write(part, folder=folder))
    except Exception as error:  # a store may raise anything
        log.warning("a kept file could not be written: %s", type(error).__name__)
        files.drop([ref.name for ref in done])
        raise Held("store") from None
    return done


def _opened(row: Upload) -> bytes:
    """The upload as sent, after the virus scanner (where one is set) had no objection."""
    try:
        upload = sealed.read(row.quarantine_name, row.quarantine_key)
    except (DecryptionError, FileNotFoundError):
        raise UploadRefused("failed", "") from None
    except Exception as error:  # a store may raise anything
        log.warning("an upload could not be read: %s", type(error).__name__)
        raise Held("store") from None
    try:
        found = scanner.finds(upload)
    except scanner.ScannerDown:
        raise Held("scanner") from None
    if found:
        log.warning("the virus scanner refused an upload")
        raise UploadRefused("infected", "")
    return upload


def _set_refused(row: Upload, code: str) -> None:
    row.state, row.refusal_code, row.held_by = after(row.state, UploadDeed.REFUSE), code, ""
    _give_up_upload(row)
    row.save()


def _give_up_upload(row: Upload) -> None:
    files.drop_on_commit([row.quarantine_name])
    row.quarantine_name, row.quarantine_key, row.leased_until = "", None, None

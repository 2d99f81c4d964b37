"""Repeating erasures in a restored database, from the ledger in the lockbox (P39).

Every erasure leaves a row in the database and an entry in the ledger. A database that was restored
lacks the rows of the erasures since its backup; they are repeated before the site opens. A ledger
that cannot be read keeps the site closed: nobody knows then who would come back.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from portal.audit.models import Action, AuditDigest
from portal.audit.services import access_record
from portal.context import SYSTEM
from portal.errors import PortalError
from portal.evidence.services import evidence_record
from portal.lockbox.store import LockboxError, lockbox
from portal.permissions import Purpose
from portal.subjects import Subject
from privacy import ledger
from privacy.backups.models import ErasureDone, LedgerCheck
from privacy.dossier import erase_all
from privacy.models import RightsRequest
from privacy.requests.models import IdentityState
from privacy.requests.state import RequestState

_log = logging.getLogger(__name__)
EVIDENCE = "erasure.check"


class LedgerMissing(LockboxError):
    """What answers is not this clinic's lockbox: nobody knows then who was erased."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One erasure of the ledger."""

    request_id: UUID
    subject: Subject


def erasure_done(request_id: UUID, *, replayed: bool = False) -> None:
    """Note, in the erasing transaction, that this database has gone through it."""
    ErasureDone.objects.update_or_create(
        request_id=request_id, defaults={"done_at": timezone.now(), "replayed": replayed}
    )


def entries() -> Iterator[Entry]:
    """The ledger, voided entries left out. Raises the lockbox's errors, ``ValueError`` for a torn entry."""
    store = lockbox()
    found = dict(store.names(f"{ledger.FOLDER}/"))
    for name, version in found.items():
        if name.endswith(".void.json") or name.replace(".json", ".void.json") in found:
            continue
        with store.open(name, version) as file:
            told = json.loads(file.read())
        subject = Subject(
            UUID(told["subject_id"]), tuple(UUID(one) for one in told["account_ids"]),
            tuple(UUID(one) for one in told.get("former_ids", ())),
        )
        yield Entry(UUID(told["request_id"]), subject)


def whole_ledger() -> list[Entry]:
    """The whole ledger of this very clinic. Raises ``LedgerMissing``, and what ``entries`` raises.

    A folder that is not mounted, or another bucket, reads like a ledger that names nobody. So what this
    database knows to lie in the lockbox must lie there: each erasure that it has gone through, and the
    newest digest of its access log.
    """
    found = list(entries())
    done = set(ErasureDone.objects.values_list("request_id", flat=True))
    if lost := done - {entry.request_id for entry in found}:
        raise LedgerMissing(f"{len(lost)} erasures of this database are not in this lockbox's ledger: is it ours?")
    newest = AuditDigest.objects.order_by("-number").values_list("name", "version").first()
    if newest is not None and not any(version == newest[1] for _name, version in lockbox().names(newest[0])):
        raise LedgerMissing("this lockbox does not hold what this database put into it: is it ours, and mounted?")
    return found


def missing() -> list[Entry]:
    """Erasures of the ledger that this database has not gone through, those that are just running left out."""
    found = whole_ledger()
    done = set(ErasureDone.objects.values_list("request_id", flat=True))
    running = set(RightsRequest.objects.filter(state=RequestState.CARRYING_OUT).values_list("pk", flat=True))
    return [entry for entry in found if entry.request_id not in done | running]


def replay() -> int:
    """Erase again whoever the ledger names and this database still, or again, holds; returns how many entries.

    Also those that the backup caught half done. Killed anywhere, it is begun anew and ends the same.
    """
    found = whole_ledger()
    done = set(ErasureDone.objects.values_list("request_id", flat=True))
    count = 0
    for entry in found:
        if entry.request_id not in done:
            _repeat(entry)
            count += 1
    opened()
    return count


def _repeat(entry: Entry) -> None:
    with transaction.atomic():
        erase_all(entry.subject)
        # The request itself may be younger than the backup, or stand there as not carried out.
        RightsRequest.objects.filter(pk=entry.request_id).exclude(state=RequestState.COMPLETED).update(
            state=RequestState.COMPLETED, ended_at=timezone.now(), identity_state=IdentityState.CONFIRMED
        )
        access_record(
            by=SYSTEM, action=Action.ERASE, purpose=Purpose.LEGAL_DUTY, subject_id=entry.subject.subject_id,
            object_kind="privacy.request", object_id=entry.request_id, basis=f"ledger:{entry.request_id}",
        )
        erasure_done(entry.request_id, replayed=True)


def leftovers(subject: Subject) -> dict[str, int]:
    """Rows by model that an erasure would still find; empty when the person is gone. Changes nothing."""
    with transaction.atomic():
        found = erase_all(subject)
        transaction.set_rollback(True)
    return {model: count for model, count in found.items() if count}


def erased_check(*, most: int = 500) -> dict[str, int]:
    """Look whether the erased are still gone: all of them, or a sample of ``most``. Leaves evidence (P39)."""
    done = set(ErasureDone.objects.values_list("request_id", flat=True))
    known = [entry for entry in whole_ledger() if entry.request_id in done]
    looked_at = known if len(known) <= most else random.SystemRandom().sample(known, most)
    left = [entry for entry in looked_at if leftovers(entry.subject)]
    for entry in left:
        _log.error("something is left of the erasure of request %s", entry.request_id)
    facts = {"erasures": len(known), "looked_at": len(looked_at), "with_leftovers": len(left)}
    evidence_record(kind=EVIDENCE, passed=not left, facts=facts, valid_for=timedelta(hours=36))
    return facts


def database_name() -> str:
    """PostgreSQL's own name of this very database: cluster and number. A restored one has another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT system_identifier FROM pg_control_system()) || ':' ||"
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        [name] = cursor.fetchone()
    return str(name)


def may_open() -> bool:
    """True when this database was checked against the ledger, or is found complete now.

    Raises the lockbox's errors where the ledger cannot be read: then the site stays closed.
    """
    if LedgerCheck.objects.filter(database=database_name()).exists():
        return True
    if missing():
        return False
    opened()
    return True


def opens() -> bool:
    """True when pages and tasks may work on this database; says in the log why not."""
    if not settings.RESTORE_GATE:
        return True
    try:
        if may_open():
            return True
        _log.critical("stays closed: run manage.py erasures_replay; the database lacks erasures of the ledger")
    except LedgerMissing as error:
        _log.critical("stays closed: %s", error)
    except (PortalError, OSError, ValueError):
        _log.critical("stays closed: the erasure ledger cannot be read", exc_info=True)
    return False


def opened() -> None:
    """The ledger was read for this database and holds nothing that is still to be done."""
    LedgerCheck.objects.update_or_create(database=database_name(), defaults={"checked_at": timezone.now()})

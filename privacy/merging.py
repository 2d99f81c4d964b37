"""Making two records of one person one (B 19): looked at first, then done, in one transaction.

The dry run is the merge itself, rolled back: what it shows is what will happen. Both patients are
held in the order of their ids, so that of two merges at once, in whatever direction, one is done
and the other is told so. There is no way back: the counts of before are kept with the merge.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.apps import apps
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consults.models import Consult
from consults.services import draft_end
from consults.state import ConsultState
from portal.accounts.models import User
from portal.accounts.services import account_close_merged
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.errors import DomainError, NotVisible
from portal.evidence.services import evidence_record
from portal.permissions import Permission, Purpose, require
from portal.subjects import Subject
from privacy.dossier import merge_all, subject_of
from privacy.models import RequestKind, RightsRequest
from privacy.requests.state import OPEN, RequestState
from records.access import may_find
from records.changes import Basis, basis
from records.models import AccessGrant, GrantKind, Merge, Patient
from records.people.public_id import public_id_read

EVIDENCE = "records.merge"
REASON_LENGTH = 2000
LATE = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merge would do. ``moved`` counts rows by model; ``stops`` are sentences that forbid it."""

    moved: Mapping[str, int]
    drafts_removed: int
    accounts_closed: int
    survivor: UUID | None
    stops: tuple[str, ...]

    @property
    def by_app(self) -> list[tuple[str, list[tuple[str, int]]]]:
        """(app, [(what, how many)]) in plain names, for the page."""
        found: dict[str, list[tuple[str, int]]] = {}
        for label, count in sorted(self.moved.items()):
            table = apps.get_model(label)
            app = str(table._meta.app_config.verbose_name)
            found.setdefault(app, []).append((str(table._meta.verbose_name_plural), count))
        return sorted(found.items())


def merge_preview(*, by: Actor, old_id: UUID, new_id: UUID) -> MergePlan:
    """The merge, done and undone. Raises ``NotVisible`` and, where it cannot be at all, ``DomainError``."""
    _may(by)
    with transaction.atomic():
        old, new = _held(old_id, new_id)
        stops = _stops(old_id, new_id)
        plan = MergePlan({}, 0, 0, None, stops) if stops else _do(by, old, new)
        transaction.set_rollback(True)
    return plan


def records_merge(*, by: Actor, old_id: UUID, new_id: UUID, typed: str, reason: str) -> Merge:
    """Give everything of the old record to the new one, for good.

    ``typed`` is the number of the record that goes, as a person copied it. Raises ``NotVisible``,
    or ``DomainError``: ``same_record``, ``merged_already``, ``wrong_number``, ``reason_missing``,
    or ``not_now`` with the first sentence that forbids it.
    """
    _may(by)
    if not reason.strip() or len(reason) > REASON_LENGTH:
        raise DomainError("reason_missing", _("Write how you know that this is one person."), "reason")
    with transaction.atomic():
        old, new = _held(old_id, new_id)
        number = Patient.objects.values_list("public_id", flat=True).get(pk=old_id)
        if public_id_read(typed) != number:
            raise DomainError("wrong_number", _("This is not the number of the record that goes."), "typed")
        stops = _stops(old_id, new_id)
        if stops:
            raise DomainError("not_now", stops[0])
        plan = _do(by, old, new)
        merge = Merge.objects.create(
            old_id=old_id, new_id=new_id, old_public_id=number, merged_by=by.account, reason=reason.strip(),
            counts=dict(plan.moved),
        )
        for subject_id in (old_id, new_id):
            access_record(
                by=by, action=Action.MERGE, purpose=Purpose.OPERATIONS, subject_id=subject_id,
                object_kind="records.merge", object_id=merge.pk,
            )
        facts = {"rows": sum(plan.moved.values()), "accounts_closed": plan.accounts_closed}
        evidence_record(kind=EVIDENCE, passed=True, facts=facts, valid_for=dt.timedelta(days=365))
    return merge


def late_rows_move() -> int:
    """What was written under an old id in the moment of its merge goes the same way; returns how many rows."""
    moved = 0
    for merge in Merge.objects.filter(merged_at__gte=timezone.now() - LATE):
        moved += sum(merge_all(Subject(merge.old_id), Subject(merge.new_id)).values())
    return moved


def _may(by: Actor) -> None:
    require(by, Permission.RECORDS_MERGE)
    if not may_find(by=by, purpose=Purpose.OPERATIONS):
        raise NotVisible


def _held(old_id: UUID, new_id: UUID) -> tuple[Subject, Subject]:
    """Both persons, their rows locked in the order of ids."""
    if old_id == new_id:
        raise DomainError("same_record", _("This is one and the same record."))
    ids = sorted((old_id, new_id))
    there = set(Patient.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
    if len(there) == 2:
        return subject_of(old_id), subject_of(new_id)
    if Merge.objects.filter(old_id__in=set(ids) - there).exists():
        raise DomainError("merged_already", _("One of these records has been merged meanwhile. Look for it again."))
    raise NotVisible


def _stops(old_id: UUID, new_id: UUID) -> tuple[str, ...]:
    """Open requests decide first: a merge must not change what is being given out or deleted."""
    running = list(RightsRequest.objects.filter(subject_id__in=(old_id, new_id), state__in=OPEN))
    kinds = [row.kind for row in running]
    found = []
    if RequestKind.DELETION in kinds:
        found.append(_("One of them has asked for deletion. Answer that first."))
    if any(row.state == RequestState.CARRYING_OUT for row in running):
        found.append(_("A request of one of them is being carried out right now. Wait until it is done."))
    if len(set(kinds)) < len(kinds):
        found.append(_("Both have an open request of the same kind. Answer one of them first."))
    return tuple(found)


def _do(by: Actor, old: Subject, new: Subject) -> MergePlan:
    """Move everything; the caller holds both rows and decides whether it stays."""
    survivors = _own_accounts(new.subject_id)
    closing = [account for account in _own_accounts(old.subject_id) if account not in survivors]
    kept = Subject(new.subject_id, tuple(survivors), new.former_ids)
    drafts = _draft_of_both(old.subject_id, new.subject_id)
    with basis(Basis.ERROR_CORRECTION, by=by):
        moved = merge_all(old, kept)
    closed = 0
    if survivors:
        for account_id in closing:
            closed += account_close_merged(by=by, account_id=account_id, kept_id=survivors[0])
    return MergePlan(moved, drafts, closed, survivors[0] if survivors else None, ())


def _draft_of_both(old_id: UUID, new_id: UUID) -> int:
    """There is room for one unsent consult: that of the surviving record stays."""
    drafts = Consult.objects.filter(patient_id__in=(old_id, new_id), state=ConsultState.DRAFT)
    return draft_end(by=SYSTEM, patient_id=old_id) if drafts.count() == 2 else 0


def _own_accounts(patient_id: UUID) -> list[UUID]:
    """Open sign-ins that this record is "self" for, the oldest first."""
    grants = AccessGrant.objects.filter(patient_id=patient_id, kind=GrantKind.SELF, ends_at=None)
    ids = [account for account in grants.order_by("starts_at", "pk").values_list("account_id", flat=True) if account]
    usable = set(User.objects.filter(pk__in=ids, closed_at=None).values_list("pk", flat=True))
    return [account for account in ids if account in usable]

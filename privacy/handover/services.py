"""Beginning the export for a new owner, going on with it, and saying that it was handed over (P16)."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import pyrage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.jobs.models import Job, JobState
from portal.jobs.services import job_start
from portal.permissions import Permission, Purpose, require
from privacy.disclosing.models import Assignment
from privacy.handover import folder
from privacy.handover.making import KIND, MANIFEST, require_ready
from privacy.handover.models import Handover, HandoverPerson


def handover_start(*, by: Actor, assignment_id: UUID, recipient_key: str) -> Handover:
    """Begin the export to the new owner's age public key; the worker makes it, or ``assignment_export``.

    Begun once: asking again with the same key returns the one that is there. Raises ``NotVisible`` and
    ``DomainError``: ``key_missing``, ``key_private``, ``key_wrong``, ``key_other``, ``called_off``,
    ``undertaking_first``, ``patients_first``, ``too_early``.
    """
    require(by, Permission.REQUESTS_HANDLE)
    key = _checked(recipient_key)
    with transaction.atomic():
        assignment = Assignment.objects.select_for_update().filter(pk=assignment_id).first()
        if assignment is None:
            raise NotVisible
        require_ready(assignment)
        handover, made = Handover.objects.get_or_create(
            assignment=assignment,
            defaults={"recipient_key": key, "started_by": by.account, "started_at": timezone.now()},
        )
        if handover.recipient_key != key:
            raise DomainError("key_other", _("This export was begun with another key."), "recipient_key")
        if made:
            _job(by, handover)
            _logged(by, Action.CREATE, handover)
    return handover


def handover_go_on(*, by: Actor, handover_id: UUID) -> Handover:
    """Begin the work again: after it was given up, or when a deletion took a part back. Raises ``NotVisible``."""
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        handover = _locked(handover_id)
        require_ready(handover.assignment)
        at_work = [JobState.WAITING, JobState.RUNNING]
        running = handover.job_id is not None and Job.objects.filter(pk=handover.job_id, state__in=at_work).exists()
        if not running and handover.finished_at is None:
            handover.runs += 1
            _job(by, handover)
            _logged(by, Action.CHANGE, handover)
    return handover


def handover_passed(*, by: Actor, handover_id: UUID) -> Handover:
    """The new owner has the parts: they are removed here. Raises ``NotVisible``, ``DomainError`` ``not_finished``."""
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        handover = _locked(handover_id)
        if handover.finished_at is None:
            raise DomainError("not_finished", _("It is not all sealed yet."))
        if handover.passed_at is None:
            handover.passed_at, handover.passed_by = timezone.now(), by.account
            handover.save(update_fields=["passed_at", "passed_by"])
            names = [*handover.parts.values_list("name", flat=True), MANIFEST]
            transaction.on_commit(lambda: folder.remove(handover.pk, names), robust=True)
            _logged(by, Action.SEND, handover)
    return handover


def person_forget(subject_id: UUID) -> dict[str, int]:
    """Take a person out of every export, in the transaction of their deletion (P39). Safe to repeat.

    A part that still lies here goes with them: the others in it are sealed anew when the export goes on. What
    was handed over cannot be taken back (P41).
    """
    rows = HandoverPerson.objects.filter(subject_id=subject_id).select_related("handover", "part")
    removed = 0
    with transaction.atomic():
        for row in rows.select_for_update(of=("self",)):
            handover, part = row.handover, row.part
            if part is not None and handover.passed_at is None:
                transaction.on_commit(partial(folder.remove, handover.pk, [part.name, MANIFEST]), robust=True)
                Handover.objects.filter(pk=handover.pk).update(finished_at=None)
                part.delete()  # with the rows of everybody in it
            else:
                row.delete()
            removed += 1
    return {"privacy.HandoverPerson": removed} if removed else {}


def person_move(old_id: UUID, new_id: UUID) -> dict[str, int]:
    """Two records became one: what is not handed over yet is sealed anew, what was stands under the new id."""
    moved = 0
    for row in HandoverPerson.objects.filter(subject_id=old_id).select_related("handover"):
        if row.handover.passed_at is None:
            person_forget(new_id)
            person_forget(old_id)
        elif HandoverPerson.objects.filter(handover=row.handover, subject_id=new_id).exists():
            row.delete()
        else:
            HandoverPerson.objects.filter(pk=row.pk).update(subject_id=new_id)
        moved += 1
    return {"privacy.HandoverPerson": moved} if moved else {}


def _checked(text: str) -> str:
    """A public key of age, as the new owner gave it."""
    key = "".join(text.split())
    if not key:
        raise DomainError("key_missing", _("Give the new owner’s public key."), "recipient_key")
    if key.upper().startswith("AGE-SECRET-KEY-"):
        raise DomainError(
            "key_private", _("This is a private key. It must stay with the new owner: ask for the public one."),
            "recipient_key",
        )
    try:
        return str(pyrage.x25519.Recipient.from_str(key))
    except pyrage.RecipientError:
        raise DomainError(
            "key_wrong", _("This is no public key of age. It begins with “age1” and is 62 letters long."),
            "recipient_key",
        ) from None


def _locked(handover_id: UUID) -> Handover:
    rows = Handover.objects.select_for_update(of=("self",)).select_related("assignment")
    handover = rows.filter(pk=handover_id).first()
    if handover is None:
        raise NotVisible
    return handover


def _job(by: Actor, handover: Handover) -> None:
    job = job_start(
        by=by, kind=KIND, subject_id=None, ref=handover.pk, once_key=f"handover:{handover.pk}:{handover.runs}"
    )
    handover.job_id = job.pk
    handover.save(update_fields=["job_id", "runs"])


def _logged(by: Actor, action: Action, handover: Handover) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.MERGER, subject_id=None, object_kind="privacy.handover",
        object_id=handover.pk, basis=f"assignment:{handover.assignment_id}",
    )

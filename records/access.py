"""May this person open this patient, now, for this purpose? The one answer (P11, P21).

Every way to a thing asks here: page, file, ZIP, PDF, API, admin, task. A grant opens one patient
to one account (or, in the queue, to one role) from then until then; ``consults``, ``privacy`` and
``records.emergency`` open and close them. Which grant serves which purpose and role stands in
``RULES``. Every question names its purpose; there is no default.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import NotVisible
from portal.permissions import Purpose, Role
from records.freezing.selectors import frozen, frozen_of, is_frozen
from records.people.models import AccessGrant, GrantKind, GrantScope, Patient


@dataclass(frozen=True)
class Rule:
    """Who may hold a kind of grant, and for what it opens. ``whole`` is false for a preview."""

    roles: frozenset[Role]
    purposes: frozenset[Purpose]
    whole: bool = True


_FAMILY = frozenset({Role.PATIENT, Role.GUARDIAN})
_OWN = frozenset({Purpose.CARE, Purpose.COMMUNICATING, Purpose.TAILORING})

# In the order in which they are preferred when a person holds several.
RULES: dict[GrantKind, Rule] = {
    GrantKind.SELF: Rule(_FAMILY, _OWN),
    GrantKind.GUARDIAN: Rule(_FAMILY, _OWN),
    GrantKind.CARE_TEAM: Rule(
        frozenset({Role.CLINICIAN}), frozenset({Purpose.CARE, Purpose.COMMUNICATING, Purpose.SAFETY})
    ),
    GrantKind.REQUEST: Rule(frozenset({Role.OFFICER}), frozenset({Purpose.OPERATIONS, Purpose.LEGAL_DUTY})),
    GrantKind.REVIEW: Rule(frozenset({Role.CLINICIAN}), frozenset({Purpose.LEGAL_DUTY})),
    GrantKind.BREAK_GLASS: Rule(frozenset({Role.CLINICIAN}), frozenset({Purpose.CARE, Purpose.SAFETY})),
    GrantKind.QUEUE: Rule(frozenset({Role.CLINICIAN}), frozenset({Purpose.CARE}), whole=False),
}
# Who may look for a patient, and for what: a hit shows name and birth date, no more (RULES 1.43).
FINDERS: dict[Role, frozenset[Purpose]] = {
    Role.CLINICIAN: frozenset({Purpose.CARE, Purpose.SAFETY}),
    Role.OFFICER: frozenset({Purpose.OPERATIONS, Purpose.LEGAL_DUTY}),
}
# While a record is frozen (P47, P48): who still opens it, and who may look at it and do nothing.
UNFROZEN = frozenset({GrantKind.REQUEST})
LOOKS_AT_FROZEN = frozenset({GrantKind.SELF, GrantKind.GUARDIAN})
# What the portal's own tasks may do with it: keep it, and write the letters that the law demands.
PORTAL_FROZEN = frozenset({Purpose.LEGAL_DUTY, Purpose.COMMUNICATING})
# What the portal's own tasks do: prepare photos, write mails, archive and erase, pack for a new owner.
PORTAL_PURPOSES = frozenset(
    {Purpose.CARE, Purpose.OPERATIONS, Purpose.COMMUNICATING, Purpose.LEGAL_DUTY, Purpose.MERGER}
)


def may_open(
    *, by: Actor, patient_id: UUID, purpose: Purpose, whole: bool = False, looking: bool = False, rights: bool = False
) -> GrantKind | None:
    """The kind of grant that opens this patient to this actor for this purpose now, or None.

    One query. ``whole`` asks for more than the preview that a waiting case gives; ``looking`` says
    that nothing is done but looked, for which a guardian's view-only grant is enough (RULES 1.44);
    ``rights`` that somebody uses a right of theirs, which no freeze takes away (P47).
    The portal itself holds no grants: its tasks get ``GrantKind.PORTAL`` for the purposes of tasks.
    A frozen record opens to the officer who handles a request; its family may look and do nothing.
    """
    purpose = Purpose(purpose)
    if by.role == Role.SYSTEM:
        return GrantKind.PORTAL if _portal_may(purpose, patient_id) else None
    kinds = _kinds(by, purpose, whole=whole)
    if not kinds:
        return None
    grants = _current(by).filter(_unfrozen(looking=looking or rights), patient_id=patient_id, kind__in=kinds)
    if not looking:
        grants = grants.filter(scope=GrantScope.ACT)
    held = set(grants.values_list("kind", flat=True))
    return next((kind for kind in kinds if kind in held), None)


def require_open(
    *, by: Actor, patient_id: UUID, purpose: Purpose, whole: bool = False, looking: bool = False, rights: bool = False
) -> GrantKind:
    """As ``may_open``; raises ``NotVisible``, and leaves a trace of the refusal (P21)."""
    kind = may_open(by=by, patient_id=patient_id, purpose=purpose, whole=whole, looking=looking, rights=rights)
    if kind is None:
        _refused(by, patient_id, Purpose(purpose))
        raise NotVisible
    return kind


def may_find(*, by: Actor, purpose: Purpose) -> bool:
    """True when this member of staff may see name and birth date of search hits for this purpose.

    Each hit shown goes into the log as ``Action.SEARCH`` with the basis ``grant:search``
    (``GrantKind.SEARCH``, which is never a row): a hit opens nothing else.
    """
    return Purpose(purpose) in FINDERS.get(by.role, frozenset()) and by.account_id is not None


def grant_open(
    *,
    by: Actor,
    patient_id: UUID,
    kind: GrantKind,
    account_id: UUID | None = None,
    role: Role | str = "",
    reference: UUID | None = None,
    starts_at: dt.datetime | None = None,
    ends_at: dt.datetime | None = None,
    scope: GrantScope = GrantScope.ACT,
) -> AccessGrant:
    """Open a patient to an account, or to a role (the queue), from ``starts_at`` (now) on.

    ``reference`` is the consult or request it serves. Opening what is open already changes
    nothing and returns the grant that is there. Raises ``ValueError`` for a kind that cannot be
    given, or a grant to nobody.
    """
    kind = GrantKind(kind)
    if kind not in RULES:
        raise ValueError("this kind is no grant that somebody could hold")
    if (account_id is None) == (not role):
        raise ValueError("a grant names one account or one role")
    if role and kind is not GrantKind.QUEUE:
        raise ValueError("only the queue opens a patient to a role")
    if scope == GrantScope.VIEW and kind is not GrantKind.GUARDIAN:
        raise ValueError("only a guardian's grant may be to see only")
    now = timezone.now()
    with transaction.atomic():
        # Serialises two openings of the same grant; the constraint alone would abort the caller.
        Patient.objects.select_for_update(no_key=True).only("pk").get(pk=patient_id)
        same = {"patient_id": patient_id, "kind": kind, "account_id": account_id, "role": role, "reference": reference}
        there = AccessGrant.objects.filter(_running(now), **same).first()
        if there is not None and there.ends_at == ends_at and there.scope == scope:
            return there
        # A bounded grant that is opened anew takes the place of the one before it.
        AccessGrant.objects.filter(_running(now) | Q(ends_at=None), **same).update(
            ends_at=Greatest(F("starts_at"), now)
        )
        grant = AccessGrant.objects.create(
            **same, scope=scope, starts_at=starts_at or now, ends_at=ends_at, opened_by=by.account_id
        )
        _changed(by, Action.GRANT, grant)
    return grant


def grant_close(
    *,
    by: Actor,
    patient_id: UUID,
    kind: GrantKind,
    reference: UUID | None = None,
    account_id: UUID | None = None,
    at: dt.datetime | None = None,
) -> int:
    """End the grants of a kind at ``at`` (now); returns how many were still to end later.

    ``reference`` and ``account_id`` narrow it down where given. A moment to come lets a care team
    follow up; a grant never ends later than it would have.
    """
    end = at or timezone.now()
    with transaction.atomic():
        grants = AccessGrant.objects.select_for_update(no_key=True).filter(
            Q(ends_at=None) | Q(ends_at__gt=end), patient_id=patient_id, kind=kind
        )
        if reference is not None:
            grants = grants.filter(reference=reference)
        if account_id is not None:
            grants = grants.filter(account_id=account_id)
        found = list(grants)
        for grant in found:
            grant.ends_at = max(end, grant.starts_at)
            grant.save(update_fields=["ends_at"])
            _changed(by, Action.REVOKE, grant)
    return len(found)


def patients_of(account_id: UUID) -> list[UUID]:
    """Patients that this account uses the portal for: oneself first, then those looked after."""
    grants = AccessGrant.objects.filter(
        _running(timezone.now()), account_id=account_id, kind__in=[GrantKind.SELF, GrantKind.GUARDIAN]
    ).order_by("starts_at", "pk")
    rows = sorted(grants.values_list("kind", "patient_id"), key=lambda row: row[0] != GrantKind.SELF)
    return list(dict.fromkeys(patient_id for _kind, patient_id in rows))


def accounts_of(patient_id: UUID) -> list[UUID]:
    """Accounts that use the portal for this patient, their own first: where messages and mails go."""
    grants = AccessGrant.objects.filter(
        _running(timezone.now()), patient_id=patient_id, kind__in=[GrantKind.SELF, GrantKind.GUARDIAN]
    ).order_by("starts_at", "pk")
    rows = sorted(grants.values_list("kind", "account_id"), key=lambda row: row[0] != GrantKind.SELF)
    return list(dict.fromkeys(account for _kind, account in rows if account))


def usual_purpose(by: Actor) -> Purpose:
    """For what somebody looks at a page that people of several roles share."""
    return Purpose.LEGAL_DUTY if by.role == Role.OFFICER else Purpose.CARE


def visible_ids(by: Actor, *, purpose: Purpose) -> QuerySet[Any, Any]:
    """Ids of the patients that this actor may open now for this purpose, to ask for rows of theirs."""
    purpose = Purpose(purpose)
    if by.role == Role.SYSTEM:
        rows = Patient.objects.all() if purpose in PORTAL_PURPOSES else Patient.objects.none()
        return (rows if purpose in PORTAL_FROZEN else rows.exclude(frozen("pk"))).values("pk")
    kinds = _kinds(by, purpose, whole=False)
    return _current(by).filter(_unfrozen(looking=True), kind__in=kinds).values("patient_id")


def visible_patients(by: Actor, *, purpose: Purpose) -> QuerySet[Patient]:
    """Patients that this actor may open now for this purpose; for lists. Names stay closed."""
    return Patient.objects.filter(pk__in=visible_ids(by, purpose=purpose))


def kinds_by_patient(*, by: Actor, patient_ids: set[UUID], purpose: Purpose) -> dict[UUID, GrantKind]:
    """``may_open`` for many patients, in one query; who is missing may not be opened.

    For lists, which only look: a view-only grant is enough.
    """
    purpose = Purpose(purpose)
    if by.role == Role.SYSTEM:
        open_ = patient_ids if purpose in PORTAL_FROZEN else patient_ids - frozen_of(patient_ids)
        return dict.fromkeys(open_, GrantKind.PORTAL) if purpose in PORTAL_PURPOSES else {}
    kinds = _kinds(by, purpose, whole=False)
    grants = _current(by).filter(_unfrozen(looking=True), patient_id__in=patient_ids, kind__in=kinds)
    rows = set(grants.values_list("patient_id", "kind"))
    best: dict[UUID, GrantKind] = {}
    for kind in reversed(kinds):
        best.update({patient_id: kind for patient_id, held in rows if held == kind})
    return best


def _kinds(by: Actor, purpose: Purpose, *, whole: bool) -> list[GrantKind]:
    """Kinds of grant that serve this role and purpose, best first."""
    return [
        kind
        for kind, rule in RULES.items()
        if by.role in rule.roles and purpose in rule.purposes and (rule.whole or not whole)
    ]


def _unfrozen(*, looking: bool) -> Q:
    """A condition on grants: the record is not frozen, or the grant opens it all the same."""
    kinds = UNFROZEN | LOOKS_AT_FROZEN if looking else UNFROZEN
    return Q(kind__in=kinds) | ~Q(frozen())


def _portal_may(purpose: Purpose, patient_id: UUID) -> bool:
    return purpose in PORTAL_PURPOSES and (purpose in PORTAL_FROZEN or not is_frozen(patient_id))


def _running(now: dt.datetime) -> Q:
    return Q(starts_at__lte=now) & (Q(ends_at=None) | Q(ends_at__gt=now))


def _current(by: Actor) -> QuerySet[AccessGrant]:
    """Grants that run now for this account or its role. Nobody holds a grant without an account."""
    if by.account_id is None:
        return AccessGrant.objects.none()
    mine = Q(account_id=by.account_id) | Q(account_id=None, role=by.role)
    return AccessGrant.objects.filter(_running(timezone.now()) & mine)


def _changed(by: Actor, action: Action, grant: AccessGrant) -> None:
    access_record(
        by=by, action=action, purpose=Purpose.OPERATIONS, subject_id=grant.patient_id,
        object_kind="records.accessgrant", object_id=grant.pk, basis=f"grant:{grant.kind}",
    )


def _refused(by: Actor, patient_id: UUID, purpose: Purpose) -> None:
    """Somebody asked for what is not theirs. Made-up ids leave no subject in the log."""
    known = Patient.objects.filter(pk=patient_id).exists()
    access_record(
        by=by, action=Action.DENIED, purpose=purpose, subject_id=patient_id if known else None,
        object_kind="records.patient", object_id=patient_id if known else None,
    )

"""Finding the child that a guardian's report names, and freezing what was sent without a yes (P48).

Done by a task after the answer has gone out, so that the page takes as long for a child whom nobody
knows. A record is frozen by itself only where whole name and birth date are right, the person is a
minor and no guardian's yes is on record; whatever else was found waits for the officer's one press,
since a stranger who knows a patient's address must not be able to stop their care.
"""

from __future__ import annotations

import datetime as dt
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction

from portal.accounts.models import User
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM, Actor
from portal.crypto.fields import DecryptionError
from portal.dates import age_on, today
from portal.errors import NotVisible
from portal.permissions import Permission, Purpose, require
from privacy.incidents.report_models import IncidentReport, ReportKind
from privacy.incidents.state import OPEN_REPORTS
from records.access import patients_of
from records.people.models import AccessGrant, GrantKind
from records.people.search_models import SearchToken
from records.people.search_tokens import same_name_tokens


class Freezer(Protocol):
    """What freezes a record: ``records`` has it; called inside a transaction, twice is once."""

    def __call__(self, *, by: Actor, subject_id: UUID, reason: str) -> object: ...


_freezers: list[Freezer] = []


def freeze_with(freezer: Freezer) -> None:
    """Name what freezes a record; at start. ``reason`` is a code with the report's id."""
    if freezer not in _freezers:
        _freezers.append(freezer)


def freezes_due() -> int:
    """Look for the children of reports that came in; returns how many records were frozen. For task and sweep."""
    waiting = IncidentReport.objects.filter(freeze_at__isnull=False).values_list("pk", flat=True)
    return sum(report_freeze(report_id) for report_id in waiting)


def report_freeze(report_id: UUID) -> int:
    """Freeze what surely belongs to the report's child. Done twice, it changes nothing."""
    with transaction.atomic():
        report = (
            IncidentReport.objects.select_for_update(skip_locked=True)
            .filter(pk=report_id, freeze_at__isnull=False, state__in=OPEN_REPORTS).first()
        )
        if report is None:
            return 0
        found = surely(report)
        for subject_id in found:
            _freeze(SYSTEM, report, subject_id)
        report.freeze_at, report.frozen_ids = None, [str(one) for one in found]
        report.save(update_fields=["freeze_at", "frozen_ids"])
    return len(found)


def freeze_by_hand(*, by: Actor, report_id: UUID, subject_id: UUID) -> None:
    """The officer freezes a record that the report is about. Raises ``NotVisible`` for any other record."""
    require(by, Permission.REQUESTS_HANDLE)
    with transaction.atomic():
        report = IncidentReport.objects.select_for_update().filter(pk=report_id, state__in=OPEN_REPORTS).first()
        if report is None or subject_id not in perhaps(report):
            raise NotVisible
        if str(subject_id) not in report.frozen_ids:
            _freeze(by, report, subject_id)
            report.frozen_ids = [*report.frozen_ids, str(subject_id)]
            report.save(update_fields=["frozen_ids"])


def surely(report: IncidentReport) -> list[UUID]:
    """Records of a minor with this name and birth date, for whom no guardian has said yes."""
    name, born = _told(report)
    if report.kind != ReportKind.CHILD or not name or born is None or age_on(born, today()) >= settings.ADULT_AGE:
        return []
    found = _by_name(name, born)
    allowed = AccessGrant.objects.filter(patient_id__in=found, kind=GrantKind.GUARDIAN).values_list("patient_id")
    return sorted(found - {patient_id for (patient_id,) in allowed})


def perhaps(report: IncidentReport) -> list[UUID]:
    """Records that the officer may freeze for the report: by name and birth date, or by the sign-in's address."""
    name, born = _told(report)
    found = _by_name(name, born) if name and born else set()
    address = _read(report, "child_email")
    account = User.objects.filter(email=address.lower()).values_list("pk", flat=True).first() if address else None
    return sorted(found | set(patients_of(account) if account else []))


def _by_name(name: str, born: dt.date) -> set[UUID]:
    tokens = same_name_tokens(name, born)
    return set(SearchToken.objects.filter(token__in=tokens).values_list("patient_id", flat=True))


def _told(report: IncidentReport) -> tuple[str, dt.date | None]:
    try:
        return report.child_name, report.child_born
    except DecryptionError:
        return "", None


def _read(report: IncidentReport, field: str) -> str:
    try:
        return str(getattr(report, field))
    except DecryptionError:
        return ""


def _freeze(by: Actor, report: IncidentReport, subject_id: UUID) -> None:
    for freezer in _freezers:
        freezer(by=by, subject_id=subject_id, reason=f"report:{report.pk}")
    access_record(
        by=by, action=Action.REVOKE, purpose=Purpose.LEGAL_DUTY, subject_id=subject_id, object_kind="privacy.incident",
        object_id=report.pk, basis=f"report:{report.pk}",
    )

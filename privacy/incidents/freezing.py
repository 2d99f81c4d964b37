"""Finding the child that a guardian's report names, and freezing what was sent without a yes (P48).

Done by a task after the answer has gone out, so that the page takes as long for a child whom nobody
knows. Two facts must be right at once: the whole name, and either the birth date of a minor or the
address of the record's own sign-in (a child who pretends to be grown up has a false birth date
here). Where a guardian's yes is on record, and where one fact alone is right, the officer's press
decides. A freeze changes nothing and is lifted with one press (``records.freezing``).
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.conf import settings
from django.db import transaction

from portal.accounts.models import User
from portal.context import SYSTEM, Actor
from portal.crypto.fields import DecryptionError
from portal.dates import age_on, today
from portal.errors import NotVisible
from portal.permissions import Permission, require
from privacy.incidents.models import Step
from privacy.incidents.report_models import IncidentReport, ReportKind
from privacy.incidents.state import OPEN_REPORTS
from privacy.incidents.timeline import step_note
from records.freezing.models import FreezeReason
from records.freezing.services import freeze
from records.people.models import AccessGrant, GrantKind
from records.people.search_models import SearchToken
from records.people.search_tokens import has_name, same_name_tokens


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
    """Records to freeze at once: two facts are right, and no guardian has said yes."""
    name, born = _told(report)
    if report.kind != ReportKind.CHILD or not name:
        return []
    found = _by_name(name, born) if born and age_on(born, today()) < settings.ADULT_AGE else set()
    found |= {one for one in _by_address(report) if has_name(one, name)}
    allowed = AccessGrant.objects.filter(patient_id__in=found, kind=GrantKind.GUARDIAN).values_list("patient_id")
    return sorted(found - {patient_id for (patient_id,) in allowed})


def perhaps(report: IncidentReport) -> list[UUID]:
    """Records that the officer may freeze for the report: by name and birth date, or by the sign-in's address."""
    name, born = _told(report)
    return sorted((_by_name(name, born) if name and born else set()) | _by_address(report))


def _by_address(report: IncidentReport) -> set[UUID]:
    """Records that are the own ones of the sign-in with this address."""
    address = _read(report, "child_email")
    account = User.objects.filter(email=address.lower()).values_list("pk", flat=True).first() if address else None
    if account is None:
        return set()
    own = AccessGrant.objects.filter(account_id=account, kind=GrantKind.SELF, ends_at=None)
    return set(own.values_list("patient_id", flat=True))


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
    freeze(by=by, patient_id=subject_id, reason=FreezeReason.CHILD_REPORT, reference=report.pk)
    if report.incident is not None:
        step_note(by, report.incident, Step.FROZEN, subject_id=subject_id)

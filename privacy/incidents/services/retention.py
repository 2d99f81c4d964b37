"""The end of what is kept about reports and incidents: after six years, unless a hold stands (RULES 1.58, 3.13)."""

from __future__ import annotations

from uuid import UUID

from django.db import models, transaction

from portal.audit.append_only import RewriteReason, rewrite_allowed
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import SYSTEM
from portal.dates import today
from portal.permissions import Purpose
from privacy.incidents.models import Affected, Assessment, Incident, IncidentEvent, LawDelay
from privacy.incidents.notice_models import BreachNotice, DutyDone, NoticeText, PublicNotice
from privacy.incidents.report_models import IncidentReport
from privacy.incidents.state import IncidentState, ReportState
from privacy.keeping.models import LegalHold
from records.models import AccessGrant, GrantKind

# What points at something goes before what it points at.
PARTS: tuple[type[models.Model], ...] = (
    PublicNotice, DutyDone, BreachNotice, NoticeText, IncidentEvent, LawDelay, Affected, Assessment, IncidentReport,
)


def incidents_expire() -> dict[str, int]:
    """Remove incidents and reports past their last day, in one transaction each; returns how many of each.

    An incident that was opened anew is one story: none of it goes before all of it may. A hold on anybody
    who is concerned keeps it; it goes in the night after the hold has ended.
    """
    counts = {"incidents": 0, "reports": 0, "held": 0}
    old = Incident.objects.filter(state=IncidentState.CLOSED, keep_until__lt=today())
    while ids := [one for one in old.filter(followers=None).values_list("pk", flat=True) if not _held(one)]:
        for incident_id in ids:
            _incident_remove(incident_id)
            counts["incidents"] += 1
    reports = IncidentReport.objects.filter(incident=None, state=ReportState.ENDED, keep_until__lt=today())
    for report in reports:
        if _holds(_people([report])).exists():
            counts["held"] += 1
            continue
        with rewrite_allowed(IncidentReport, reason=RewriteReason.RETENTION):
            report.delete()
            _logged(report.pk)
        counts["reports"] += 1
    counts["held"] += old.count()
    return counts


def _held(incident_id: UUID) -> bool:
    concerned = Affected.objects.filter(incident_id=incident_id, subject_id__isnull=False).values("subject_id")
    reports = IncidentReport.objects.filter(incident_id=incident_id)
    return _holds(concerned).exists() or _holds(_people(reports)).exists()


def _holds(people: models.QuerySet[Affected, dict[str, UUID | None]] | set[UUID]) -> models.QuerySet[LegalHold]:
    return LegalHold.objects.filter(subject_id__in=people, released_at__isnull=True)


def _people(reports: models.QuerySet[IncidentReport] | list[IncidentReport]) -> set[UUID]:
    """Records that reports are about: frozen for them, or of whoever sent one, or of their child."""
    rows = list(reports)
    accounts = [row.account_id for row in rows if row.account_id is not None]
    own = AccessGrant.objects.filter(account_id__in=accounts, kind__in=[GrantKind.SELF, GrantKind.GUARDIAN])
    frozen = {UUID(str(one)) for row in rows for one in row.frozen_ids}
    return frozen | set(own.values_list("patient_id", flat=True))


def _incident_remove(incident_id: UUID) -> None:
    with transaction.atomic(), rewrite_allowed(Incident, *PARTS, reason=RewriteReason.RETENTION):
        for table in PARTS:
            table._default_manager.filter(incident_id=incident_id).delete()
        Incident.objects.filter(pk=incident_id).delete()
        _logged(incident_id)


def _logged(object_id: UUID) -> None:
    access_record(
        by=SYSTEM, action=Action.DELETE, purpose=Purpose.LEGAL_DUTY, subject_id=None, object_kind="privacy.incident",
        object_id=object_id, basis="retention",
    )

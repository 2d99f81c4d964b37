"""Tasks of incidents. Each is a nudge; the sweep finds the same work."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from privacy.incidents.freezing import freezes_due, report_freeze
from privacy.incidents.services.notifying import notices_due, notices_make, returns_note
from privacy.incidents.services.retention import incidents_expire
from privacy.incidents.services.watch import alarms_ring


@shared_task(name="privacy.incident_freeze")
def incident_freeze(report_id: str) -> None:
    """Look for the child of a report, and freeze what surely is theirs (P48)."""
    report_freeze(UUID(report_id))


@shared_task(name="privacy.incident_notices")
def incident_notices(incident_id: str) -> None:
    """Write the notices of a breach (RULES 3.6)."""
    notices_make(UUID(incident_id))


@shared_task(name="privacy.incidents_sweep")
def incidents_sweep() -> None:
    """What a lost nudge left: children to look for, notices to write, letters and mails that came back."""
    freezes_due()
    for incident_id in notices_due():
        notices_make(incident_id)
    returns_note()


@shared_task(name="privacy.incidents_watch")
def incidents_watch() -> None:
    """Ring the alarms of the legal clocks (RULES 3.5); what was kept its six years goes (RULES 1.58)."""
    alarms_ring()
    incidents_expire()

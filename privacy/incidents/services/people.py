"""Whose information was involved: by record, by name and address, or as a number (RULES 3.6 to 3.9)."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.context import Actor
from portal.dates import clinic_zone, today
from portal.errors import DomainError, NotVisible
from portal.permissions import Purpose
from privacy.incidents.clocks import bureaus_needed, stopped_until
from privacy.incidents.models import IDENTIFYING, Affected, Incident, Step
from privacy.incidents.selectors import residents, stops
from privacy.incidents.state import IncidentState
from privacy.incidents.timeline import incident_locked, said, step_note
from records.disclosures.models import DisclosureBasis
from records.disclosures.services import Entry, disclosures_record_many
from records.people.models import Patient

ADDRESS_LINES = range(2, 6)


def recount(incident: Incident) -> None:
    """Note the moment at which more than 500 Minnesotans were known of: 48 hours run from it (RULES 3.14)."""
    identifiers = bool(IDENTIFYING & set(incident.data_kinds))
    needed = bureaus_needed(residents(incident), identifiers=identifiers)
    moment = (incident.bureaus_from or timezone.now()) if needed else None
    if moment != incident.bureaus_from:
        incident.bureaus_from = moment
        incident.save(update_fields=["bureaus_from"])


def person_add(*, by: Actor, incident_id: UUID, subject_id: UUID, state: str) -> Affected:
    """Add a patient by record. Twice is once. Raises ``NotVisible`` when there is no such record."""
    with transaction.atomic():
        incident = incident_locked(by, incident_id)
        there = incident.affected.filter(subject_id=subject_id).first()
        if there is not None:
            return there
        if not Patient.objects.filter(pk=subject_id).exists():
            raise NotVisible
        try:
            with transaction.atomic():
                row = Affected.objects.create(incident=incident, subject_id=subject_id, state=state.upper())
        except IntegrityError:  # a second tab was faster
            return incident.affected.get(subject_id=subject_id)
        recount(incident)
        step_note(by, incident, Step.PEOPLE, _("One patient added."), subject_id=subject_id)
    return row


def stranger_add(*, by: Actor, incident_id: UUID, name: str, address: str, state: str) -> Affected:
    """Add somebody who has no record here, with the address for a letter where it is known."""
    who = said(name, _("Give the name."), "name")
    lines = [line.strip() for line in address.splitlines() if line.strip()]
    if lines and len(lines) not in ADDRESS_LINES:
        raise DomainError("address_lines", _("Write the address in two to five lines."), "address")
    with transaction.atomic():
        incident = incident_locked(by, incident_id)
        row = Affected.objects.create(incident=incident, name=who, address="\n".join(lines), state=state.upper())
        recount(incident)
        step_note(by, incident, Step.PEOPLE, _("One person without a record added."))
    return row


def count_add(*, by: Actor, incident_id: UUID, count: int, state: str) -> Affected:
    """Add a number of people who are not known one by one. Raises ``DomainError`` ``count_small``."""
    if count < 1:
        raise DomainError("count_small", _("Give a number of at least 1."), "count")
    with transaction.atomic():
        incident = incident_locked(by, incident_id)
        row = Affected.objects.create(incident=incident, count=count, state=state.upper())
        recount(incident)
        step_note(by, incident, Step.PEOPLE, _("%(count)d people of %(state)s added.") % {
            "count": count, "state": state.upper() or _("an unknown state"),
        })
    return row


def register_write(*, by: Actor, incident_id: UUID, recipient: str, what: str) -> int:
    """Put a breach into the register of each patient on the list: their accounting counts it (RULES 1.29).

    For what went outside, not for a look inside. Done again it adds only those who are new; returns how many.
    The patient reads the register: raises ``DomainError`` ``law_delay`` while nobody may be told (RULES 3.11).
    """
    with transaction.atomic():
        incident = incident_locked(by, incident_id, IncidentState.NOTIFYING)
        if stopped_until(stops(incident), today()):
            raise DomainError("law_delay", _("Law enforcement asked to wait. Nobody may be told before that is over."))
        day = incident.happened_on or incident.discovered_at.astimezone(clinic_zone()).date()
        there = Patient.objects.filter(pk__in=incident.affected.exclude(subject_id=None).values("subject_id"))
        entries = [
            Entry(
                subject_id=patient_id, purpose=Purpose.LEGAL_DUTY, basis=DisclosureBasis.MISTAKE, recipient=recipient,
                what=what, on=day, reference=incident.pk,
            )
            for patient_id in there.values_list("pk", flat=True)
        ]
        written = disclosures_record_many(by=by, entries=entries, once=True)
        step_note(by, incident, Step.NOTE, _("Written into the register of disclosures: %(count)d.") % {
            "count": len(written),
        })
    return len(written)


def person_remove(*, by: Actor, incident_id: UUID, affected_id: UUID, reason: str) -> None:
    """Take a line off the list again, with a reason. Raises ``DomainError`` ``notice_made`` once a notice was."""
    why = said(reason, _("Write down why."), "reason")
    with transaction.atomic():
        incident = incident_locked(by, incident_id)
        row = incident.affected.filter(pk=affected_id).first()
        if row is None:
            raise NotVisible
        if hasattr(row, "notice"):
            raise DomainError("notice_made", _("A notice has gone to this person. The line has to stay."))
        subject_id, count = row.subject_id, row.count
        row.delete()
        recount(incident)
        step_note(
            by, incident, Step.PEOPLE, _("%(count)d taken off the list.") % {"count": count} + f" {why}",
            subject_id=subject_id,
        )

"""Writing the timeline of an incident and the access log, and finding the incident to work on."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from privacy.incidents.models import Incident, IncidentEvent, Step
from privacy.incidents.state import IncidentState


def step_note(by: Actor, incident: Incident, step: Step, note: str = "", *, subject_id: UUID | None = None) -> None:
    """One line of the timeline, and its twin in the access log. In the caller's transaction."""
    IncidentEvent.objects.create(
        incident=incident, at=timezone.now(), actor_id=by.account_id, actor_role=by.role, step=step, note=note.strip()
    )
    access_record(
        by=by, action=Action.CREATE if step == Step.OPENED else Action.CHANGE, purpose=Purpose.ABUSE,
        subject_id=subject_id, object_kind="privacy.incident", object_id=incident.pk, basis=f"step:{step.value}",
    )


def incident_locked(by: Actor, incident_id: UUID, *states: IncidentState) -> Incident:
    """The incident, locked, when it stands in one of these states (any open one when none is named).

    Raises ``NotVisible``, and ``DomainError`` ``incident_state`` when it has moved on.
    """
    require(by, Permission.REQUESTS_HANDLE)
    incident = Incident.objects.select_for_update().filter(pk=incident_id).first()
    if incident is None:
        raise NotVisible
    if incident.state not in (states or (IncidentState.ASSESSING, IncidentState.NOTIFYING)):
        raise DomainError("incident_state", _("This incident has moved on. Reload the page to see where it stands."))
    return incident


def said(text: str, message: str, field: str) -> str:
    """The text without blanks around it. Raises ``DomainError`` ``words_missing`` on the field."""
    words = text.strip()
    if not words:
        raise DomainError("words_missing", message, field)
    return words

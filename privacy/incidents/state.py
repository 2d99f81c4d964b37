"""The states of a report and of an incident. An incident opens as a breach that is presumed (RULES 3.1)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.permissions import Role


class ReportState(models.TextChoices):
    """Where a report stands: all that whoever sent it can look up."""

    NEW = "new", _("We have your report")
    LOOKING = "looking", _("We are looking into it")
    ENDED = "ended", _("We have finished looking into it")


class ReportAction(models.TextChoices):
    """What moves a report."""

    TAKE = "take", _("Take it on")
    JOIN = "join", _("Make it an incident, or part of one")
    END = "end", _("Finish")


class IncidentState(models.TextChoices):
    """Where an incident stands."""

    ASSESSING = "assessing", _("Presumed to be a breach, until assessed")
    NOTIFYING = "notifying", _("A breach: people are being told")
    CLOSED = "closed", _("Closed")


class IncidentAction(models.TextChoices):
    """What moves an incident."""

    CLEAR = "clear", _("Close: not a breach")
    FIND = "find", _("It is a breach")
    CLOSE = "close", _("Close: all is done")


OFFICER = frozenset({Role.OFFICER})

REPORTS: dict[tuple[ReportState, ReportAction], ReportState] = {
    (ReportState.NEW, ReportAction.TAKE): ReportState.LOOKING,
    (ReportState.NEW, ReportAction.JOIN): ReportState.LOOKING,
    (ReportState.LOOKING, ReportAction.JOIN): ReportState.LOOKING,
    (ReportState.NEW, ReportAction.END): ReportState.ENDED,
    (ReportState.LOOKING, ReportAction.END): ReportState.ENDED,
}
INCIDENTS: dict[tuple[IncidentState, IncidentAction], IncidentState] = {
    (IncidentState.ASSESSING, IncidentAction.CLEAR): IncidentState.CLOSED,
    (IncidentState.ASSESSING, IncidentAction.FIND): IncidentState.NOTIFYING,
    (IncidentState.NOTIFYING, IncidentAction.CLOSE): IncidentState.CLOSED,
}
OPEN_REPORTS = (ReportState.NEW.value, ReportState.LOOKING.value)
OPEN_INCIDENTS = (IncidentState.ASSESSING.value, IncidentState.NOTIFYING.value)

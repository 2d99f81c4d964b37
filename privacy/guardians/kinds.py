"""What guardians ask, as kinds of request. They find them on one page of their own (``privacy:children``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.context import Actor
from privacy.denials.grounds import grounds_for
from privacy.guardians.services import delete_record, show_record, stop_using
from privacy.requests import deletion, panels
from privacy.requests.kinds import DELETION
from privacy.requests.models import RequestKind, RightsRequest
from privacy.requests.registry import KindRules, register
from records.freezing.selectors import running


def frozen_context(request: RightsRequest, by: Actor) -> Mapping[str, Any]:
    """Whether the record may not be used now, and since when."""
    rows = running().filter(patient_id=request.subject_id).defer("lift_note") if request.subject_id else []
    return {"freezes": list(rows)}


REVIEW = KindRules(
    RequestKind.GUARDIAN_REVIEW, due_days="GUARDIAN_DUE_DAYS", fulfil=show_record, answered=True,
    ask_page="privacy:children", for_anybody=True, wish=_("For parents and guardians"),
    wish_about=_("See your child’s record, have it deleted, or tell us to stop using it."), deed=_("Write the answer"),
    deed_about=_(
        "A guardian with a sign-in may then look at the record for some weeks. What the law lets the young person "
        "keep private stays hidden; say in the answer that there may be such things, never whether there are."
    ),
    grounds=grounds_for(RequestKind.GUARDIAN_REVIEW), refuse_page="admin:privacy_refuse",
)
REMOVAL = KindRules(
    RequestKind.GUARDIAN_DELETION, due_days="GUARDIAN_DUE_DAYS", fulfil=delete_record,
    stopped=deletion.deletion_stopped, grounds=grounds_for(RequestKind.GUARDIAN_DELETION),
    refuse_page="admin:privacy_refuse", sure=DELETION.sure,
    deed=DELETION.deed, deed_about=DELETION.deed_about,
    staff_panel="privacy/requests/_staff_deletion.html", staff_context=panels.deletion_staff_context,
    patient_panel="privacy/requests/_deletion.html", patient_context=panels.deletion_context,
)
STOP = KindRules(
    RequestKind.STOP_USING, due_days="STOP_USING_DUE_DAYS", fulfil=stop_using, at_once=True,
    staff_panel="privacy/guardians/_frozen.html", staff_context=frozen_context,
    patient_panel="privacy/guardians/_stopped.html", patient_context=frozen_context,
    deed=_("Stop using the record"),
    deed_about=_(
        "Open consults end and are paid back where nobody answered. The record is kept and nothing else is done with "
        "it until you say that it may be used again."
    ),
)


def register_kinds() -> None:
    """Called once at start."""
    for rules in (REVIEW, REMOVAL, STOP):
        register(rules)

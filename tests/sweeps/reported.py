"""Reports and incidents for the sweeps to point at, made through their own services."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from portal.accounts.models import SuspensionReason, User
from portal.accounts.suspending import account_suspend
from portal.dates import today
from portal.permissions import Role
from privacy.incidents.clocks import DutyKind
from privacy.incidents.models import DelayKind
from privacy.incidents.notice_models import PublicNotice
from privacy.incidents.report_models import ReportKind
from privacy.incidents.services import assessing, notifying, people
from tests.conftest import account
from tests.consults import building
from tests.incidents.building import PARTS, breach, opened_incident, reported


def things(officer: User, patient_id: UUID) -> dict[str, Any]:
    """Ids by the names of parts of addresses: an incident under assessment, one whose people are told, a report."""
    incident = opened_incident(officer)
    people.person_add(by=officer.actor, incident_id=incident.pk, subject_id=patient_id, state="MN")
    told = breach(officer, count=1)
    notifying.notice_write(by=officer.actor, incident_id=told.pk, values=PARTS)
    people.stranger_add(
        by=officer.actor, incident_id=told.pk, name="Lea Rao", address="5 Elm\nClear Lake, MN 55319", state="MN"
    )
    notifying.notices_send(by=officer.actor, incident_id=told.pk)
    notifying.notices_make(told.pk)
    asked = today() - dt.timedelta(days=50)
    assessing.delay_record(
        by=officer.actor, incident_id=told.pk, kind=DelayKind.ORAL, agency="Sheriff", starts_on=asked, until=None
    )
    notifying.duty_done(
        by=officer.actor, incident_id=told.pk, kind=DutyKind.HHS, done_on=today(), proof="Form 27"
    )
    posted = PublicNotice.objects.create(
        incident=told, toll_free="(800) 555-0100", starts_on=today(), ends_on=today() + dt.timedelta(days=89),
        put_up_by=officer.pk,
    )
    zoe = account("zoe@example.org", Role.PATIENT, "Zoe Marsh")
    hers = building.person(zoe, given="Zoe", family="Marsh")
    child = reported(ReportKind.CHILD, child_name="Somebody Else", child_email=zoe.email)
    stopped = account_suspend(
        by=officer.actor, account_id=zoe.pk, reason=SuspensionReason.THREATS, note="Wrote threats."
    )
    return {
        "incident_id": incident.pk, "affected_id": incident.affected.get().pk,
        "intake_id": child.pk,
        "subject_id": hers.pk, "year": today().year, "account_id": stopped.account_id, "stop_id": stopped.pk,
        "notice_id": told.notices.get().pk, "privacy:public_notice.notice_id": posted.pk,
        **{f"admin:incident_{page}.incident_id": told.pk for page in (
            "send", "returned", "reached", "person_reached", "post", "close",
        )},
        "admin:incident_person_reached.affected_id": told.affected.earliest("added_at").pk,
    }

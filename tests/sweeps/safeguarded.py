"""What the world has of the safeguards: a signed analysis and one being made, a decision, a sanction, a binder."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from portal.accounts.models import User
from portal.accounts.training import training_record
from portal.audit.reviews import month_before
from portal.audit.services import log_review_record
from portal.dates import today
from portal.jobs.runner import run_job
from privacy.safeguards import making, services
from privacy.safeguards.models import Risk


def things(officer: User, clinician: User) -> dict[str, Any]:
    """By the names of the parts of addresses."""
    former = services.analysis_start(by=officer.actor, scope="The portal")
    services.risk_add(
        by=officer.actor, analysis_id=former.pk, form_key=uuid4(), title="Lost phone", what="Left on a bus",
        likelihood=2, impact=3, measure="It locks itself", owner_id=clinician.pk, due_on=today(),
    )
    services.analysis_sign(by=officer.actor, analysis_id=former.pk)
    draft = services.analysis_start(by=officer.actor, scope="The portal and the office")
    services.decision_make(by=officer.actor, item="logoff", choice="done", reason="Ten minutes", form_key=uuid4())
    services.sanction_record(
        by=officer.actor, account_id=clinician.pk, on=today(), what="Looked without need", measure="talk",
        form_key=uuid4(),
    )
    log_review_record(
        by=officer.actor, month=month_before(today().replace(day=1)), finding="nothing", words="Went through all"
    )
    trained = training_record(by=officer.actor, account_id=clinician.pk, course="security", done_on=today())
    binder = making.binder_start(by=officer.actor, form_key=uuid4(), year=today().year)
    assert binder.job_id is not None
    run_job(binder.job_id)
    return {
        "analysis_id": draft.pk, "risk_id": Risk.objects.get(analysis=draft).pk, "item": "logoff",
        "month": today().month, "training_id": trained.pk, "binder_id": binder.pk,
    }

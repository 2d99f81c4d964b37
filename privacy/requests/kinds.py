"""The kinds of request that the engine's own room carries out: copies and deletion of the record."""

from __future__ import annotations

from uuid import uuid4

from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.context import Actor
from portal.jobs.services import job_start
from portal.permissions import Role
from privacy.requests import deletion, mails
from privacy.requests.models import DenialGround, RequestKind, RightsRequest
from privacy.requests.registry import Ground, KindRules, register


_GROUNDS_OF_DELETION = tuple(
    Ground(one.value, one.label, reviewable=one == DenialGround.IDENTITY) for one in DenialGround
)


def asker(request: RightsRequest) -> Actor:
    """Who asked, in the role of their account; a copy holds what this person may see."""
    assert request.account_id is not None
    role = User.objects.values_list("role", flat=True).filter(pk=request.account_id).first()
    return Actor(request.account_id, Role(role or Role.ANONYMOUS))


def copy_start(request: RightsRequest, by: Actor) -> None:
    """Start making the copy that the patient downloads (P31, P32)."""
    # A second try is a job of its own: the first one's key would find the job that failed.
    again = f":{uuid4().hex}" if request.job_id else ""
    job = job_start(
        by=asker(request), kind="privacy.copy", subject_id=request.subject_id, ref=request.pk,
        once_key=f"request:{request.pk}{again}",
    )
    request.job_id = job.pk
    request.save(update_fields=["job_id"])


def register_kinds() -> None:
    """Called once at start."""
    register(
        KindRules(
            RequestKind.ACCESS, due_days="ACCESS_DUE_DAYS", extension_days="ACCESS_EXTENSION_DAYS",
            extension_allowed="ACCESS_EXTENSION_ALLOWED", fulfil=copy_start, at_once=True, failed=mails.copy_delayed,
        )
    )
    register(
        KindRules(
            RequestKind.DELETION, due_days="DELETION_DUE_DAYS", fulfil=deletion.deletion_start,
            stopped=deletion.deletion_stopped,
            grounds=_GROUNDS_OF_DELETION,
            sure=_("I know that this cannot be undone"),
        )
    )

"""Publishing policy versions and recording agreements."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID, uuid4

from django.db import transaction

from portal.agreements.models import Agreement, AgreementContext, PolicyKind, PolicyVersion, Withdrawal
from portal.agreements.selectors import agreed_accounts, current
from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.permissions import Purpose

POLICIES = Path(__file__).parent / "policies"


def policies_publish() -> list[PolicyVersion]:
    """Make a row for every policy text on disk (``policies/<kind>/<yyyy-mm-dd>.html``).

    Idempotent. A text whose bytes changed after publishing raises ``ValueError``: a new
    version needs a new file (P03).
    """
    published = []
    for kind in PolicyKind:
        for file in sorted((POLICIES / kind.value).glob("*.html")):
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            row, created = PolicyVersion.objects.get_or_create(
                kind=kind, version=file.stem,
                defaults={"effective_on": dt.date.fromisoformat(file.stem), "sha256": digest},
            )
            if not created and row.sha256 != digest:
                raise ValueError(f"The text of {kind} {file.stem} changed after it was published.")
            published.append(row)
    return published


@transaction.atomic
def agreement_record(
    *, by: Actor, policies: Iterable[PolicyVersion], context: AgreementContext,
    reference: UUID | None = None, remote_address: str = "",
) -> None:
    """Record that the actor agreed to these versions (P01). Agreeing twice changes nothing."""
    if by.account_id is None:
        raise ValueError("Only an account can agree.")
    Agreement.objects.bulk_create(
        [
            Agreement(
                account_id=by.account_id, policy=policy, context=context,
                reference=reference, remote_address=remote_address,
            )
            for policy in policies
        ],
        ignore_conflicts=True,  # the same agreement on the same occasion is there already
    )


@transaction.atomic
def notices_by_email(*, by: Actor, wanted: bool, remote_address: str = "") -> bool:
    """Agree that legal notices may come by email, or take that back (RULES 3.6); returns whether it changed.

    Each "yes" is an agreement of its own to the version in force, each "no" its withdrawal.
    """
    kind = PolicyKind.ELECTRONIC_NOTICES
    if (by.account in agreed_accounts([by.account], kind)) == wanted:
        return False
    if wanted:
        agreement_record(
            by=by, policies=[current(kind)], context=AgreementContext.ACCOUNT, reference=uuid4(),
            remote_address=remote_address,
        )
    else:
        for agreement in Agreement.objects.filter(account_id=by.account, policy__kind=kind, withdrawal=None):
            Withdrawal.objects.create(agreement=agreement)
    access_record(
        by=by, action=Action.AGREE if wanted else Action.WITHDRAW, purpose=Purpose.TAILORING, subject_id=None,
        object_kind="agreements.agreement", object_id=by.account_id, basis=f"policy:{kind.value}",
    )
    return True

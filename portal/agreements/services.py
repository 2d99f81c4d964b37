"""Publishing policy versions and recording agreements."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from django.db import transaction

from portal.agreements.models import Agreement, AgreementContext, PolicyKind, PolicyVersion
from portal.context import Actor

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

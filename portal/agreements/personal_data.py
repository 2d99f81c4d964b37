"""What the agreements hold about a person: which text, when, on what occasion and where from."""

from __future__ import annotations

from typing import Any

from portal.agreements.models import Agreement, Withdrawal
from portal.audit.append_only import RewriteReason, rewrite_allowed
from portal.subjects import FieldClass, Subject

_POLICY = ("id", "kind", "version", "effective_on", "sha256", "published_at")
_OPERATIONAL = ("id", "account_id", "policy", "context", "reference", "agreed_at")
_WITHDRAWN = ("agreement", "withdrawn_at")
FIELDS: dict[str, dict[str, FieldClass]] = {
    "agreements.PolicyVersion": dict.fromkeys(_POLICY, FieldClass.OPERATIONAL),
    "agreements.Agreement": {
        **dict.fromkeys(_OPERATIONAL, FieldClass.OPERATIONAL),
        "remote_address": FieldClass.IDENTIFIER,
    },
    "agreements.Withdrawal": dict.fromkeys(_WITHDRAWN, FieldClass.OPERATIONAL),
}
CLEAR_TEXT: dict[str, str] = {
    **{f"agreements.PolicyVersion.{name}": "a published text of the clinic, about nobody" for name in _POLICY},
    **{
        f"agreements.Agreement.{name}": "opaque ids, an occasion and a time: needed to ask who agreed to what"
        for name in _OPERATIONAL
    },
    **{f"agreements.Withdrawal.{name}": "an opaque id and a time" for name in _WITHDRAWN},
}
RETAINED: dict[str, str] = {"agreements.PolicyVersion": "published texts stay readable (P03); they name no patient"}


def export_for(subject: Subject) -> dict[str, Any]:
    """What the person's accounts agreed to, oldest first."""
    rows = Agreement.objects.filter(account_id__in=subject.account_ids).select_related("policy", "withdrawal")
    rows = rows.order_by("agreed_at")
    return {
        "agreements": [
            {
                "policy": row.policy.kind,
                "version": row.policy.version,
                "effective_on": row.policy.effective_on.isoformat(),
                "occasion": row.context,
                "reference": str(row.reference or ""),
                "agreed_at": row.agreed_at.isoformat(),
                "remote_address": row.remote_address,
                "withdrawn_at": row.withdrawal.withdrawn_at.isoformat() if hasattr(row, "withdrawal") else "",
            }
            for row in rows
        ]
    }


def archive_for(subject: Subject) -> dict[str, Any]:
    """As exported, with the digest of each text, so that the very words can be proven later."""
    digests = Agreement.objects.filter(account_id__in=subject.account_ids).order_by("agreed_at")
    found = export_for(subject)
    for line, digest in zip(found["agreements"], digests.values_list("policy__sha256", flat=True), strict=True):
        line["policy_sha256"] = digest
    return found


def erase_for(subject: Subject) -> dict[str, int]:
    """Remove the agreements of the accounts, through the one way past the append-only trigger."""
    with rewrite_allowed(Agreement, Withdrawal, reason=RewriteReason.ERASURE):
        Withdrawal.objects.filter(agreement__account_id__in=subject.account_ids).delete()
        removed, _by_model = Agreement.objects.filter(account_id__in=subject.account_ids).delete()
    return {"agreements.Agreement": removed} if removed else {}


def merge_for(old: Subject, new: Subject) -> dict[str, int]:
    """Nothing: each says which account agreed, and the person keeps all their accounts, closed ones too."""
    return {}

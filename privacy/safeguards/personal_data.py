"""What the safeguards hold: about the clinic and its staff; a binder, for some days, about a request."""

from __future__ import annotations

from portal.subjects import FieldClass, Subject
from privacy.requests.models import RightsRequest
from privacy.safeguards.models import Binder
from records.intake.files import drop_on_commit

_O, _I = FieldClass.OPERATIONAL, FieldClass.IDENTIFIER
_ENCRYPTED: dict[str, tuple[str, ...]] = {
    "privacy.RiskAnalysis": ("scope",), "privacy.Risk": ("title", "what", "measure"), "privacy.RiskStep": ("words",),
    "privacy.Decision": ("reason",), "privacy.Sanction": ("what",),
}
_CLEAR: dict[str, tuple[str, ...]] = {
    "privacy.RiskAnalysis": ("id", "made_on", "made_by", "follows", "signed_by", "signed_at", "keep_until"),
    "privacy.Risk": (
        "id", "form_key", "analysis", "likelihood", "impact", "owner_id", "due_on", "carried_from", "added_at",
    ),
    "privacy.RiskStep": ("number", "risk", "state", "by_id", "at"),
    "privacy.Decision": ("number", "form_key", "item", "choice", "decided_by", "decided_at"),
    "privacy.Sanction": ("id", "form_key", "account_id", "role", "on", "measure", "decided_by", "recorded_at"),
    "privacy.Binder": (
        "id", "form_key", "request_id", "year", "asked_by", "asked_at", "job_id", "made_at", "name", "key", "size",
        "pages", "sha256", "expires_at",
    ),
}
FIELDS: dict[str, dict[str, FieldClass]] = {
    model: {**dict.fromkeys(names, _O), **dict.fromkeys(_ENCRYPTED.get(model, ()), _I)}
    for model, names in _CLEAR.items()
}
_WHY = "ids of staff, codes, days and numbers: found by lists and reminders; every sentence is encrypted"
CLEAR_TEXT: dict[str, str] = {
    f"{model}.{name}": _WHY for model, names in _CLEAR.items() for name in names if name != "key"
}
RETAINED: dict[str, str] = {
    "privacy.Sanction": "of staff, whose accounts are never erased: proof that a rule was kept (RULES 1.61)",
}


def erase_for(subject: Subject) -> dict[str, int]:
    """Binders of the person's requests go with their files: who received something stands in them."""
    requests = RightsRequest.objects.filter(subject_id=subject.subject_id).values("pk")
    rows = Binder.objects.filter(request_id__in=requests)
    drop_on_commit(list(rows.values_list("name", flat=True)))
    removed, _by_model = rows.delete()
    return {"privacy.Binder": removed} if removed else {}

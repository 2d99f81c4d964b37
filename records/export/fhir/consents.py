"""What the person agreed to, and when: Consent."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.urls import reverse

from portal.agreements.models import Agreement, PolicyKind
from records.export.fhir import codes
from records.export.fhir.base import Resource, concept, instant, organization_id, pruned, ref

SCOPES = {PolicyKind.TERMS_OF_SERVICE: codes.TREATMENT}
CATEGORIES = {PolicyKind.NOTICE_OF_PRIVACY_PRACTICES: codes.PRIVACY_PRACTICES}


def consent(patient_id: UUID, agreement: Agreement) -> Resource:
    """One agreement to one version of one text, which stays readable at its address (P03)."""
    kind = PolicyKind(agreement.policy.kind)
    page = reverse("pages:policy_version", args=[kind.value.replace("_", "-"), agreement.policy.version])
    return pruned(
        {
            "resourceType": "Consent",
            "id": str(agreement.pk),
            "status": "active",
            "scope": concept(SCOPES.get(kind, codes.PATIENT_PRIVACY)),
            "category": [concept(CATEGORIES.get(kind, codes.CONSENT_DOCUMENT), text=str(kind.label))],
            "patient": ref(patient_id),
            "dateTime": instant(agreement.agreed_at),
            "performer": [ref(patient_id)],
            "organization": [ref(organization_id())],
            "policy": [{"authority": settings.SITE_URL, "uri": f"{settings.SITE_URL}{page}"}],
        }
    )

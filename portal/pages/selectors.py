"""The words of the clinic's policies: fragments of HTML with the clinic's settings filled in.

They are files of the release (``portal/agreements/policies/<kind>/<yyyy-mm-dd>.html``), so
they are trusted like any template; which of them are in force is in ``agreements``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.template import Context, Template
from django.utils.safestring import SafeString

from portal.agreements.models import PolicyKind
from portal.agreements.services import POLICIES
from portal.context_processors import clinic_identity


@cache
def _template(kind: PolicyKind, version: str) -> Template:
    return Template((POLICIES / kind.value / f"{version}.html").read_text(encoding="utf-8"))


def policy_text(kind: PolicyKind, version: str) -> SafeString:
    """The text of a published version as HTML. ``version`` comes from a ``PolicyVersion`` row."""
    return _template(kind, version).render(Context({"clinic": clinic_identity(), **_numbers()}))


def _numbers() -> dict[str, Any]:
    """What the texts promise in numbers; all are settings, so text and software agree."""
    return {
        "site_url": settings.SITE_URL,
        "minimum_age": settings.MINIMUM_AGE,
        "adult_age": settings.ADULT_AGE,
        "unverified_hours": settings.UNVERIFIED_ACCOUNT_HOURS,
        "idle_minutes": settings.SESSION_PATIENT_IDLE_MINUTES,
        "draft_days": settings.DRAFT_EXPIRES_DAYS,
        "access_days": settings.ACCESS_DUE_DAYS,
        "deletion_days": settings.DELETION_DUE_DAYS,
        "export_days": settings.EXPORT_LIFE_DAYS,
        "adult_years": settings.RETENTION_ADULT_YEARS,
        "minor_until": settings.RETENTION_MINOR_UNTIL_AGE,
        "square_privacy_url": settings.SQUARE_PRIVACY_URL,
    }

"""The gate before sign-up: what is asked there is answered at once and kept nowhere (P02, P45, P46).

A person who passes carries a signed ticket that says "adult, agreed to these versions" and
nothing else. It is not kept on the server either.
"""

from __future__ import annotations

import datetime as dt
from enum import Enum
from uuid import UUID

from django.conf import settings
from django.core import signing

from portal.agreements.models import PolicyVersion
from portal.agreements.selectors import current_for_sign_up
from portal.dates import age_on, today

TICKET_SECONDS = 2 * 3600
_SALT = "accounts.gate"


class AgeAnswer(Enum):
    """What the age means for signing up."""

    TOO_YOUNG = "too_young"
    NEEDS_GUARDIAN = "needs_guardian"
    ADULT = "adult"


def age_answer(birth_date: dt.date) -> AgeAnswer:
    """By the clinic's calendar day; both ages are settings (RULES 4.12, 6.5)."""
    age = age_on(birth_date, today())
    if age < settings.MINIMUM_AGE:
        return AgeAnswer.TOO_YOUNG
    return AgeAnswer.ADULT if age >= settings.ADULT_AGE else AgeAnswer.NEEDS_GUARDIAN


def ticket_for(policies: list[PolicyVersion]) -> str:
    """A ticket for an adult who agreed to ``policies``; holds for two hours."""
    return signing.dumps({"adult": True, "policies": [policy.pk.hex for policy in policies]}, salt=_SALT)


def policies_of(ticket: str) -> list[PolicyVersion] | None:
    """The versions agreed to, or None when the ticket is false, old, or a newer text is in force."""
    try:
        content = signing.loads(ticket, salt=_SALT, max_age=TICKET_SECONDS)
    except signing.BadSignature:
        return None
    policies = current_for_sign_up()
    agreed = {UUID(hex=text) for text in content["policies"]}
    if content["adult"] is not True or agreed != {policy.pk for policy in policies}:
        return None
    return policies

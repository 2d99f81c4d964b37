"""A plan whose steps no key opens: the page says so. "Nothing to do" would be a wrong treatment."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from portal.accounts.models import User
from records.models import Plan
from tests.consults.building import answered


@pytest.mark.promise("S2")
def test_steps_that_cannot_be_read_are_never_shown_as_nothing_to_do(ana: User, clinician: User, as_: Any) -> None:
    consult = answered(ana, clinician)
    plan = Plan.objects.get(encounter_id=consult.encounter_id)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no history of a broken key
        cursor.execute("UPDATE records_plan SET morning = 'gAAAAAbroken' WHERE id = %s", [plan.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    for page in (reverse("consults:home"), reverse("consults:plan", args=[consult.pk])):
        text = as_(ana).get(page).content.decode()
        assert "These steps cannot be read right now." in text
        assert "Nothing in the morning." not in text

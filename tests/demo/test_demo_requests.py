"""The demo's desk of requests shows every state, and both sides can open each page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from portal.accounts.models import User
from portal.agreements.services import policies_publish
from portal.demo.clock import ago
from portal.demo.requests import SCENES, SKIPPED, seed_requests
from privacy.requests.models import RightsRequest
from privacy.requests.state import RequestState
from tests.consults import building

# What takes minutes of a worker's work, or has to wait for a job, is not seeded here.
ELSEWHERE = {RequestState.WAITING_FEE, RequestState.PARTLY}


@pytest.mark.django_db
def test_the_demo_has_a_request_in_each_state(
    ana: User, officer: User, as_: Callable[..., Client], settings: Any, tmp_path: Path
) -> None:
    settings.POKE_ENABLED, settings.LOCKBOX_DIR = False, tmp_path / "lockbox"
    policies_publish()
    User.objects.filter(pk=ana.pk).update(email="ana@demo.example")
    with ago(days=100):
        building.person(ana)
        for number in range(SKIPPED + len(SCENES)):
            user = User.objects.create_user(email=f"patient{number:02}@demo.example", role="patient", display_name="P")
            building.person(user)
    seed_requests()
    rows = list(RightsRequest.objects.all())
    assert {row.state for row in rows} == set(RequestState) - ELSEWHERE and len(rows) >= 12
    desk = as_(officer)
    assert desk.get("/admin/privacy/").status_code == 200
    for row in rows:
        assert desk.get(f"/admin/privacy/{row.pk}/").status_code == 200, row.state

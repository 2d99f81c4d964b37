"""The people and things of the sweeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from billing.models import Order
from portal.accounts.models import User
from portal.agreements.services import policies_publish
from tests.billing.conftest import events, order_of, paid, pay_at_square, standin
from tests.sweeps.world import World, build

__all__ = ["events", "order_of", "paid", "pay_at_square", "standin"]


@pytest.fixture
def people(
    ana: User, ben: User, guardian: User, clinician: User, other_clinician: User, support: User, officer: User,
    owner: User,
) -> dict[str, User | None]:
    """Every persona by name; the visitor is nobody."""
    return {
        "visitor": None, "ana": ana, "ben": ben, "guardian": guardian, "clinician": clinician,
        "other_clinician": other_clinician, "support": support, "officer": officer, "owner": owner,
    }


@pytest.fixture
def world(
    people: dict[str, User | None], events: list[bytes], paid: Callable[..., Order], settings: Any
) -> World:
    """One of everything, Ana's (``tests/sweeps/world.py``)."""
    settings.POKE_ENABLED = False
    policies_publish()
    return build(people, paid(people["ana"]), events[0])

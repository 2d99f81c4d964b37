"""What every test of the privacy desk stands on: policies in force, nobody to nudge, an empty lockbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from portal.accounts.models import User
from portal.agreements.services import policies_publish
from records.models import Patient
from tests.consults import building


@pytest.fixture(autouse=True)
def clinic(db: None, settings: Any, tmp_path: Path) -> None:
    settings.POKE_ENABLED = False
    settings.LOCKBOX_DIR = tmp_path / "lockbox"
    policies_publish()


@pytest.fixture
def anas(ana: User) -> Patient:
    """Ana's record, with nothing in it yet."""
    return building.person(ana)


@pytest.fixture
def bens(ben: User) -> Patient:
    return building.person(ben, given="Ben", family="Tran")

from __future__ import annotations

import pytest

from portal.accounts.models import User
from tests.records.building import Kept, filled, person


@pytest.fixture
def anas(ana: User, clinician: User) -> Kept:
    """Ana's record with one answered episode; ``clinician`` cares for her."""
    return filled(ana, clinician)


@pytest.fixture
def bens(ben: User, other_clinician: User) -> Kept:
    """Ben's record; ``other_clinician`` cares for him."""
    return filled(ben, other_clinician, patient=person(ben, given="Ben", family="Tran"))

"""The policies in force and nobody to nudge: what every consult of these tests stands on."""

from __future__ import annotations

from typing import Any

import pytest

from portal.agreements.services import policies_publish


@pytest.fixture(autouse=True)
def policies(db: None, settings: Any) -> None:
    settings.POKE_ENABLED = False
    policies_publish()

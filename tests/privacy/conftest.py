"""What every test of the privacy desk stands on: policies in force, nobody to nudge, an empty lockbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from portal.accounts.models import User
from portal.agreements.services import policies_publish
from records.models import Patient
from tests.consults import building

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.privacy.windows import Window


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


@pytest.fixture
def places(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store, a mirror and a lockbox of this test; commands that it starts find them too."""
    for name in ("sealed", "mirror", "lockbox"):
        monkeypatch.setenv(f"{name.upper()}_DIR", str(tmp_path / name))
    settings.SEALED_DIR, settings.MIRROR_DIR = tmp_path / "sealed", tmp_path / "mirror"
    settings.LOCKBOX_DIR = tmp_path / "lockbox"
    backend = "portal.crypto.storage.SealedFolder"
    settings.STORAGES = {
        **settings.STORAGES,
        "sealed": {"BACKEND": backend, "OPTIONS": {"location": str(tmp_path / "sealed")}},
        "mirror": {"BACKEND": backend, "OPTIONS": {"location": str(tmp_path / "mirror")}},
    }
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "portal.settings")
    monkeypatch.setenv("PORTAL_ENV", "development")
    for name in ("ARCHIVE_RECIPIENTS", "BACKUP_RECIPIENTS"):
        monkeypatch.setenv(name, ",".join(getattr(settings, name)))


@pytest.fixture
def window(chromium: Browser, live_server: Any, as_: Any) -> Iterator[Window]:
    """``window(ana, width=375)``; at the end nothing may have been blocked or have failed."""
    from tests.privacy.windows import windows  # only a browser test pays for a browser

    yield from windows(chromium, live_server, as_)

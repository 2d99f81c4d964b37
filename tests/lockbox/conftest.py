"""The two stores that keep the archive: the same tests hold for both."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.dates import today
from portal.lockbox.folder import FolderStore
from portal.lockbox.s3 import S3Store
from tests.lockbox import ministack


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    with ministack.running() as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its tries the library waits up to some seconds; here it need not."""
    from botocore.retries.standard import ExponentialBackoff

    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0.01)


@pytest.fixture
def s3(s3_server: str) -> S3Store:
    return S3Store(ministack.bucket(s3_server))


@pytest.fixture
def folder_store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "lockbox")


@pytest.fixture(params=["folder_store", "s3"])
def store(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


@pytest.fixture
def until() -> dt.date:
    return today() + dt.timedelta(days=7 * 365)

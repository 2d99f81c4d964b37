"""What all the scenes need: no nudges, the policies, a mail server that outlives the worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from portal.agreements.services import policies_publish
from portal.lockbox.s3 import S3Store
from portal.outbox import delivery
from tests.billing.conftest import pay_at_square, standin
from tests.lockbox import fake_s3, ministack
from tests.lockbox.conftest import s3_server
from tests.lockbox.fake_s3 import Proxy
from tests.outbox.server import MailServer
from tests.privacy.conftest import places

__all__ = ["pay_at_square", "places", "s3_server", "standin"]


@pytest.fixture
def quiet(settings: Any, transactional_db: None) -> None:
    """Nudges are lost here, so what is left undone is found by the sweeps or not at all."""
    settings.POKE_ENABLED = False
    policies_publish()
    cache.clear()


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    """A real SMTP server in this process: what a killed child sent stays received."""
    mail_server = MailServer()
    mail_server.start()
    settings.EMAIL_BACKEND = "portal.outbox.smtp.SmtpBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", mail_server.port, 3
    delivery.server_breaker.worked()
    yield mail_server
    mail_server.stop()


@pytest.fixture
def bad(s3_server: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The lockbox is a locked bucket behind a proxy that does as it is told."""
    from botocore.retries.standard import ExponentialBackoff

    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0.01)
    with fake_s3.proxy(s3_server) as state:
        address = ministack.bucket(s3_server)
        settings.LOCKBOX_STORE = "portal.lockbox.s3.S3Store"
        settings.LOCKBOX_S3_ENDPOINT, settings.LOCKBOX_S3_BUCKET = state.endpoint, address.bucket
        settings.LOCKBOX_S3_ACCESS_KEY, settings.LOCKBOX_S3_SECRET_KEY = "key", "secret"
        settings.LOCKBOX_S3_PREFIX, settings.LOCKBOX_S3_TIMEOUT_SECONDS = "clinic/", 1
        S3Store.from_settings().fit()
        yield state

"""What all the scenes need: no nudges, the policies, a mail server that outlives the worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from portal.agreements.services import policies_publish
from portal.outbox import delivery
from tests.billing.conftest import pay_at_square, standin
from tests.outbox.server import MailServer

__all__ = ["pay_at_square", "standin"]


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

"""Who acts. Services take an ``Actor``, never a request or a user row."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from portal.errors import NotVisible
from portal.permissions import STAFF_ROLES, Role


@dataclass(frozen=True, slots=True)
class Actor:
    """An account (by id) in its role; ``account_id`` is None for the portal and for visitors."""

    account_id: UUID | None
    role: Role

    @property
    def account(self) -> UUID:
        """The acting account's id. Raises ``NotVisible`` for the portal itself and for visitors."""
        if self.account_id is None:
            raise NotVisible
        return self.account_id

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES


SYSTEM = Actor(None, Role.SYSTEM)
ANONYMOUS = Actor(None, Role.ANONYMOUS)

# The id of the web request or task at work, for log lines and audit rows. Opaque.
request_id: ContextVar[str] = ContextVar("request_id", default="")

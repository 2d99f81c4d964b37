"""Sessions whose content is sealed.

During sign-up and second-factor set-up a session holds codes and secrets, and allauth keeps a
form there while it asks for the password again. A dump of the database must not give them away.
"""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from portal.crypto.tokens import DecryptionError, seal, unseal

_CONTEXT = "sessions.Session.session_data"


class SessionStore(DatabaseStore):
    """The database store with the field keys around its content.

    A session that no key opens is an empty one: the person signs in again.
    """

    def encode(self, session_dict: dict[str, Any]) -> str:
        return seal(self.serializer().dumps(session_dict), context=_CONTEXT)

    def decode(self, session_data: str | bytes) -> dict[str, Any]:
        try:
            content: dict[str, Any] = self.serializer().loads(unseal(session_data, context=_CONTEXT))
        except (DecryptionError, ValueError):
            return {}
        return content

"""The receipt code with which somebody without a name looks up how their report stands.

It comes from the form's own key, so that five presses show one code, and it is kept as a keyed hash.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac

from records.people.public_id import SIGNS

LENGTH = 12
_MAKE, _KEEP = "privacy.incidents.code", "privacy.incidents.code.hash"


def code_for(form_key: UUID) -> str:
    """Twelve signs out of 31 (59 bits) that belong to this press of the form; without dashes."""
    number = int.from_bytes(salted_hmac(_MAKE, str(form_key), algorithm="sha256").digest(), "big")
    signs = []
    for _place in range(LENGTH):
        number, sign = divmod(number, len(SIGNS))
        signs.append(SIGNS[sign])
    return "".join(signs)


def code_shown(code: str) -> str:
    """As people read it: ``K7Q2-M4XD-9RTA``."""
    return "-".join(code[at : at + 4] for at in range(0, LENGTH, 4))


def code_read(text: str) -> str:
    """What somebody typed, without dashes and blanks, in capitals."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


def code_hash(code: str) -> str:
    """The hash under today's secret, as kept."""
    return str(salted_hmac(_KEEP, code, algorithm="sha256").hexdigest())


def code_hashes(code: str) -> list[str]:
    """The hashes under today's and former secrets, to look one up."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [str(salted_hmac(_KEEP, code, secret=secret, algorithm="sha256").hexdigest()) for secret in secrets]

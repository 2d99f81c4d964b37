"""The number that a patient can say on the phone: random, short, with a sign that catches slips.

It opens nothing and proves nothing; it only tells two people of one name apart. Seven random
signs of 31 (27 thousand million numbers) and one check sign. No 0, O, 1, I or L: nobody has to
ask which. 31 is prime and the weights differ, so any one wrong sign and any two signs swapped
are noticed.
"""

from __future__ import annotations

import secrets

SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 8


def public_id_new() -> str:
    """A fresh number, as stored: eight signs without the dash."""
    body = "".join(secrets.choice(SIGNS) for _ in range(LENGTH - 1))
    return body + _check_sign(body)


def public_id_shown(public_id: str) -> str:
    """As people read it: ``K7Q2-M4XD``."""
    return f"{public_id[:4]}-{public_id[4:]}" if public_id else ""


def public_id_read(text: str) -> str | None:
    """What somebody typed, as stored; None where it is no such number or has a slip in it."""
    signs = "".join(sign for sign in text.upper() if sign.isalnum())
    if len(signs) != LENGTH or any(sign not in SIGNS for sign in signs):
        return None
    return signs if signs[-1] == _check_sign(signs[:-1]) else None


def _check_sign(body: str) -> str:
    total = sum(weight * SIGNS.index(sign) for weight, sign in enumerate(body, start=2))
    return SIGNS[-total % len(SIGNS)]

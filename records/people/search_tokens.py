"""From a patient's words to keyed hashes, kept with the row they belong to (P05)."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import combinations
from uuid import UUID

from django.conf import settings

from portal.crypto.fields import DecryptionError
from records.people import search_words as words
from records.people.models import Patient
from records.people.search_models import SearchToken, TokenKind

# A new way of folding needs a new number here, and `manage.py search_rebuild`.
VERSION = b"search-1:"
PAIRED_WORDS = 6
Row = tuple[UUID, int]


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return hashlib.sha256(VERSION + secret.encode()).digest()


def token_of(kind: TokenKind, word: str, *, secret: str | None = None) -> UUID:
    """The keyed hash of one word of one kind, under the newest key unless another is named."""
    message = bytes([kind]) + word.encode("utf-8", "surrogatepass")
    key = _key(settings.SEARCH_HMAC_KEY[0] if secret is None else secret)
    return UUID(bytes=hmac.digest(key, message, "sha256")[:16])


def tokens_under_all_keys(kind: TokenKind, word: str) -> list[UUID]:
    """While `search_rebuild` runs after a change of keys, a row may stand under either."""
    return [token_of(kind, word, secret=secret) for secret in settings.SEARCH_HMAC_KEY]


def pair_word(first: str, second: str) -> str:
    """Two words of a name as one word, whichever comes first."""
    return "\n".join(sorted((first, second)))


def _name_and_birth(name: str, born: str) -> str:
    return f"{born}\nname\n{name}"


def same_name_tokens(name: str, born: dt.date) -> list[UUID]:
    """The hashes under which somebody with this whole name and this birth date stands, in any order of words."""
    whole = " ".join(sorted({"".join(parts) for parts in words.chunks(name)}))
    return tokens_under_all_keys(TokenKind.SAME_PERSON, _name_and_birth(whole, born.isoformat())) if whole else []


def has_name(patient_id: UUID, name: str) -> bool:
    """True when this name has two words or more, and all of them are whole words of the patient's. Opens nothing."""
    wanted = sorted({"".join(parts) for parts in words.chunks(name)})[:PAIRED_WORDS]
    held = SearchToken.objects.filter(patient_id=patient_id)
    pairs = list(combinations(wanted, 2))
    return bool(pairs) and all(
        held.filter(token__in=tokens_under_all_keys(TokenKind.NAME_PAIR, pair_word(*pair))).exists() for pair in pairs
    )


def tokens_write(patient: Patient) -> int:
    """Bring the tokens of this patient in line with its row; returns how many were changed.

    Called in the transaction that saves the row. A value that cannot be read keeps the tokens
    it has: the person stays findable by what was known.
    """
    wanted, unknown = tokens_wanted(patient)
    there = set(SearchToken.objects.filter(patient_id=patient.pk).values_list("token", "kind"))
    stale = {token for token, kind in there - wanted if kind not in unknown}
    fresh = [
        SearchToken(token=token, patient_id=patient.pk, kind=kind) for token, kind in sorted(wanted - there)
    ]
    if stale:
        SearchToken.objects.filter(patient_id=patient.pk, token__in=stale).delete()
    if fresh:
        SearchToken.objects.bulk_create(fresh)
    return len(stale) + len(fresh)


def tokens_wanted(patient: Patient) -> tuple[set[Row], set[TokenKind]]:
    """The tokens of a row, and the kinds that cannot be told since a value cannot be read."""
    found: set[Row] = set()
    unknown: set[TokenKind] = set()
    for kinds, make in _MAKERS:
        try:
            found.update((token_of(kind, word), int(kind)) for kind, word in make(patient))
        except DecryptionError:
            unknown.update(kinds)
    return found, unknown


def _of_name(patient: Patient) -> Iterator[tuple[TokenKind, str]]:
    whole = words.name_words(patient.given_name, patient.family_name)
    for start in {start for word in whole for start in words.beginnings(word)}:
        yield TokenKind.NAME, start
    for first, second in combinations(sorted(_single_words(patient))[:PAIRED_WORDS], 2):
        yield TokenKind.NAME_PAIR, pair_word(first, second)


def _single_words(patient: Patient) -> set[str]:
    return {"".join(parts) for name in (patient.given_name, patient.family_name) for parts in words.chunks(name)}


def _of_birth_date(patient: Patient) -> Iterator[tuple[TokenKind, str]]:
    yield TokenKind.BIRTH_DATE, str(patient.birth_date)


def _of_phone(patient: Patient) -> Iterator[tuple[TokenKind, str]]:
    for number in words.phone_numbers(patient.phone):
        yield TokenKind.PHONE, number


def _of_address(patient: Patient) -> Iterator[tuple[TokenKind, str]]:
    for word in words.address_words(*map(str, patient.address.values())):
        yield TokenKind.ADDRESS, word


def _of_same_person(patient: Patient) -> Iterator[tuple[TokenKind, str]]:
    """Whoever shares one of these may be the same person: the whole name, or the phone, and the birth date."""
    born = str(patient.birth_date)
    name = " ".join(sorted(_single_words(patient)))
    if name:
        yield TokenKind.SAME_PERSON, _name_and_birth(name, born)
    phone = words.phone_number(patient.phone)
    if len(phone) >= 7:
        yield TokenKind.SAME_PERSON, f"{born}\nphone\n{phone[-7:]}"


_MAKERS: list[tuple[tuple[TokenKind, ...], Callable[[Patient], Iterator[tuple[TokenKind, str]]]]] = [
    ((TokenKind.NAME, TokenKind.NAME_PAIR), _of_name),
    ((TokenKind.BIRTH_DATE,), _of_birth_date),
    ((TokenKind.PHONE,), _of_phone),
    ((TokenKind.ADDRESS,), _of_address),
    ((TokenKind.SAME_PERSON,), _of_same_person),
]

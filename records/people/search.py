"""Looking for a patient by hashed words: as fast among a million as among ten thousand.

The rarest word leads, and no more than ``RARE`` of its rows are ever read; each is then asked for
the other words by index. Words so common that even the rarest of them has more rows go by
pairs of whole words of a name. So the work is bounded by constants, never by the clinic's size.
Nothing here opens a name: ids go in and out, and ``records.vault`` shows what may be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from portal.dates import today
from records.people import search_words as words
from records.people.models import Patient
from records.people.public_id import public_id_read
from records.people.search_models import Merge, SearchToken, TokenKind
from records.people.search_tokens import pair_word, tokens_under_all_keys

RARE = 500
MOST_WORDS = 8
_TABLE = SearchToken._meta.db_table
_COUNT = f"(SELECT %s AS place, count(*) FROM (SELECT 1 FROM {_TABLE} WHERE token = ANY(%s) LIMIT %s) AS few)"  # noqa: S608
_LEAD = f"SELECT DISTINCT patient_id FROM (SELECT patient_id FROM {_TABLE} WHERE token = ANY(%s) LIMIT %s) AS few"  # noqa: S608
# LIMIT inside LATERAL: one look into the index a row, whatever the planner believes about the word.
_ALSO = (
    f" JOIN LATERAL (SELECT 1 FROM {_TABLE} AS w WHERE w.token = ANY(%s)"  # noqa: S608
    " AND w.patient_id = lead.patient_id LIMIT 1) AS also{place} ON true"
)


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a search found. With ``too_many`` nobody is told; ``common`` asks for a rarer word."""

    ids: tuple[UUID, ...] = ()
    too_many: bool = False
    common: bool = False


@dataclass(frozen=True, slots=True)
class _Term:
    """One thing that was typed: any of its tokens will do. ``word`` is empty for dates and phones."""

    tokens: tuple[UUID, ...]
    word: str = ""


def find(text: str) -> Found:
    """Patients for whom every typed word is true: names or their beginnings, birth date, phone, address, number.

    The order of the words, accents, case, hyphens and apostrophes make no difference. A patient
    number stands alone; the number of a record that was merged leads to the one it went into.
    """
    text = text[: settings.SEARCH_MAX_SIGNS]
    numbered = _by_number(text)
    if numbered is not None:
        return Found((numbered,))
    facts, rest = _facts(text)
    for variant in _variants(words.chunks(rest)[:MOST_WORDS]):
        terms = [*facts, *map(_word_term, variant)]
        found = _match(terms) if terms else Found()
        if found != Found():
            return found
    return Found()


def current_id(patient_id: UUID) -> UUID:
    """The record that this one went into by merging, however many merges ago; else itself."""
    seen = {patient_id}
    while True:
        target = Merge.objects.filter(old_id=patient_id).values_list("new_id", flat=True).first()
        if target is None or target in seen:
            return patient_id
        patient_id = target
        seen.add(target)


def subject_ids(patient_id: UUID) -> list[UUID]:
    """The ids under which this person was ever known, today's first: for the access log (P21)."""
    ids = [patient_id]
    layer = [patient_id]
    while layer:
        layer = list(Merge.objects.filter(new_id__in=layer).exclude(old_id__in=ids).values_list("old_id", flat=True))
        ids += layer
    return ids


def _by_number(text: str) -> UUID | None:
    number = public_id_read(text)
    if number is None:
        return None
    found = Patient.objects.filter(public_id=number).values_list("pk", flat=True).first()
    if found is not None:
        return found
    merged = Merge.objects.filter(old_public_id=number).values_list("new_id", flat=True).first()
    return current_id(merged) if merged else None


def _facts(text: str) -> tuple[list[_Term], str]:
    """Dates and phone numbers in what was typed, as terms, and the words that are left."""
    days, rest = words.dates_in(text, today=today())
    phones, rest = words.phones_in(rest)
    facts = [(TokenKind.BIRTH_DATE, day.isoformat()) for day in days]
    facts += [(TokenKind.PHONE, number) for number in phones]
    return [_Term(tuple(tokens_under_all_keys(kind, word))) for kind, word in facts], rest


def _variants(parted: Sequence[tuple[str, ...]]) -> Iterator[list[str]]:
    """As typed; then with compound words taken apart; then with two neighbours written as one."""
    typed = ["".join(parts) for parts in parted]
    yield typed
    apart = [part for parts in parted for part in parts][:MOST_WORDS]
    if apart != typed:
        yield apart
    for place in range(len(typed) - 1):
        yield [*typed[:place], typed[place] + typed[place + 1], *typed[place + 2:]]


def _word_term(word: str) -> _Term:
    named = tokens_under_all_keys(TokenKind.NAME, word)
    housed = tokens_under_all_keys(TokenKind.ADDRESS, words.address_word(word))
    return _Term((*named, *housed), word)


def _match(terms: Sequence[_Term]) -> Found:
    """Ids for which each term holds; at most ``SEARCH_MAX_HITS``."""
    most = settings.SEARCH_MAX_HITS
    counts = _counted([term.tokens for term in terms])
    if not all(counts):
        return Found()
    if len(terms) == 1 and counts[0] > most:
        # One word may stand twice for one patient, as name and as street: count people.
        return _told(_led(terms[0].tokens, [], len(terms[0].tokens) * (most + 1)))
    place = min(range(len(terms)), key=counts.__getitem__)
    if counts[place] <= RARE:
        others = [term.tokens for at, term in enumerate(terms) if at != place]
        return _told(_led(terms[place].tokens, others, RARE + 1))
    return _by_pair(terms)


def _by_pair(terms: Sequence[_Term]) -> Found:
    """Every word is common: whole words of a name in pairs are rarer. Beginnings are not tried here."""
    named = [(at, term.word) for at, term in enumerate(terms) if term.word]
    pairs = [
        (tuple(tokens_under_all_keys(TokenKind.NAME_PAIR, pair_word(first, second))), {at, other})
        for (at, first), (other, second) in combinations(named, 2)
    ]
    counts = _counted([tokens for tokens, _places in pairs]) if pairs else []
    rare = [(count, at) for at, count in enumerate(counts) if 0 < count <= RARE]
    if not rare:
        return Found(too_many=True, common=True)
    tokens, places = pairs[min(rare)[1]]
    found = _told(_led(tokens, [term.tokens for at, term in enumerate(terms) if at not in places], RARE + 1))
    return found if found.too_many else Found(found.ids, common=True)


def _told(ids: list[UUID]) -> Found:
    return Found(too_many=True) if len(ids) > settings.SEARCH_MAX_HITS else Found(tuple(ids))


def _counted(token_sets: Iterable[Iterable[UUID]]) -> list[int]:
    """Rows a set of tokens, counted no further than just past ``RARE``; one statement for all."""
    parts = [(place, list(tokens), RARE + 1) for place, tokens in enumerate(token_sets)]
    sql = " UNION ALL ".join([_COUNT] * len(parts))
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for part in parts for value in part])
        return [count for _place, count in sorted(cursor.fetchall())]


def _led(tokens: Iterable[UUID], others: Sequence[Iterable[UUID]], most_rows: int) -> list[UUID]:
    """Ids in at most ``most_rows`` rows of the leading tokens that hold all the others too."""
    sql, values = led_query(tokens, others, most_rows)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [patient_id for (patient_id,) in cursor.fetchall()]


def led_query(
    tokens: Iterable[UUID], others: Sequence[Iterable[UUID]], most_rows: int
) -> tuple[str, list[Any]]:
    """The statement itself, for its plan to be looked at. One more than can be shown is asked for."""
    joins = "".join(_ALSO.format(place=place) for place in range(len(others)))
    sql = f"WITH lead AS MATERIALIZED ({_LEAD}) SELECT lead.patient_id FROM lead{joins} LIMIT %s"  # noqa: S608
    return sql, [list(tokens), most_rows, *map(list, others), settings.SEARCH_MAX_HITS + 1]

"""Looking for a patient: among 1,000,000 against among 10,000, words and hits of the same kind.

Both sets stand in one database, in a schema each, so that they are measured in turn. The rows are
made in SQL: real hashes of made-up names that share beginnings and are as unequally common as
names are (the commonest one is borne by one in fifty), birth dates, streets, towns and codes.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from tests.bench.row import BenchRow

NEEDS_DATABASE = True
SMALL, BIG = 10_000, int(os.environ.get("BENCH_PATIENTS", "1000000"))
GIVEN, FAMILY, STREETS, TOWNS = 3_000, 30_000, 5_000, 300
SYLLABLES = [
    "ma", "ri", "an", "na", "lo", "ka", "te", "so", "ni", "be", "da", "el", "jo", "ha", "mi", "ro", "sa", "lu", "vi",
    "ta",
]
FIRST_DAY, DAYS = dt.date(1930, 1, 1), 28_000
_ACCOUNT = UUID(int=0xBE7C4)


def rows() -> list[BenchRow]:
    from django.conf import settings

    from tests.bench.row import settled

    settings.SEARCHES_PER_HOUR = 10_000_000  # the limit is not what is measured
    person = _fill()
    wanted = {
        "a name and a birth date": f"{person['given']} {person['family']} {person['born']}",
        "two of the commonest names": f"{_name(0)} {_name(GIVEN)}",
        "beginnings and a street": f"{person['given'][:4]} {person['family'][:4]} {person['street']}",
        "a phone number": person["phone"],
        "a word that too many bear": _name(0),
    }
    return [settled(lambda words=words, what=what: _row(what, words)) for what, words in wanted.items()]


def _row(what: str, words: str) -> BenchRow:
    from tests.bench.row import BenchRow, alternate

    low, high = alternate(_searching("small", words), _searching("big", words), rounds=15)
    hits = _searching("big", words)()
    return BenchRow(
        f"search by {what}", f"among {SMALL:,}", low * 1000, high * 1000, high / low, 2.0, "ms",
        f"among {BIG:,}; {hits} shown there",
    )


def _searching(schema: str, words: str) -> Callable[[], int]:
    """Five searches: access, trace, hashes, hints and the names of the hits, as the page does them."""
    from django.db import connection

    from portal.context import Actor
    from portal.permissions import Purpose, Role
    from records.vault import search_patients

    by = Actor(_ACCOUNT, Role.CLINICIAN)

    def run() -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path = {schema}, public")
        try:
            return [len(search_patients(by=by, text=words, purpose=Purpose.CARE).hits) for _ in range(5)][-1]
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SET search_path = public")

    return run


def _name(number: int) -> str:
    """Made of syllables: many names share a beginning, none is another's."""
    count = len(SYLLABLES)
    parts = [SYLLABLES[number % count], SYLLABLES[number // count % count], SYLLABLES[number // count**2 % count]]
    return "".join([*parts, SYLLABLES[number // count**3 % count]]) + "xyz"[number % 3]


def _fill() -> dict[str, str]:
    """Both sets; the small one is the beginning of the big one. Returns one person who is in both."""
    from django.db import connection

    from records.models import Merge, Patient, SearchToken, ToldApart
    from records.people.search_tokens import token_of

    Patient.objects.create(
        given_name="Ana", family_name="Okafor", birth_date=dt.date(1970, 4, 4), phone="(320) 555-0142",
        address={"street": "12 Elm Road", "city": "Clear Lake", "state": "MN", "postal_code": "55319"},
    )
    with connection.cursor() as cursor:
        _dictionary(cursor, token_of)
        for schema, count in (("small", SMALL), ("big", BIG)):
            cursor.execute(f"CREATE SCHEMA {schema}")
            for table in (Patient, SearchToken, ToldApart, Merge):
                name = table._meta.db_table
                what = "DEFAULTS" if table is SearchToken else "ALL"
                cursor.execute(f"CREATE UNLOGGED TABLE {schema}.{name} (LIKE public.{name} INCLUDING {what})")
            _people(cursor, schema, count)
            _tokens(cursor, schema)
            _known_pair(cursor, schema, token_of)
            cursor.execute(f"CREATE UNIQUE INDEX search_token_once ON {schema}.records_searchtoken (token, patient_id)")
            cursor.execute(f"CREATE INDEX search_patient ON {schema}.records_searchtoken (patient_id, kind)")
            cursor.execute(f"VACUUM ANALYZE {schema}.records_searchtoken")
            cursor.execute(f"VACUUM ANALYZE {schema}.records_patient")
        return _somebody(cursor, token_of)


def _dictionary(cursor: Any, token_of: Callable[..., UUID]) -> None:
    """The hashes of all words that occur, so that a million people need no hashing in Python."""
    from records.people.search_models import TokenKind
    from records.people.search_words import address_words, beginnings

    cursor.execute("CREATE UNLOGGED TABLE words (part text, number int, token uuid, kind smallint)")
    given = ((_name(number), "name", number) for number in range(GIVEN + FAMILY))
    found: list[tuple[str, int, UUID, int]] = []
    for name, part, number in given:
        found += [(part, number, token_of(TokenKind.NAME, word), TokenKind.NAME) for word in beginnings(name)]
    for number in range(DAYS):
        day = FIRST_DAY + dt.timedelta(days=number)
        found.append(("day", number, token_of(TokenKind.BIRTH_DATE, day.isoformat()), TokenKind.BIRTH_DATE))
    places = {"street": (_street, STREETS), "town": (_town, TOWNS), "zip": (lambda n: str(55_000 + n), 900)}
    for part, (write, count) in places.items():
        for number, word in ((n, w) for n in range(count) for w in address_words(write(n))):
            found.append((part, number, token_of(TokenKind.ADDRESS, word), TokenKind.ADDRESS))
    with cursor.copy("COPY words (part, number, token, kind) FROM STDIN") as copy:
        for row in found:
            copy.write_row(row)
    cursor.execute("CREATE INDEX ON words (part, number)")
    cursor.execute("ANALYZE words")


def _street(number: int) -> str:
    return f"{_name(number + 500)} Road"


def _town(number: int) -> str:
    return f"{_name(number + 900)}ville"


def _people(cursor: Any, schema: str, count: int) -> None:
    """Rows with sealed values of the sample; who is who is kept beside them. Steep: names are."""
    cursor.execute("SELECT setseed(0.5)")
    cursor.execute(
        f"""
        CREATE UNLOGGED TABLE {schema}.who AS
        SELECT number, md5('patient'||number)::uuid AS id, floor({GIVEN} * power(random(), 5))::int AS given,
               {GIVEN} + floor({FAMILY} * power(random(), 5))::int AS family,
               floor({DAYS} * random())::int AS day, floor({STREETS} * random())::int AS street,
               floor({TOWNS} * power(random(), 2))::int AS town, floor(900 * random())::int AS zip
        FROM generate_series(1, {count}) AS number
        """
    )
    cursor.execute(
        f"""
        INSERT INTO {schema}.records_patient
        SELECT (jsonb_populate_record(NULL::public.records_patient, to_jsonb(sample) || jsonb_build_object(
            'id', who.id, 'public_id', translate(lpad(number::text, 8, '0'), '01', 'AB')))).*
        FROM {schema}.who, (SELECT * FROM public.records_patient LIMIT 1) AS sample
        """
    )


def _tokens(cursor: Any, schema: str) -> None:
    target = f"INSERT INTO {schema}.records_searchtoken (token, patient_id, kind)"
    parts = [
        ("name", "given"), ("name", "family"), ("day", "day"), ("street", "street"), ("town", "town"), ("zip", "zip"),
    ]
    cursor.execute(f"CREATE SEQUENCE {schema}.numbers")
    cursor.execute(f"ALTER TABLE {schema}.records_searchtoken ALTER id SET DEFAULT nextval('{schema}.numbers')")
    for part, column in parts:
        cursor.execute(
            f"{target} SELECT words.token, who.id, words.kind FROM {schema}.who "
            f"JOIN words ON words.part = %s AND words.number = who.{column} ", [part],
        )
    hashed = {  # kind: what is hashed; these are looked for by value only where _known_pair says so
        3: "'phone'||number", 5: "'pair'||given||' '||family", 6: "'same'||given||' '||family||' '||day",
    }
    for kind, source in hashed.items():
        cursor.execute(f"{target} SELECT md5({source})::uuid, id, {kind} FROM {schema}.who")
    cursor.execute(f"{target} SELECT md5('seven'||number)::uuid, id, 3 FROM {schema}.who")
    cursor.execute(f"{target} SELECT md5('bornphone'||day||number)::uuid, id, 6 FROM {schema}.who")
    cursor.execute(f"{target} SELECT md5('house'||number % 400)::uuid, id, 4 FROM {schema}.who")
    # A name may share its beginning with the other name of the same person: one token, once.
    cursor.execute(
        f"DELETE FROM {schema}.records_searchtoken AS one USING (SELECT min(id) AS id, token, patient_id "
        f"FROM {schema}.records_searchtoken WHERE kind IN (1, 4) GROUP BY token, patient_id "
        "HAVING count(*) > 1) AS kept "
        "WHERE one.token = kept.token AND one.patient_id = kept.patient_id AND one.id <> kept.id"
    )


def _known_pair(cursor: Any, schema: str, token_of: Callable[..., UUID]) -> None:
    """The pair of the two commonest names, under its own hash."""
    from records.people.search_models import TokenKind
    from records.people.search_tokens import pair_word

    token = token_of(TokenKind.NAME_PAIR, pair_word(_name(0), _name(GIVEN)))
    cursor.execute(
        f"UPDATE {schema}.records_searchtoken SET token = %s WHERE kind = 5 AND token = md5(%s)::uuid",
        [token, f"pair0 {GIVEN}"],
    )


def _somebody(cursor: Any, token_of: Callable[..., UUID]) -> dict[str, str]:
    """Somebody with middling names who is in both sets, with a phone number that is really theirs."""
    from records.people.search_models import TokenKind

    cursor.execute(
        "SELECT id, given, family, day, street FROM small.who "
        f"WHERE given > 40 AND family > {GIVEN + 200} ORDER BY number LIMIT 1"
    )
    ident, given, family, day, street = cursor.fetchone()
    for schema in ("small", "big"):
        cursor.execute(f"SELECT id FROM {schema}.records_patient WHERE id = %s", [ident])
        assert cursor.fetchone() is not None
        # The same person in both: in the big set random() went on differently, so words are set anew.
        cursor.execute(f"DELETE FROM {schema}.records_searchtoken WHERE patient_id = %s", [ident])
        cursor.execute(
            f"INSERT INTO {schema}.records_searchtoken (token, patient_id, kind) SELECT DISTINCT token, %s::uuid, kind "
            "FROM words WHERE (part, number) IN (('name', %s), ('name', %s), ('day', %s), ('street', %s))",
            [ident, given, family, day, street],
        )
        cursor.execute(
            f"INSERT INTO {schema}.records_searchtoken (token, patient_id, kind) VALUES (%s, %s, 3)",
            [token_of(TokenKind.PHONE, "3205550142"), ident],
        )
    return {
        "given": _name(given), "family": _name(family), "street": _street(street).split()[0],
        "born": (FIRST_DAY + dt.timedelta(days=day)).isoformat(), "phone": "(320) 555-0142",
    }

"""Two records that may be of one person: found by hashes, told to staff only, settled once (B 19).

The same whole name and birth date, or the same birth date and phone. It proves nothing: twins
share a birth date and a phone. So nothing is joined by itself, and no patient is ever told.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection, transaction

from portal.audit.models import Action
from portal.audit.services import access_record
from portal.context import Actor
from portal.errors import DomainError, NotVisible
from portal.permissions import Permission, Purpose, require
from records.access import may_find
from records.people.models import Patient
from records.people.search_models import SearchToken, TokenKind, ToldApart

MOST_PAIRS = 50
_SAME = f"""
SELECT DISTINCT mine.patient_id, other.patient_id
FROM {SearchToken._meta.db_table} AS mine
JOIN LATERAL (
    SELECT patient_id FROM {SearchToken._meta.db_table} AS twin
    WHERE twin.token = mine.token AND twin.patient_id <> mine.patient_id LIMIT %s
) AS other ON true
WHERE mine.patient_id = ANY(%s) AND mine.kind = %s AND NOT EXISTS (
    SELECT 1 FROM {ToldApart._meta.db_table} AS apart
    WHERE apart.first_id = least(mine.patient_id, other.patient_id)
      AND apart.second_id = greatest(mine.patient_id, other.patient_id)
)
ORDER BY 1, 2 LIMIT %s
"""  # noqa: S608 - names of our own tables


def likely_same(patient_ids: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
    """(one of the given, another patient) for each likely pair not told apart. One query."""
    ids = list(patient_ids)
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SAME, [MOST_PAIRS, ids, int(TokenKind.SAME_PERSON), MOST_PAIRS])
        return [(one, other) for one, other in cursor.fetchall()]


def tell_apart(*, by: Actor, one: UUID, other: UUID, purpose: Purpose) -> ToldApart:
    """Note that these two are two people; said twice, the first note stands.

    Raises ``NotVisible`` for whoever may not look for patients or names one that is not there,
    and ``DomainError`` for one and the same.
    """
    require(by, Permission.PATIENTS_FIND)
    if not may_find(by=by, purpose=purpose):
        raise NotVisible
    if one == other:
        raise DomainError("same_record", "one record is not two")
    first, second = sorted((one, other))
    with transaction.atomic():
        if Patient.objects.filter(pk__in=[first, second]).count() != 2:
            raise NotVisible
        note, made = ToldApart.objects.get_or_create(
            first_id=first, second_id=second, defaults={"said_by": by.account}
        )
        if made:
            # Under no patient's id: their own list of deeds must not tell them of somebody like them.
            access_record(
                by=by, action=Action.CHANGE, purpose=purpose, subject_id=None,
                object_kind="records.toldapart", object_id=note.pk,
            )
    return note

"""The de-identified reporting data: an allow-list after the safe harbor (P10, RULES 1.54 to 1.57).

A row holds a year, a state, a coarse ZIP area, an age with 90 and over as one class, and chosen
codes of listed questions. No name, no free text, no picture, no day, no id that leads back: the
row's own id is random and is new after every rebuild. ``docs/deidentification.md`` says it in
full. Rows of the living record are made anew each time; before a person is erased theirs are set
apart (``kept``), so that the statistics stay when the person is gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import islice
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from consults.models import Consult
from consults.state import ConsultState
from portal.context import SYSTEM
from portal.dates import age_on, clinic_zone
from portal.evidence.selectors import latest
from portal.evidence.services import evidence_record
from portal.locks import alone
from portal.permissions import Purpose
from privacy.models import DeidentifiedCase
from records.vault.statistics import CaseFacts, open_case_facts

EVIDENCE = "deidentified.rebuilt"
# Questions whose chosen codes say something about skin care and nothing about who it is. Mood,
# pregnancy, hormones and whatever is typed are left out on purpose.
QUESTIONS = ("where", "since", "looks", "tried", "worse", "medicine", "allergies", "conditions", "smoking")
ENDED = (ConsultState.ANSWERED, ConsultState.CLOSED, ConsultState.DECLINED)
_CODE = re.compile(r"[a-z0-9_]{1,40}")
_DIAGNOSIS = re.compile(r"[A-Z]\d\d(\.\d{1,2})?")
_STATE = re.compile(r"[A-Z]{2}")
_BATCH = 500


def zip3_of(postal_code: str) -> str:
    """The first three digits, ``000`` where few people live there, empty when there is no ZIP code (RULES 1.55)."""
    digits = re.sub(r"\D", "", postal_code)[:3]
    if len(digits) < 3:
        return ""
    return "000" if digits in settings.DEID_ZIP3_SMALL else digits


def age_class(age: int) -> str:
    """The age in years; from ``DEID_AGE_TOP`` on one class for all (RULES 1.56)."""
    top = settings.DEID_AGE_TOP
    return f"{top}+" if age >= top else str(age)


def row_of(facts: CaseFacts, *, outcome: str) -> DeidentifiedCase | None:
    """One consult without its person. None where even the year is unknown."""
    if facts.submitted_at is None:
        return None
    day = facts.submitted_at.astimezone(clinic_zone()).date()
    state = facts.state.strip().upper()
    diagnosis = facts.diagnosis_code.strip().upper()
    return DeidentifiedCase(
        year=day.year,
        state=state if _STATE.fullmatch(state) else "",
        zip3=zip3_of(facts.postal_code),
        age=age_class(age_on(facts.birth_date, day)) if facts.birth_date else "",
        gender=facts.gender if facts.gender in ("female", "male", "other") else "",
        concern=facts.concern if _CODE.fullmatch(facts.concern) else "",
        outcome=outcome,
        diagnosis_code=diagnosis if _DIAGNOSIS.fullmatch(diagnosis) else "",
        prescription=facts.prescription,
        codes={
            question: sorted(code for code in facts.codes.get(question, ()) if _CODE.fullmatch(code))
            for question in QUESTIONS
            if facts.codes.get(question)
        },
    )


def rebuild(progress: Callable[[int, int], None] | None = None) -> dict[str, int]:
    """Make the whole data set anew from the records; rows of erased people stay, under new ids.

    Every record read leaves its trace. Readers see the old rows until the new ones are complete.
    While another rebuild runs this one does nothing and returns ``{}``.
    """
    with alone(EVIDENCE) as mine:
        return _rebuild(progress) if mine else {}


def _rebuild(progress: Callable[[int, int], None] | None) -> dict[str, int]:
    generation = uuid4()
    consults = Consult.objects.filter(state__in=ENDED, encounter__submitted_at__isnull=False)
    total, done = consults.count(), 0
    # By the random ids of the consults, so that two consults of one person do not stand side by side.
    pairs = consults.order_by("encounter_id").values_list("encounter_id", "state").iterator(chunk_size=_BATCH)
    for batch in _batches(pairs):
        rows = _rows(dict(batch))
        for row in rows:
            row.generation = generation
        DeidentifiedCase.objects.bulk_create(rows)
        done += len(batch)
        if progress is not None:
            progress(done, total)
    with transaction.atomic():
        _shuffle_kept(generation)
        DeidentifiedCase.objects.exclude(generation=generation).delete()
        rows_now = DeidentifiedCase.objects.all()
        counts = {"consults": total, "rows": rows_now.count(), "kept_of_erased": rows_now.filter(kept=True).count()}
        evidence_record(
            kind=EVIDENCE, passed=True, facts={**counts, "generation": str(generation)},
            valid_for=timedelta(days=settings.DEID_REBUILD_DAYS + 7),
        )
    return counts


def shown() -> QuerySet[DeidentifiedCase]:
    """The rows of the last complete rebuild; none before the first."""
    last = latest(EVIDENCE)
    if last is None:
        return DeidentifiedCase.objects.none()
    return DeidentifiedCase.objects.filter(generation=UUID(last.facts["generation"]))


def rows_before_erasure(patient_id: UUID) -> list[DeidentifiedCase]:
    """The person's rows, to be kept without the person; read outside the erasing transaction."""
    consults = Consult.objects.filter(patient_id=patient_id, state__in=ENDED, encounter__submitted_at__isnull=False)
    rows = _rows(dict(consults.values_list("encounter_id", "state")))
    for row in rows:
        row.kept = True
    return rows


def keep(rows: Iterable[DeidentifiedCase]) -> None:
    """Set them apart, in the transaction that erases: never twice, never without the erasure.

    They are not shown before the next rebuild, which gives them other ids and places: otherwise
    their appearance would tell whose they are.
    """
    generation = uuid4()
    for row in rows:
        row.generation = generation
        row.save(force_insert=True)


def _rows(outcomes: dict[UUID, str]) -> list[DeidentifiedCase]:
    facts = open_case_facts(by=SYSTEM, encounter_ids=outcomes, questions=QUESTIONS, purpose=Purpose.OPERATIONS)
    made = (row_of(case, outcome=_outcome(outcomes[case.encounter_id])) for case in facts)
    return [row for row in made if row is not None]


def _outcome(state: str) -> str:
    return "declined" if state == ConsultState.DECLINED else "answered"


def _batches(pairs: Iterator[tuple[UUID, str]]) -> Iterator[list[tuple[UUID, str]]]:
    while batch := list(islice(pairs, _BATCH)):
        yield batch


def _shuffle_kept(generation: UUID) -> None:
    """Copies of the kept rows in random order, under new ids; the old ones go with their generation."""
    columns = [
        column.column for column in DeidentifiedCase._meta.concrete_fields if column.name not in ("id", "generation")
    ]
    names = ", ".join(f'"{name}"' for name in columns)
    table = DeidentifiedCase._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" (id, generation, {names}) '  # noqa: S608 - names of our own columns
            f'SELECT gen_random_uuid(), %s, {names} FROM "{table}" WHERE kept AND generation <> %s ORDER BY random()',
            [generation, generation],
        )

"""100,000 patients with a signed consult each and its archive copy, made by SQL within seconds.

Their encrypted columns hold no ciphertext: whoever opened one would fail, so the measured run does not.
"""

from __future__ import annotations

from django.db import connection

MAKE = (
    """INSERT INTO records_patient (id, public_id, given_name, family_name, birth_date, gender, phone, address,
         created_at, updated_at)
       SELECT md5('bench-p' || n)::uuid, translate(lpad(n::text, 8, '0'), '01', 'AB'), '-', '-', '-', '-', '-', '-',
         now() - interval '9 days', now() - interval '9 days' FROM generate_series(1, %(count)s) AS n""",
    """INSERT INTO records_encounter (id, patient_id, concern, opened_at, submitted_at)
       SELECT md5('bench-e' || n)::uuid, md5('bench-p' || n)::uuid, '-', now() - interval '9 days',
         now() - interval '9 days' FROM generate_series(1, %(count)s) AS n""",
    """INSERT INTO records_plan (id, encounter_id, patient_id, letter, morning, evening, warnings, weeks, author_id,
         signed_by, signed_at, updated_at)
       SELECT gen_random_uuid(), e.id, e.patient_id, '-', '-', '-', '-', '-', e.id, e.id, now() - interval '8 days',
         now() - interval '8 days' FROM records_encounter AS e WHERE e.concern = '-'""",
    """INSERT INTO records_answer (id, encounter_id, patient_id, question_id, question_text, position, private, value,
         answered_at)
       SELECT gen_random_uuid(), e.id, e.patient_id, 'q' || k, '-', k, false, '-', now() - interval '9 days'
         FROM records_encounter AS e, generate_series(1, 6) AS k WHERE e.concern = '-'""",
    """INSERT INTO records_message (id, encounter_id, patient_id, author_id, from_staff, body, form_key, sent_at,
         read_at)
       SELECT gen_random_uuid(), e.id, e.patient_id, e.id, k = 1, '-', gen_random_uuid(), now() - interval '8 days',
         now() - interval '8 days' FROM records_encounter AS e, generate_series(1, 2) AS k WHERE e.concern = '-'""",
    """INSERT INTO privacy_archivecopy (id, subject_id, encounter_id, reason, name, version, sha256, content_sha256,
         size, retain_until, read_at, sealed_at, verified_at, key_ids)
       SELECT gen_random_uuid(), e.patient_id, e.id, 'nightly', 'archive/bench/' || e.id, '1', '-', '-', 1,
         '2099-01-01', now() - interval '7 days', now() - interval '7 days', now() - interval '7 days', ''
         FROM records_encounter AS e WHERE e.concern = '-'""",
)
TABLES = ("privacy_archivecopy", "records_message", "records_answer", "records_plan", "records_encounter")


def make(count: int) -> None:
    with connection.cursor() as cursor:
        for statement in MAKE:
            cursor.execute(statement, {"count": count})
        for table in (*TABLES, "records_patient"):
            cursor.execute(f"ANALYZE {table}")


def remove() -> None:
    """All rows of these tables: the bench has a database of its own."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join((*TABLES, 'records_patient'))} CASCADE")

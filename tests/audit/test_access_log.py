"""The access log: what is written stays as it was written, and a changed row is found."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from portal.audit.append_only import RewriteReason, rewrite_allowed
from portal.audit.models import AccessEvent, Action
from portal.audit.personal_data import erase_for, export_for
from portal.audit.selectors import who_looked
from portal.audit.services import access_record, access_record_each, verify_row
from portal.context import Actor, request_id
from portal.evidence.models import Evidence
from portal.permissions import Purpose, Role
from portal.subjects import Subject

pytestmark = pytest.mark.django_db
SUBJECT = uuid4()
KARIN = Actor(uuid4(), Role.CLINICIAN)


def record(**changes):
    return access_record(
        **{
            "by": KARIN, "action": Action.VIEW, "purpose": Purpose.CARE, "subject_id": SUBJECT,
            "object_kind": "records.photo", "object_id": uuid4(), "basis": "grant:abc", **changes,
        }
    )


@pytest.mark.promise("P21")
def test_a_look_is_kept_with_who_when_what_why_and_in_which_request():
    token = request_id.set("req1")
    event = AccessEvent.objects.get(pk=record().pk)
    request_id.reset(token)
    assert (event.actor_id, event.actor_role, event.subject_id) == (KARIN.account_id, "clinician", SUBJECT)
    assert (event.action, event.purpose, event.object_kind) == ("view", "care", "records.photo")
    assert event.basis == "grant:abc"
    assert event.request_id == "req1" and abs(timezone.now() - event.at) < dt.timedelta(seconds=5)
    assert verify_row(event)


@pytest.mark.parametrize(
    "path",
    [
        lambda event: AccessEvent.objects.filter(pk=event.pk).update(purpose="support"),
        lambda event: event.delete(),
        lambda event: AccessEvent.objects.all().delete(),
        lambda event: event.save(),
        lambda event: connection.cursor().execute("UPDATE audit_accessevent SET basis = ''"),
        lambda event: connection.cursor().execute("DELETE FROM audit_accessevent"),
    ],
)
@pytest.mark.promise("P21")
def test_no_way_of_writing_changes_or_removes_a_row(path):
    """Fault 81: not by the ORM, not in bulk, not by SQL."""
    event = record()
    with pytest.raises(DatabaseError, match="Cannot update or delete rows"), transaction.atomic():
        path(event)
    assert verify_row(AccessEvent.objects.get(pk=event.pk))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", timezone.now() + dt.timedelta(microseconds=1)), ("actor_id", uuid4()), ("actor_role", "support"),
        ("subject_id", None), ("action", "list"), ("purpose", "support"), ("object_kind", "records.phot"),
        ("object_id", None), ("basis", ""), ("request_id", "x"), ("event_id", uuid4()), ("mac", "0" * 64),
    ],
)
def test_a_row_changed_behind_the_triggers_back_is_found(column, value):
    event = record()
    with rewrite_allowed(AccessEvent, reason=RewriteReason.RETENTION):
        AccessEvent.objects.filter(pk=event.pk).update(**{column: value})
    assert not verify_row(AccessEvent.objects.get(pk=event.pk))


def test_text_that_moves_between_columns_does_not_keep_its_code():
    event = record(object_kind="records.photo", basis="x")
    with rewrite_allowed(AccessEvent, reason=RewriteReason.RETENTION):
        AccessEvent.objects.filter(pk=event.pk).update(object_kind="records.photox", basis="")
    assert not verify_row(AccessEvent.objects.get(pk=event.pk))


def test_the_code_depends_on_the_key_outside_the_database(settings):
    event = record()
    settings.AUDIT_HMAC_KEY = "another key"
    assert not verify_row(event)


@pytest.mark.parametrize(
    ("column", "value"),
    [("action", "peek"), ("purpose", "curiosity"), ("actor_role", "root"), ("object_kind", "Ana's photo"),
     ("basis", "she asked me"), ("mac", "")],
)
@pytest.mark.promise("P11")
def test_the_database_takes_no_deed_off_the_closed_lists(column, value):
    event = record()
    allowed = rewrite_allowed(AccessEvent, reason=RewriteReason.RETENTION)
    with allowed, pytest.raises(IntegrityError), transaction.atomic():
        AccessEvent.objects.filter(pk=event.pk).update(**{column: value})


@pytest.mark.parametrize(
    "wrong",
    [{"action": "peek"}, {"purpose": "curiosity"}, {"object_kind": "Ana Okafor"}, {"basis": "itchy red skin"},
     {"basis": "a\nb"}],
)
@pytest.mark.promise("P11")
def test_words_and_unlisted_purposes_are_refused_before_they_reach_the_log(wrong):
    with pytest.raises(ValueError):
        record(**wrong)
    assert not AccessEvent.objects.exists()


def test_other_append_only_tables_stay_closed_while_one_is_open():
    event = record()
    proof = Evidence.objects.create(kind="x", passed=True, recorded_at=timezone.now(), good_until=timezone.now())
    with rewrite_allowed(AccessEvent, reason=RewriteReason.ERASURE):
        event.delete()
        with pytest.raises(DatabaseError), transaction.atomic():
            proof.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        AccessEvent.objects.filter(pk=record().pk).delete()


def test_tables_open_for_listed_reasons_only():
    from portal.accounts.models import User

    with pytest.raises(ValueError), rewrite_allowed(AccessEvent, reason="tidying"):  # type: ignore[arg-type]
        pass
    with pytest.raises(ValueError), rewrite_allowed(reason=RewriteReason.ERASURE):
        pass
    with pytest.raises(ValueError), rewrite_allowed(User, reason=RewriteReason.ERASURE):
        pass


@pytest.mark.promise("P21")
def test_who_looked_shows_looks_at_this_person_newest_first_and_nothing_else():
    now = timezone.now()
    with time_machine.travel(now - dt.timedelta(days=2), tick=False):
        old = record(action=Action.DOWNLOAD)
    new = record(action=Action.VIEW)
    record(action=Action.CHANGE)
    record(subject_id=uuid4())
    assert list(who_looked(SUBJECT)) == [new, old]
    assert list(who_looked(SUBJECT, since=now - dt.timedelta(days=1))) == [new]
    assert list(who_looked(SUBJECT, until=old.at)) == []
    assert list(who_looked(SUBJECT, until=old.at + dt.timedelta(microseconds=1))) == [old]


def test_the_trace_of_looks_is_given_to_the_person_and_outlives_an_erasure():
    record()
    subject = Subject(SUBJECT, ())
    (line,) = export_for(subject)["access_log"]
    assert (line["role"], line["action"], line["what"]) == ("clinician", "view", "records.photo")
    assert erase_for(subject) == {} and AccessEvent.objects.count() == 1


def test_numbers_rise_and_carry_the_databases_transaction():
    first, second = (AccessEvent.objects.get(pk=record().pk) for _ in range(2))
    assert second.number > first.number
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        assert first.transaction_id == second.transaction_id == cursor.fetchone()[0]


def test_a_page_that_lists_people_leaves_a_row_for_each_in_one_statement(django_assert_num_queries):
    subjects = [uuid4() for _ in range(20)]
    with django_assert_num_queries(1):
        access_record_each(
            by=KARIN, action=Action.LIST, purpose=Purpose.CARE, object_kind="records.patient",
            looks=[(subject, subject, "queue") for subject in subjects],
        )
    events = list(AccessEvent.objects.order_by("number"))
    assert [event.subject_id for event in events] == subjects and all(map(verify_row, events))


@pytest.mark.django_db(transaction=True)
def test_a_durable_look_survives_what_fails_after_it_and_refuses_an_open_transaction():
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        record(durable=True)
    assert not AccessEvent.objects.exists()
    record(durable=True)
    assert AccessEvent.objects.count() == 1

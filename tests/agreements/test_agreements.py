"""Texts are published once and never changed; agreements are recorded once and never changed (P01, P03)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import InternalError, transaction
from django.db.utils import DatabaseError

from portal.agreements import selectors, services
from portal.agreements.models import Agreement, AgreementContext, PolicyKind, PolicyVersion
from portal.context import ANONYMOUS, SYSTEM, Actor
from portal.permissions import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of texts of its own, and no version published yet."""
    PolicyVersion.objects.all().delete()
    for kind in PolicyKind:
        (tmp_path / kind.value).mkdir()
    monkeypatch.setattr(services, "POLICIES", tmp_path)
    return tmp_path


def write(folder: Path, kind: PolicyKind, version: str, text: str = "<p>Words</p>") -> None:
    (folder / kind.value / f"{version}.html").write_text(text)


@pytest.mark.promise("P03")
def test_each_release_publishes_the_texts_that_it_carries_once(texts: Path) -> None:
    write(texts, PolicyKind.PRIVACY_POLICY, "2026-01-01")
    assert len(services.policies_publish()) == 1
    assert len(services.policies_publish()) == 1
    assert PolicyVersion.objects.get().effective_on == dt.date(2026, 1, 1)


@pytest.mark.promise("P03")
def test_a_published_text_cannot_be_changed_behind_ones_back(texts: Path) -> None:
    write(texts, PolicyKind.PRIVACY_POLICY, "2026-01-01")
    services.policies_publish()
    write(texts, PolicyKind.PRIVACY_POLICY, "2026-01-01", "<p>Other words</p>")
    with pytest.raises(ValueError, match="changed after it was published"):
        services.policies_publish()


@pytest.mark.promise("P03")
def test_a_new_text_holds_from_its_day_on_and_the_old_one_stays_readable(texts: Path) -> None:
    write(texts, PolicyKind.PRIVACY_POLICY, "2026-01-01")
    write(texts, PolicyKind.PRIVACY_POLICY, "2026-06-01")
    services.policies_publish()
    for clock, version in (("2026-06-01 04:59:00+00:00", "2026-01-01"), ("2026-06-01 05:01:00+00:00", "2026-06-01")):
        with time_machine.travel(clock, tick=False):  # midnight at the clinic is five o'clock in Greenwich
            assert selectors.current(PolicyKind.PRIVACY_POLICY).version == version
    assert [v.version for v in selectors.versions(PolicyKind.PRIVACY_POLICY)] == ["2026-06-01", "2026-01-01"]


def test_no_text_in_force_is_an_error_not_an_empty_agreement(texts: Path) -> None:
    with pytest.raises(PolicyVersion.DoesNotExist):
        selectors.current_for_sign_up()


@pytest.fixture
def policy() -> PolicyVersion:
    return PolicyVersion.objects.create(
        kind=PolicyKind.TERMS_OF_SERVICE, version="x", effective_on=dt.date(2026, 1, 1), sha256="0" * 64
    )


@pytest.fixture
def patient() -> Actor:
    return Actor(uuid4(), Role.PATIENT)


@pytest.mark.promise("P01")
def test_agreeing_twice_on_one_occasion_is_one_agreement(policy: PolicyVersion, patient: Actor) -> None:
    order = uuid4()
    for reference in (None, None, order, order):
        services.agreement_record(by=patient, policies=[policy], context=AgreementContext.CHECKOUT, reference=reference)
    assert Agreement.objects.filter(account_id=patient.account_id).count() == 2


@pytest.mark.promise("P01")
def test_who_when_what_and_from_where_are_kept(policy: PolicyVersion, patient: Actor) -> None:
    with time_machine.travel("2026-03-01 18:00:00+00:00", tick=False):
        services.agreement_record(
            by=patient, policies=[policy], context=AgreementContext.CONSULT, remote_address="2001:db8::7"
        )
    row = selectors.agreements_of(patient.account_id).get()  # type: ignore[arg-type]
    assert (row.policy, row.context, row.remote_address) == (policy, "consult", "2001:db8::7")
    assert row.agreed_at == dt.datetime(2026, 3, 1, 18, tzinfo=dt.UTC)


@pytest.mark.parametrize("nobody", [SYSTEM, ANONYMOUS])
def test_only_an_account_can_agree(policy: PolicyVersion, nobody: Actor) -> None:
    with pytest.raises(ValueError):
        services.agreement_record(by=nobody, policies=[policy], context=AgreementContext.SIGN_UP)


@pytest.mark.promise("P01")
@pytest.mark.parametrize("deed", ["update", "delete"])
def test_an_agreement_is_never_changed(policy: PolicyVersion, patient: Actor, deed: str) -> None:
    services.agreement_record(by=patient, policies=[policy], context=AgreementContext.SIGN_UP)
    rows: Any = Agreement.objects.all()
    with pytest.raises((InternalError, DatabaseError)), transaction.atomic():
        rows.update(context=AgreementContext.CONSULT) if deed == "update" else rows.delete()
    assert Agreement.objects.get().context == AgreementContext.SIGN_UP


def test_agreeing_at_the_same_moment_twice_leaves_one(policy: PolicyVersion, patient: Actor, monkeypatch: Any) -> None:
    """The second press looks before the first one's row can be seen."""
    services.agreement_record(by=patient, policies=[policy], context=AgreementContext.SIGN_UP)
    monkeypatch.setattr("django.db.models.query.QuerySet.exists", lambda self: False)
    services.agreement_record(by=patient, policies=[policy], context=AgreementContext.SIGN_UP)
    assert Agreement.objects.filter(account_id=patient.account_id).count() == 1

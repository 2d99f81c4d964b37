"""P55, P22: risks with owners and dates, decisions, sanctions, training and binders, each kept as it was written."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pikepdf
import pypdf
import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import TrainingRecord, User
from portal.accounts.training import roster, training_record, training_remind, training_withdraw, untrained
from portal.agreements.models import AgreementContext, PolicyKind
from portal.agreements.selectors import current
from portal.agreements.services import agreement_record
from portal.audit.models import AccessEvent
from portal.dates import today
from portal.errors import DomainError, NotAllowed, NotVisible
from portal.jobs.runner import run_job
from portal.outbox.delivery import drain
from portal.outbox.models import OutgoingMail
from portal.outbox.registry import MailContext, mail_of
from portal.subjects import Subject
from privacy.promises import PROMISES, promise_states
from privacy.requests.services import request_open
from privacy.safeguards import making, services
from privacy.safeguards.addressable import ITEMS
from privacy.safeguards.models import Binder, Decision, Risk, RiskAnalysis, RiskStep, Sanction
from privacy.safeguards.personal_data import erase_for
from privacy.safeguards.proof import EVIDENCE, prove, safeguards_watch
from privacy.safeguards.selectors import analysis_due, answers, overdue, risks_overdue, unanswered, with_state

pytestmark = [pytest.mark.django_db, pytest.mark.promise("P55")]
As = Callable[..., Client]
DAY = dt.timedelta(days=1)


def analysis(by: User) -> RiskAnalysis:
    return services.analysis_start(by=by.actor, scope="The portal, phones, the office")


def risk(by: User, row: RiskAnalysis, **more: Any) -> Risk:
    values = {
        "title": "Lost phone", "what": "A phone with open mail is left on the bus.", "likelihood": 2, "impact": 3,
        "measure": "Phones lock after a minute.", "owner_id": by.pk, "due_on": today() + 30 * DAY, **more,
    }
    return services.risk_add(by=by.actor, analysis_id=row.pk, **{"form_key": uuid4(), **values})


def refused(code: str, deed: Callable[..., Any], **values: Any) -> None:
    with pytest.raises(DomainError) as error, transaction.atomic():
        deed(**values)
    assert error.value.code == code


def state_of(row: Risk) -> str:
    return str(with_state(Risk.objects.filter(pk=row.pk)).get().state)


def test_an_analysis_is_signed_for_good_and_kept_six_years(officer: User, owner: User) -> None:
    row = analysis(officer)
    refused("no_risks", services.analysis_sign, by=officer.actor, analysis_id=row.pk)
    one = risk(officer, row)
    refused("one_at_a_time", services.analysis_start, by=owner.actor, scope="Another")
    assert analysis_due()
    signed = services.analysis_sign(by=owner.actor, analysis_id=row.pk)
    assert signed.keep_until == today().replace(year=today().year + 6) and signed.signed_by == owner.pk
    assert not analysis_due() and analysis_due(on=today() + 366 * DAY)
    refused("analysis_signed", services.analysis_sign, by=officer.actor, analysis_id=row.pk)
    with pytest.raises(DomainError) as error:
        risk(officer, row, title="Late")
    assert error.value.code == "analysis_signed"
    for change in (
        lambda: RiskAnalysis.objects.update(made_on=today() - DAY), lambda: Risk.objects.update(impact=1),
        lambda: Risk.objects.filter(pk=one.pk).delete(), lambda: RiskStep.objects.update(state="accepted"),
        lambda: Risk.objects.create(
            analysis=row, title="x", what="x", likelihood=1, impact=1, measure="x", owner_id=owner.pk, due_on=today()
        ),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("more", "code"),
    [({"title": " "}, "title_missing"), ({"what": ""}, "what_missing"), ({"measure": ""}, "measure_missing"),
     ({"likelihood": 4}, "one_to_three"), ({"impact": 0}, "one_to_three"), ({"owner_id": UUID(int=1)}, "not_staff")],
)
def test_a_risk_that_is_not_whole_is_refused(more: dict[str, Any], code: str, officer: User) -> None:
    with pytest.raises(DomainError) as error:
        risk(officer, analysis(officer), **more)
    assert error.value.code == code and not Risk.objects.exists()


def test_what_stays_open_goes_into_the_next_analysis_and_late_ones_are_marked(officer: User) -> None:
    first = analysis(officer)
    late = risk(officer, first, due_on=today() - DAY)
    small, taken = risk(officer, first, title="Fax"), risk(officer, first, title="Flood", form_key=UUID(int=3))
    assert risk(officer, first, title="Flood", form_key=UUID(int=3)) == taken  # one press, one risk
    refused("words_missing", services.risk_step, by=officer.actor, risk_id=small.pk, state="mitigated", words=" ")
    gone = {"by": officer.actor, "risk_id": small.pk, "state": "mitigated", "words": "The fax is gone."}
    assert services.risk_step(**gone) == services.risk_step(**gone), "pressed twice"
    assert RiskStep.objects.filter(risk=small).count() == 2
    services.analysis_sign(by=officer.actor, analysis_id=first.pk)
    services.risk_step(by=officer.actor, risk_id=taken.pk, state="accepted", words="The office is on a hill.")
    assert (state_of(late), state_of(small), state_of(taken)) == ("open", "mitigated", "accepted")
    assert overdue(with_state(Risk.objects.filter(pk=late.pk)).get()) and risks_overdue() == 1
    second = services.analysis_start(by=officer.actor, scope="All of it again")
    carried = second.risks.get()
    assert (carried.title, carried.carried_from, second.follows) == ("Lost phone", late, first)
    refused("carried_on", services.risk_step, by=officer.actor, risk_id=late.pk, state="mitigated", words="Done")
    services.risk_step(by=officer.actor, risk_id=carried.pk, state="mitigated", words="Done")
    assert risks_overdue() == 0


def test_every_addressable_item_takes_a_decision_with_its_reason(officer: User) -> None:
    assert len(ITEMS) == unanswered() == 22 and len({item.section for item in ITEMS}) == 22
    refused(
        "reason_missing", services.decision_make, by=officer.actor, item="at_rest", choice="done", reason=" ",
        form_key=uuid4(),
    )
    with pytest.raises(NotVisible):
        services.decision_make(by=officer.actor, item="nothing", choice="done", reason="x", form_key=uuid4())
    for choice, reason in (("not_needed", "No"), ("done", "Fields and files are encrypted.")):
        services.decision_make(by=officer.actor, item="at_rest", choice=choice, reason=reason, form_key=uuid4())
    found = {one.item.code: one.decision for one in answers()}["at_rest"]
    assert found and (found.choice, found.reason) == ("done", "Fields and files are encrypted.") and unanswered() == 21
    with pytest.raises(DatabaseError), transaction.atomic():
        Decision.objects.update(choice="done")


def sanction(by: User, who: User, **more: Any) -> Sanction:
    values = {"on": today(), "what": "Looked without need.", "measure": "warning", "form_key": uuid4(), **more}
    return services.sanction_record(by=by.actor, account_id=who.pk, **values)


def test_sanctions_are_written_once_and_read_by_officer_and_owner_only(
    officer: User, owner: User, clinician: User, ana: User, as_: As
) -> None:
    key = uuid4()
    assert sanction(officer, clinician, form_key=key) == sanction(officer, clinician, form_key=key)
    for who, more, code in (
        (officer, {}, "oneself"), (ana, {}, "not_staff"), (clinician, {"what": " "}, "what_missing"),
        (clinician, {"on": today() + DAY}, "day_to_come"),
    ):
        refused(code, sanction, by=officer, who=who, **more)
    with pytest.raises(NotAllowed):
        sanction(clinician, officer)
    with pytest.raises(DatabaseError), transaction.atomic():
        Sanction.objects.update(measure="talk")
    url = reverse("admin:sanctions")
    for person, status in ((owner, 200), (officer, 200), (clinician, 404)):
        assert as_(person).get(url).status_code == status
    assert b"Looked without need." in as_(owner).get(url).content
    User.objects.filter(pk=clinician.pk).update(is_active=False)  # stopped first, as it goes
    told = {"form_key": uuid4(), "account_id": clinician.pk, "on": today(), "what": "Stopped.", "measure": "suspended"}
    assert as_(owner).post(url, told).status_code == 302 and Sanction.objects.count() == 2
    assert AccessEvent.objects.filter(object_kind="privacy.sanction", action="list").count() == 3


def everybody_trained(by: User, *, done_on: dt.date | None = None) -> None:
    for line in roster():
        for standing in line.standings:
            training_record(by=by.actor, account_id=line.user.pk, course=standing.course, done_on=done_on or today())


@pytest.mark.promise("P22")
def test_the_roster_knows_who_is_current_ending_over_or_missing(officer: User, clinician: User, ana: User) -> None:
    assert untrained() == 2
    made = training_record(by=officer.actor, account_id=clinician.pk, course="security", done_on=today() - 335 * DAY)
    assert made.valid_until == today() + 30 * DAY
    done = {"by": officer.actor, "account_id": clinician.pk}
    training_record(**done, course="policies", done_on=today() - 366 * DAY)
    standings = {line.user.pk: [one.state for one in line.standings] for line in roster()}
    assert standings == {clinician.pk: ["missing", "over", "ending"], officer.pk: ["missing"] * 3}
    refused("recorded_already", training_record, **done, course="security", done_on=made.done_on)
    refused("day_to_come", training_record, **done, course="security", done_on=today() + DAY)
    refused("not_staff", training_record, by=officer.actor, account_id=ana.pk, course="security", done_on=today())
    for change in (
        lambda: TrainingRecord.objects.update(valid_until=today() + 999 * DAY), TrainingRecord.objects.all().delete,
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    training_withdraw(by=officer.actor, training_id=made.pk)
    assert [one.state for one in roster()[0].standings][2] == "missing" and TrainingRecord.objects.count() == 2


@pytest.mark.promise("P22")
def test_a_course_that_ends_is_told_once_to_the_person_and_the_officer(officer: User, clinician: User) -> None:
    training_record(by=officer.actor, account_id=clinician.pk, course="security", done_on=today() - 336 * DAY)
    assert training_remind() == training_remind() == 1
    told = OutgoingMail.objects.order_by("kind").values_list("kind", "account_id")
    assert list(told) == [("account.training_ends", clinician.pk), ("account.training_of_staff", officer.pk)]


def test_a_month_that_nobody_signed_is_told_once_and_fails_the_proof(officer: User, monkeypatch: Any) -> None:
    month = dt.date(2026, 2, 1)
    monkeypatch.setattr("privacy.safeguards.proof.review_missing", lambda: month)
    safeguards_watch(), safeguards_watch()
    mail = OutgoingMail.objects.get(kind="privacy.review_missing")
    assert mail.account_id == officer.pk and "February 2026" in mail_of(mail.kind).render(_context(mail)).text
    assert not prove().passed
    monkeypatch.setattr("privacy.safeguards.proof.review_missing", lambda: None)
    assert not prove().passed, "no risk analysis was signed"
    row = analysis(officer)
    risk(officer, row)
    services.analysis_sign(by=officer.actor, analysis_id=row.pk)
    with monkeypatch.context() as patch:
        patch.setattr(settings, "LOCKBOX_S3_BUCKET", "bundles")
        assert not prove().passed, "the archive's store has no agreement"
    found = prove()
    assert found.passed and found.facts["unanswered"] == 22
    promise = next(one for one in PROMISES if one.id == "P55")
    assert promise.live == (EVIDENCE,) and promise_states([promise])[0].proofs[0].holds


def _context(mail: OutgoingMail) -> Any:
    return MailContext(refs=mail.refs, secret={}, account_id=mail.account_id)


def made(row: Binder) -> Binder:
    assert row.job_id is not None
    run_job(row.job_id)
    return Binder.objects.get(pk=row.pk)


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).split())


@pytest.mark.django_db(transaction=True)
def test_the_binder_of_a_year_has_every_chapter_and_ends(officer: User, clinician: User, as_: As) -> None:
    row = analysis(officer)
    risk(officer, row)
    services.analysis_sign(by=officer.actor, analysis_id=row.pk)
    sanction(officer, clinician, what="Secret words about a person.")
    everybody_trained(officer)
    prove()
    key = uuid4()
    asked = making.binder_start(by=officer.actor, form_key=key, year=today().year)
    assert making.binder_start(by=officer.actor, form_key=key, year=today().year) == asked
    binder = made(asked)
    pdf = making.binder_open(by=officer.actor, binder_id=binder.pk)
    with pikepdf.open(io.BytesIO(pdf)) as found:
        assert found.Root.MarkInfo.Marked and len(found.pages) == binder.pages
    words = text_of(pdf)
    for chapter in (
        "Requests of the year", "Disclosures by purpose", "Incidents", "Lost phone", "Addressable items",
        "Reviews of the access log", "A written warning 1", "Companies that work for us", "Training", "Policies",
        "safeguards.kept",
    ):
        assert chapter in words, chapter
    assert "Secret words" not in words
    page = as_(officer).get(reverse("admin:binder", args=[binder.pk])).content.decode()
    assert binder.sha256 in page
    Binder.objects.update(expires_at=timezone.now() - DAY)
    with pytest.raises(NotVisible):
        making.binder_open(by=officer.actor, binder_id=binder.pk)
    assert making.binders_expire() == 1 and not storages["sealed"].exists(binder.name)


@pytest.mark.django_db(transaction=True)
def test_the_binder_of_a_request_has_its_steps_clock_and_letters_and_goes_with_the_person(
    officer: User, as_: As, anas: Any, ana: User
) -> None:
    request = request_open(
        by=ana.actor, kind="question", subject_id=anas.pk, account_id=ana.pk, form_key=uuid4(),
        details="A most private question",
    )
    drain()
    as_(officer).post(reverse("admin:binder_of_request", args=[request.pk]))
    binder = made(Binder.objects.get())
    words = text_of(making.binder_open(by=officer.actor, binder_id=binder.pk))
    for said in ("A question about privacy", "Steps", "Received", "Letters", "Nothing was charged.", "First due"):
        assert said in words, said
    assert "private question" not in words
    assert {"export", "download"} <= set(
        AccessEvent.objects.filter(object_id=binder.pk, subject_id=anas.pk).values_list("action", flat=True)
    )
    removed = erase_for(Subject(anas.pk, (ana.pk,)))
    assert removed == {"privacy.Binder": 1} and not storages["sealed"].exists(binder.name)


def test_a_binder_of_no_year_or_by_somebody_else_is_refused(officer: User, owner: User) -> None:
    refused("year_odd", making.binder_start, by=officer.actor, form_key=uuid4(), year=today().year + 1)
    with pytest.raises(NotAllowed):
        making.binder_start(by=owner.actor, form_key=uuid4(), year=today().year)
    assert settings.BINDER_LIFE_DAYS == 7 and not Binder.objects.exists()


@pytest.mark.promise("P03")
def test_the_desk_of_policies_shows_every_version_and_who_agreed(officer: User, ana: User, as_: As) -> None:
    policies = [current(PolicyKind.PRIVACY_POLICY)]
    agreement_record(by=ana.actor, policies=policies, context=AgreementContext.SIGN_UP)
    page = as_(officer).get(reverse("admin:policies_desk")).content.decode()
    assert policies[0].sha256 in page and "In force" in page and "1 of 1 active accounts" in page


def test_pages_take_what_is_filled_in(officer: User, owner: User, as_: As) -> None:
    desk = as_(officer)
    desk.post(reverse("admin:risk_analyses"), {"scope": "Everything"})
    row = RiskAnalysis.objects.get()
    url = reverse("admin:risk_analysis", args=[row.pk])
    values = {
        "form_key": uuid4(), "title": "Fire", "what": "It burns", "likelihood": 1, "impact": 3, "measure": "Backups",
        "owner_id": owner.pk, "due_on": today() - DAY,
    }
    assert desk.post(url, {**values, "title": ""}).status_code == 200 and not Risk.objects.exists()
    desk.post(url, values)
    one = Risk.objects.get()
    assert b"Late" in desk.get(url).content
    desk.post(reverse("admin:risk", args=[one.pk]), {"state": "mitigated", "words": "Copies lie elsewhere."})
    desk.post(reverse("admin:risk_analysis_sign", args=[row.pk]))
    assert b"Copies lie elsewhere." in desk.get(reverse("admin:risk", args=[one.pk])).content
    item = reverse("admin:safeguard_decision", args=["logoff"])
    desk.post(item, {"form_key": uuid4(), "choice": "done", "reason": "After ten minutes."})
    assert b"After ten minutes." in as_(owner).get(reverse("admin:safeguard_decisions")).content
    desk.post(reverse("admin:training"), {"account_id": owner.pk, "course": "security", "done_on": today()})
    assert TrainingRecord.objects.get().account_id == owner.pk
    desk.post(reverse("admin:binders"), {"form_key": uuid4(), "year": today().year})
    hub = desk.get(reverse("admin:safeguards")).content.decode()
    assert "In order" in hub and "21 not decided" in hub and Binder.objects.get().year == today().year

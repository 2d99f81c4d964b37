"""The demo's safeguards: last year's analysis and the one being made, reviews, training, one sanction, a binder."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

from portal.accounts.models import Course, User
from portal.accounts.selectors import staff_of
from portal.accounts.training import training_record
from portal.audit.reviews import first_month, month_after, month_before
from portal.audit.services import log_review_record
from portal.context import Actor
from portal.dates import today
from portal.demo.clock import ago
from portal.jobs.runner import run_job
from portal.permissions import Role
from privacy.safeguards import making, proof, services
from privacy.safeguards.models import Risk

DAY = dt.timedelta(days=1)
# Name, what could happen, how likely, how bad, measure, days until it is due.
RISKS = (
    ("A lost phone", "A phone on which the portal is open is left on a bus.", 2, 3,
     "Phones lock after a minute, and the sign-in ends after ten. Devices can be stopped from the desk.", -200),
    ("A mail that looks real", "Somebody of the staff types the password into a copy of our sign-in page.", 3, 3,
     "Passkeys for all staff; a talk about such mails twice a year.", 45),
    ("No power for a day", "The office is dark, and nobody can see who waits.", 1, 2,
     "A list of the day on paper; the portal runs elsewhere.", -30),
    ("The translator without an agreement", "Letters go to a company that has not signed.", 2, 2,
     "Nothing is sent until the agreement is there.", -5),
)
DECISIONS = (
    ("at_rest", "done", "Every field that tells of a person is encrypted, and every file has a key of its own."),
    ("on_its_way", "done", "Only TLS, with HSTS; mail holds nothing of a record."),
    ("logoff", "done", "The sign-in of staff ends after ten minutes without use."),
    ("integrity", "done", "The access log is chained and checked each night."),
    ("malware", "equivalent", "Uploads are taken apart in a closed process and drawn anew."),
    ("emergency_site", "not_needed", "There is no server in the office. The portal is reached from anywhere."),
)


def seed_safeguards() -> None:
    """All of it, once."""
    officer = Actor(staff_of(Role.OFFICER)[0], Role.OFFICER)
    owner = Actor(staff_of(Role.OWNER)[0], Role.OWNER)
    _risks(officer, owner)
    for item, choice, reason in DECISIONS:
        services.decision_make(by=officer, item=item, choice=choice, reason=reason, form_key=uuid4())
    _training(officer)
    services.sanction_record(
        by=owner, account_id=staff_of(Role.SUPPORT)[0], on=today() - 80 * DAY, measure="talk", form_key=uuid4(),
        what="Left the desk without signing out. Nobody else was in the room.",
    )
    _reviews(officer)
    proof.prove()
    binder = making.binder_start(by=officer, form_key=uuid4(), year=today().year)
    assert binder.job_id is not None
    run_job(binder.job_id)


def _risks(officer: Actor, owner: Actor) -> None:
    scope = "The portal and what it runs on; phones and computers of the staff; the office; companies that work for us."
    with ago(days=300):
        first = services.analysis_start(by=officer, scope=scope)
        made = [
            services.risk_add(
                by=officer, analysis_id=first.pk, form_key=uuid4(), title=title, what=what, likelihood=likelihood,
                impact=impact, measure=measure, owner_id=owner.account, due_on=today() + days * DAY + 300 * DAY,
            )
            for title, what, likelihood, impact, measure, days in RISKS
        ]
        services.analysis_sign(by=owner, analysis_id=first.pk)
    with ago(days=190):
        done = "All phones of the clinic are set so. Looked at each one."
        services.risk_step(by=officer, risk_id=made[0].pk, state="mitigated", words=done)
    with ago(days=40):
        words = "The office is closed on such a day; patients are called back the next."
        services.risk_step(by=owner, risk_id=made[2].pk, state="accepted", words=words)
    with ago(days=3):
        second = services.analysis_start(by=officer, scope=scope)
        assert Risk.objects.filter(analysis=second).exists()


def _training(officer: Actor) -> None:
    """Most are trained; one course ends soon, one person lacks one."""
    people = list(User.objects.filter(pk__in=staff_of(*Role)).order_by("email"))
    for number, user in enumerate(people):
        for course in Course:
            if (number, course) != (0, Course.SECURITY):
                days = 345 if (number, course) == (1, Course.BASICS) else 90 + 10 * number
                training_record(by=officer, account_id=user.pk, course=course, done_on=today() - days * DAY)


def _reviews(officer: Actor) -> None:
    """Every month of the log but the last one that is over."""
    month, last = first_month(), month_before(today().replace(day=1))
    while month is not None and month < last:
        words = "Went through searches, refused looks and emergencies. Each had its reason."
        signed = month_after(month) + 4 * DAY
        with ago(days=(today() - signed).days):
            log_review_record(by=officer, month=month, finding="nothing", words=words)
        month = month_after(month)

"""The clinic's promises as rows of the product: each with its tests and, where it can be seen, live proof.

``promise_tests.json`` lists the tests named after each promise (written by ``manage.py promises
--write``; a test fails when it is out of date), so that the running site can say which promises
are proven on every change without carrying the tests.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.utils import timezone
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext_lazy as _

from portal.evidence import selectors as evidence
from portal.evidence.models import Evidence

TESTS_FILE = Path(__file__).parent / "promise_tests.json"


@dataclass(frozen=True)
class Promise:
    """One promise. ``live`` names the kinds of evidence that the running site records for it."""

    id: str
    text: str | LazyText
    live: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proof:
    """The newest live proof of one kind. ``holds`` is false when it failed or is too old."""

    kind: str
    recorded_at: dt.datetime | None
    holds: bool


@dataclass(frozen=True)
class PromiseState:
    """How a promise stands: how many tests guard it, and what the running site last showed.

    ``tested`` means that a test named after it exists and no live proof is missing, old or failed.
    """

    promise: Promise
    tests: int
    proofs: tuple[Proof, ...]

    @property
    def tested(self) -> bool:
        return self.tests > 0 and all(proof.holds for proof in self.proofs)


PROMISES: tuple[Promise, ...] = (
    Promise("P01", _("We record which version of our policy and terms you agreed to, and when.")),
    Promise("P02", _("If you do not agree, nothing of yours is kept.")),
    Promise("P03", _("Every version of our policies stays readable here.")),
    Promise("P04", _("A link that leads away from us says so.")),
    Promise("P05", _("Everything that could tell who you are and how you are is locked in our database.")),
    Promise("P06", _("You can see and change your contact details.")),
    Promise("P07", _("Your health answers and photos are kept in your record, under lock.")),
    Promise("P08", _("Each question says why we ask and whether you must answer.")),
    Promise("P09", _("Use of the site is counted without telling who you are."), ("visits.counted",)),
    Promise("P10", _("Numbers that outlive a deletion cannot lead back to you.")),
    Promise("P11", _("Your data is used only for the purposes on our list.")),
    Promise("P12", _("No marketing without your clear yes.")),
    Promise("P13", _("If a court makes us hand something over, we tell you, unless the law forbids it.")),
    Promise("P14", _("Everything we give to anybody is written down."), live=("disclosures.register",)),
    Promise("P15", _("Square takes your payment; your card number never reaches us.")),
    Promise("P16", _("If the clinic is sold, our promises go with your record.")),
    Promise("P17", _("Your data is encrypted where it is kept and on its way."), ("crypto.readable",)),
    Promise("P18", _("Sign-in is guarded: long passwords, a second step, time limits.")),
    Promise("P19", _("The site is closed to foreign scripts and foreign frames.")),
    Promise("P20", _("Records are backed up every day."), ("backup.nightly", "backup.drill")),
    Promise("P21", _("Only those who need your record can open it, and you can see who did."), ("audit.verify",)),
    Promise("P22", _("Staff who open records are trained.")),
    Promise("P23", _("You can change your password yourself.")),
    Promise("P24", _("Our mail never holds photos or payment details.")),
    Promise("P25", _("Nobody can move your account to another address without you knowing.")),
    Promise("P26", _("Every marketing mail has a way out.")),
    Promise("P27", _("Mail about your care cannot be switched off, and we say which that is.")),
    Promise("P28", _("You can end all mail by ending the relationship.")),
    Promise("P29", _("The newsletter asks twice and is kept apart from records.")),
    Promise("P30", _("You can change your details or close your sign-in.")),
    Promise("P31", _("You can see all we hold about you, at once.")),
    Promise("P32", _("You can take a copy of all of it.")),
    Promise("P33", _("You can have wrong things corrected.")),
    Promise("P34", _("You can get a list of everybody we gave something to.")),
    Promise("P35", _("Every request has a clock that you can see."), ("requests.clock",)),
    Promise("P36", _("A fee, if any, is told before the work.")),
    Promise("P37", _("A no comes with its reason and a way to have it reviewed.")),
    Promise("P38", _("Nothing in your record is changed without a reason, and the old version is kept.")),
    Promise("P39", _("If you ask us to delete your record, it is gone from our system."), ("erasure.check",)),
    Promise(
        "P40", _("A sealed copy is kept in our archive for the years that our policy says."),
        ("archive.nightly", "archive.proof", "archive.sample", "archive.inventory", "archive.destruction"),
    ),
    Promise("P41", _("After a deletion we tell you who else had received something.")),
    Promise("P42", _("You can say no to cookies and still use everything."), ("cookies.checked",)),
    Promise("P43", _("No cookie tells who you are.")),
    Promise("P44", _("No advertising cookies where you are signed in.")),
    Promise("P45", _("Nobody under 13 can sign up, and nothing of the try is kept.")),
    Promise("P46", _("Teens need a parent or guardian.")),
    Promise("P47", _("A guardian can review, delete and stop the use of a child’s data.")),
    Promise("P48", _("A guardian can report that a child’s data was shared without leave.")),
    Promise("P49", _("At 18 the record is yours alone.")),
    Promise("P50", _("Our compliance officer answers questions.")),
    Promise("P51", _("You can complain to the government, and we tell you how.")),
    Promise("P52", _("Reports of a violation are looked into.")),
    Promise("P53", _("You get our notice of privacy practices with your first consult.")),
    Promise("P54", _("Your choices of language and contact are kept everywhere.")),
    Promise("P55", _("Risks are reviewed, and reviews are dated."), ("safeguards.kept",)),
    Promise("P56", _("Misuse can be stopped without taking away your rights.")),
    Promise("S1", _("A consult on a phone takes minutes.")),
    Promise("S2", _("A clinician answers with a plan.")),
    Promise("S3", _("You and the clinic can write to each other.")),
    Promise("S4", _("You can pay and get a receipt.")),
    Promise("S5", _("Support can help without seeing health data.")),
)


# Where each part of the policy begins.
SECTIONS: tuple[tuple[str, str | LazyText], ...] = (
    ("P01", _("You and our policy")),
    ("P05", _("What we hold")),
    ("P11", _("What it is used for, and who gets it")),
    ("P17", _("How it is guarded")),
    ("P26", _("Mail")),
    ("P30", _("Your rights")),
    ("P42", _("Cookies and counting")),
    ("P45", _("Children and teens")),
    ("P50", _("Questions, complaints, oversight")),
    ("S1", _("What the clinic does for you")),
)


def tested_count() -> int:
    """How many promises have at least one test; no query."""
    tests = promise_tests()
    return sum(bool(tests.get(promise.id)) for promise in PROMISES)


@lru_cache(maxsize=1)
def promise_tests() -> dict[str, list[str]]:
    """Names of the tests of each promise, as of this release."""
    return dict(json.loads(TESTS_FILE.read_text())) if TESTS_FILE.exists() else {}


def promise_states(promises: Sequence[Promise] = PROMISES) -> list[PromiseState]:
    """How each promise stands now; one query for all evidence."""
    tests, newest, now = promise_tests(), evidence.latest_by_kind(), timezone.now()
    return [
        PromiseState(
            promise, len(tests.get(promise.id, [])), tuple(_proof(kind, newest.get(kind), now) for kind in promise.live)
        )
        for promise in promises
    ]


def _proof(kind: str, row: Evidence | None, now: dt.datetime) -> Proof:
    if row is None:
        return Proof(kind, None, holds=False)
    return Proof(kind, row.recorded_at, holds=row.passed and row.good_until >= now)


def sections(states: Sequence[PromiseState]) -> list[tuple[str | LazyText, list[PromiseState]]]:
    """The promises under their headings, in the order of the policy."""
    headings = dict(SECTIONS)
    found: list[tuple[str | LazyText, list[PromiseState]]] = []
    for state in states:
        if state.promise.id in headings:
            found.append((headings[state.promise.id], []))
        found[-1][1].append(state)
    return found

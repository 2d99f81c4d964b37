"""What each kind of letter has to say, by the row of the rules that asks for it, read in the PDF itself.

A kind that is registered and not in this table fails. Texts are compared without spaces, since lines break anywhere.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pikepdf
import pypdfium2
import pytest
from django.conf import settings as live

from portal.permissions import Purpose
from privacy.closing import closing_fields
from privacy.denials import letters as denials
from privacy.denials.grounds import BY_KIND
from privacy.disclosing import letters as disclosing
from privacy.disclosing.closing import GivenLine
from privacy.fees import calculator
from privacy.fees.selectors import cents_text
from privacy.incidents import letters as incidents
from privacy.incidents.models import Incident
from privacy.letters import making, services
from privacy.letters.models import Letter
from privacy.letters.registry import checked, kind_of, kinds
from privacy.letters.services import Recipient
from privacy.mails import Closing, books_until, log_until
from privacy.requests.models import RequestKind
from records.disclosures.models import DisclosureBasis
from records.vault.given import GivenView
from tests.privacy.writing import HOME

D = dt.date
WHY, BASIS = Purpose.LEGAL_DUTY, DisclosureBasis.LEGAL_PROCESS
TO_US = "To us: Mia Soto, privacy officer, phone (320) 555-0142, mail privacy@clearlakeskin.example."
TO_HHS = (
    "To the Secretary of the U.S. Department of Health and Human Services, Office for Civil Rights: "
    "https://www.hhs.gov/hipaa/filing-a-complaint/index.html, or by post to 200 Independence Avenue SW, Room 509F, "
    "Washington, DC 20201. Do this within 180 days."
)
COMPLAINTS = (TO_US, TO_HHS, "We will not treat you any worse for it.")
REVIEW = ("Another licensed person, who had no part in this answer, will look at it again", "(320) 555-0142")
CALL_US = "Questions? Call Mia Soto at (320) 555-0142 or write to privacy@clearlakeskin.example."
DISAGREE = (
    "You can write down why you disagree", "in a letter to us", "up to 4,000 characters",
    "If you write nothing, your request and this letter stay with this part of your record all the same, and go with "
    "it whenever we give it to somebody.",
)
ASKED = {"request": "A copy on paper", "received": "November 2, 2026"}
# A name of a field, a code of the program or a date for programs: none is a word for people.
RAW = re.compile(r"\b[a-z]+_[a-z_]+\b|%\(|[{}]|\bNone\b|\b\d{4}-\d\d-\d\d\b|\b[0-9a-f]{8}-[0-9a-f]{4}\b|\[U\+")


@dataclass(frozen=True)
class Says:
    """The rows of the rules, believable fields, and what the letter holds and does not hold because of the law."""

    rules: str
    fields: Mapping[str, str]
    holds: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    shown: frozenset[str] = field(default_factory=frozenset)  # fields that stand in it in other words


def given(day: D, who: str, *, times: int = 1, last: D | None = None) -> GivenView:
    return GivenView(
        id=uuid4(), on=day, last_on=last or day, times=times, recipient=who, reference=None, counted=True,
        recipient_address="400 Oak Street\nSt. Cloud", what="The order for a blood test", purpose=WHY.value,
        basis=BASIS.value, note="Given without your signed consent.",
    )


def closing(*, child: bool = False) -> dict[str, str]:
    line = GivenLine(who="North Lake Laboratory, St. Cloud", what="A blood test", day="March 3, 2026", times=2)
    return closing_fields(Closing(D(2033, 11, 25), True, True, [line], D(2027, 1, 1), child=child))


def fee() -> dict[str, str]:
    quote = calculator.quote(form="paper", pages=41, minutes=5, postage_cents=calculator.postage_cents(41))
    lines = "\n".join(f"{line.label}: {cents_text(line.cents)}" for line in quote.lines)
    return {"request": "A copy on paper", "pages": "41", "lines": lines, "total": cents_text(quote.cents)}


def breach() -> dict[str, str]:
    found = Incident(happened_on=D(2026, 10, 30), discovered_at=dt.datetime(2026, 11, 2, 18, tzinfo=dt.UTC))
    parts = {"happened": "A bag was lost.", "data": "Your name.", "protect": "Look at your bills.",
             "doing": "Lists stay here.", "contact": "Ask for Mia Soto."}
    return incidents.told(found, parts)


def denial(kind: RequestKind, **more: str) -> dict[str, str]:
    return {**denials.fixed_fields(kind), "received": "November 2, 2026", "basis": "The basis of it.", **more}


def days(day: D) -> str:
    return making.day_text(day)


def table() -> dict[str, Says]:
    repeated = [given(D(2026, 3, 3), "North Lake Laboratory", times=4, last=D(2026, 9, 1))]
    no = denial(RequestKind.AMENDMENT)
    return {
        "received": Says("1.2", {**ASKED, "due": "December 2, 2026"}, (CALL_US,), ("privacy page",)),
        "extension": Says(
            "1.3, 1.21, 1.32", {**ASKED, "reason": "A laboratory is closed.", "until": "January 1, 2027"},
            ("We are done by", "Why it takes longer", "The law lets us do this once", *COMPLAINTS),
        ),
        "closing": Says("P39, P41", closing(), (
            "until November 25, 2033", "our own rule of 7 years", f"until {days(log_until())} at least",
            f"until {days(books_until())} at least", "Backups with your data are gone after", "January 1, 2027",
            "North Lake Laboratory, St. Cloud: A blood test (2 times, the last on March 3, 2026)",
            "We cannot delete it there.", CALL_US, *COMPLAINTS,
        )),
        "closing.child": Says("P39, P41", closing(child=True), (
            "the record of the child you look after", "Your own account stays as it is", "the child’s own account",
            "until November 25, 2033", f"until {days(log_until())} at least", "January 1, 2027",
            "We cannot delete it there.", CALL_US, *COMPLAINTS,
        ), ("your record", "your name", "Your answers")),
        "fee_quote": Says("1.10, 1.13, 1.33, 4.7", fee(), (
            "We do not begin before you agree to it.", "Copying, 5 minutes", "Paper and envelope, 41 pages", "Postage",
            "send us a check", "Say no. Nothing is made, and nothing is owed.", "in the portal. That is free.", CALL_US,
        ), ("Search", "Retrieval", "Verification")),
        "identity_asked": Says("1.48", {**ASKED, "needed": "Call us.\nCome by with a photo ID."}, (
            "We have given nothing to anybody.", CALL_US,
        )),
        "identity_failed": Says("1.48, P37", {**ASKED, "words": "The number is another one."}, (
            "You can ask again at any time.", *REVIEW, *COMPLAINTS,
        )),
        "copy_cover": Says(
            "1.9", {"received": "November 2, 2026", "pages": "41", "asked_by": "Ana Okafor", "words": "With regards."},
            ("Enclosed: 41 pages", "If it is not meant for you, call us and send it back.", CALL_US),
        ),
        "denied.request": Says("1.16, 1.17, P37", denial(
            RequestKind.ACCESS, explain="Two pages.", withheld="The message of March 3", judge="Karin Lund, license 4",
            where_else="Lakeside Family Practice",
        ), ("You get everything else.", "Where else you can ask", "Judged by", *REVIEW, *COMPLAINTS)),
        "denied.amendment": Says("1.24, P37", {**no, "asked": "I never smoked.", "where_else": "Lakeside Practice"}, (
            *DISAGREE, *REVIEW, *COMPLAINTS,
        )),
        "denied.reviewed": Says("1.17, 1.24", {
            "reviewer": "Omar Haddad", "found": "Our answer stands", "reason": "I read both notes.", "next": "",
            "complaint": no["complaint"], "hhs": no["hhs"], **denials.statement_fields(no),
        }, ("who had no part in it", *DISAGREE, *COMPLAINTS)),
        "amendment.made": Says(
            "1.23", {"asked": "I never smoked.", "part": "Answers of a consult", "correction": "Has never smoked."},
            ("What was written before stays as it was.", "Tell us whom we should tell, and whether you agree"),
        ),
        "amendment.told": Says(
            "1.23", {"patient": "Ben Tran", "part": "Answers of a consult", "correction": "Has never smoked."},
            ("the patient wants you to know", "pass it on to whoever relies on it"), ("asked",),
        ),
        "amendment.rebuttal": Says("1.25, 1.26", {"statement": "I disagree.", "rebuttal": "We wrote what you said."}, (
            "Both go with this part of your record whenever it is shown or given to somebody.",
        )),
        "legal_process": Says("P14", {
            "authority": "District Court", "kind": "Subpoena", "given": "The consult of March", "case_number": "71-CV",
            "received": "October 2, 2026", "day": "October 20, 2026",
        }, ("Who asked for it", "What we gave", "The day we gave it", *COMPLAINTS)),
        "accounting": Says("1.28, 1.30, 1.31", {
            "since": "November 25, 2020", "until": "November 25, 2026", "counted": disclosing.lines_text(repeated),
            "others": disclosing.lines_text([given(D(2026, 5, 1), "Blue Plan")]),
        }, (
            "Day", "Who received it", "What", "Why, and on what basis", "March 3, 2026",
            "4 times, the last on September 1, 2026", "North Lake Laboratory 400 Oak Street St. Cloud",
            "The order for a blood test", str(WHY.label), str(BASIS.label),
            "What we list besides", "Blue Plan", *COMPLAINTS,
        ), shown=frozenset({"counted", "others"})),
        "assignment": Says(
            "P16", {"acquirer": "North Star, PLLC", "address": "9 Main Street\nSt. Cloud", "day": "January 1, 2027"},
            ("has promised us in writing", "ask us to delete it", *COMPLAINTS),
        ),
        "breach_notice": Says("3.10", breach(), (
            "What happened, and when", "It happened on October 30, 2026.", "We learned of it on November 2, 2026.",
            "What kinds of information were involved", "What you can do to protect yourself", "What we are doing",
            "How to reach us", "Phone, free of charge: (800) 555-0100", "Mail: privacy@clearlakeskin.example",
            "Post: Clear Lake Skin, PLLC, 12 Lakeshore Drive, Clear Lake, MN 55319", *COMPLAINTS,
        )),
        "answer": Says("1.59", {**ASKED, "answer": "You were right."}, ("Our answer", *COMPLAINTS)),
        "joined_answered": Says("P35", ASKED, ("It is done now.", *COMPLAINTS), ("Somebody else",)),
        "limit.agreed": Says(
            "1.36, 1.37", {"what": "The visit of March", "whom": "Blue Plan", "basis": "You paid for it in full."},
            ("In an emergency we may have to share it", "You can end this at any time", "by letter or by phone"),
        ),
        "reach.granted": Says(
            "1.38", {"ways": "We send letters and no email.\nWe do not call."}, ("You can change this at any time",),
            ("Why", "reason"),
        ),
        "reach.waits": Says(
            "1.38", {"site": "https://clinic.example", "phone": "(320) 555-0142"}, ("we sent no email",)
        ),
        "printed_notice": Says("1.41, 1.42", {"version": "2026-11-01"}, (
            "Here is our notice on paper, as you asked. It is in force since November 1, 2026.", "Your rights",
            "Our duties", "This notice describes how medical information about you may be used and disclosed",
        ), shown=frozenset({"version"})),
    }


@pytest.fixture(autouse=True)
def _toll_free(settings: Any) -> None:
    settings.CLINIC_TOLL_FREE = "(800) 555-0100"


def squeezed(text: str) -> str:
    return "".join(text.replace("\u200b", "").replace("\u00ad", "").split())


def letter_of(kind: str, fields: Mapping[str, str], *, enclosed: int = 0) -> Letter:
    """A letter of this kind as it is written, without a database."""
    entry = kind_of(kind)
    words = checked(entry, fields)
    blocks = [block.as_json() for block in entry.body(words)]
    content = {"title": str(entry.title), "blocks": blocks, **services._signature()}
    return Letter(
        kind=kind, reference="K7Q2M4XD", language="en-us", dated=D(2026, 11, 25), content=content,
        enclosure_pages=enclosed,
    )


def pages_of(pdf: bytes) -> list[str]:
    with pypdfium2.PdfDocument(pdf) as found:
        return [page.get_textpage().get_text_range() for page in found]


# --- What it says ------------------------------------------------------------------------------------------


def test_every_kind_of_letter_stands_in_the_table() -> None:
    assert {kind.kind for kind in kinds()} == set(table())


@pytest.mark.promise("P35", "P37", "P41", "P51")
@pytest.mark.parametrize("kind", sorted(kind.kind for kind in kinds()))
def test_the_pdf_says_what_the_law_asks(kind: str) -> None:
    row = table()[kind]
    pdf = making.letter_pdf(letter_of(kind, row.fields, enclosed=41 if kind == "copy_cover" else 0), HOME)
    text = " ".join(pages_of(pdf))
    said = squeezed(text)
    of_the_paper = (
        str(kind_of(kind).title), "Dear Ana Okafor,", *HOME.lines, "November 25, 2026", "Reference K7Q2-M4XD",
        *live.CLINIC_ADDRESS, "Clear Lake Skin, PLLC", "Privacy officer", "(320) 555-0142", "Sincerely,", "1 / ",
    )
    told = [line for name, value in row.fields.items() if name not in row.shown for line in value.splitlines()]
    for words in (*of_the_paper, *told, *row.holds):
        assert squeezed(words) in said, (row.rules, words)
    for words in row.lacks:
        assert squeezed(words) not in said, (row.rules, words)
    assert not RAW.findall(text), "codes of the program"
    tagged(pdf, str(kind_of(kind).title))
    inside(pdf)


def tagged(pdf: bytes, title: str) -> None:
    """PDF/UA-1: marked, with its language and a title that the reader's window shows."""
    with pikepdf.open(io.BytesIO(pdf)) as found:
        assert found.Root.MarkInfo.Marked
        assert "/StructTreeRoot" in found.Root
        assert str(found.Root.Lang) == "en"
        assert found.Root.ViewerPreferences.DisplayDocTitle
        assert str(found.docinfo["/Title"]) == title
        meta = bytes(found.Root.Metadata.read_bytes())
    assert b"pdfuaid:part" in meta
    assert b"pdfaid:part" in meta


def inside(pdf: bytes) -> None:
    """Nothing runs over the margins of a sheet of 612 by 792 points."""
    for box in boxes(pdf):
        assert (box[0] >= 60, box[2] <= 612 - 60, box[1] >= 30, box[3] <= 792 - 30) == (True,) * 4, box


def boxes(pdf: bytes) -> Iterator[tuple[float, float, float, float]]:
    with pypdfium2.PdfDocument(pdf) as found:
        for page in found:
            text = page.get_textpage()
            for index in range(text.count_chars()):
                if text.get_text_range(index, 1).strip():
                    yield text.get_charbox(index)


# --- Whatever is written -----------------------------------------------------------------------------------

LONG = "I asked on the phone twice and nobody wrote it down. " * 60
WORD = "Wolfeschlegelsteinhausenbergerdorff" * 4
FAR = Recipient(
    f"Nguyễn {WORD[:35]}-Featherstonehaugh, c/o Ольга",
    ("부산시 해운대구 1411", "Back House, second door on the left", "שרה", "عمر", "👩🏽 House", "Clear Lake, MN 55319"),
)


@pytest.mark.parametrize("kind", ["denied.amendment", "accounting"])
def test_long_words_long_addresses_and_every_script_stay_on_the_sheet(kind: str) -> None:
    fields = dict(table()[kind].fields)
    if kind == "accounting":
        many = [given(D(2026, 1, 1) + dt.timedelta(days=n), f"{WORD} {n} 부산시 شركة") for n in range(60)]
        fields |= {"counted": disclosing.lines_text(many)}
    else:
        fields |= {"asked": LONG, "explain": f"{WORD * 3} Ольга שרה عمر Nguyễn 부산시 👩🏽 {LONG}"}
    pdf = making.letter_pdf(letter_of(kind, fields), FAR)
    inside(pdf)
    pages = pages_of(pdf)
    assert squeezed(WORD) in squeezed(" ".join(pages))
    assert "We will not treat you any worse for it." in " ".join(pages[-1].split()), "no page is a signature alone"
    with pypdfium2.PdfDocument(pdf) as found:
        first = found[0].get_textpage()
        index, _count = first.search("Clear Lake, MN 55319", index=200).get_next()
        assert first.get_charbox(index)[1] >= 792 - (5.1 + 2.9 + 0.2) / 2.54 * 72, "in the window"
        assert found[0].get_textpage().search("November 25, 2026").get_next()
    if kind == "accounting":
        assert all("Who received it" in page for page in pages[:-1]), "the table's head is on each page"


def test_a_letter_to_a_childs_parents_greets_the_parents() -> None:
    name = str(making.TO_PARENTS) % {"name": "Cleo Okafor"}
    assert making.salutation(name) == "Dear parent or guardian of Cleo Okafor,"
    assert making.salutation("Ana Okafor") == "Dear Ana Okafor,"
    assert making.salutation("") == "Hello,"


def test_a_breach_notice_says_nothing_twice_that_was_written_already() -> None:
    found = Incident(happened_on=None, discovered_at=dt.datetime(2026, 11, 2, 18, tzinfo=dt.UTC))
    whole = "\n".join((
        *live.CLINIC_ADDRESS, "(800) 555-0100", live.CLINIC_PHONE, live.CLINIC_OFFICER_EMAIL,
    ))
    parts = {"happened": "We saw it on November 2, 2026.", "contact": whole, "data": "d", "protect": "p", "doing": "w"}
    assert incidents.told(found, parts) == parts


@pytest.mark.promise("P41")
def test_the_last_letter_says_what_lies_in_the_archive_and_what_does_not() -> None:
    list_kept = closing_fields(Closing(D(2032, 11, 25), False, False, [], D(2027, 1, 1), list_only=True))
    assert "The list of who received something of the record, locked in our archive until Nov" in list_kept["kept"]
    nothing = closing_fields(Closing(None, False, False, [], D(2027, 1, 1), list_only=True))
    assert "Nothing of it is in our archive" in nothing["kept"] and "books" not in nothing["kept"]
    assert "nothing of the record that went to anybody" in nothing["recipients"] and not nothing["kept_until"]
    assert nothing["beyond"] == "If you gave a copy to somebody yourself, only they can delete it."


@pytest.mark.promise("P37")
def test_every_listed_ground_makes_a_whole_letter_in_plain_words() -> None:
    for kind, grounds in BY_KIND.items():
        entry = kind_of(denials.kind_name(kind))
        for ground in grounds:
            fields = checked(entry, {**denials.fixed_fields(kind), "basis": str(ground.words)})
            words = " ".join(block.text for block in entry.body(fields))
            assert str(ground.words) in words and not RAW.findall(words), ground.code


def test_a_letter_tells_nobody_what_somebody_else_wrote() -> None:
    """Only the correction itself goes to others; what was asked for, and a statement, stay with the patient."""
    told = kind_of("amendment.told")
    assert {*told.required, *told.optional} == {"patient", "part", "correction"}
    joined = kind_of("joined_answered")
    assert {*joined.required, *joined.optional} == {"request", "received"}

"""Papers that patients of the demo hand in: made-up lab results, set like a laboratory sets them."""

from __future__ import annotations

import datetime as dt
from uuid import UUID, uuid4

import typst
from django.core.files.base import ContentFile

from portal.context import Actor
from portal.demo.clock import ago
from records.documents.models import DocumentKind
from records.documents.processing import document_process
from records.documents.services import document_receive

BLOOD = """
#set page(paper: "us-letter", margin: 2.2cm)
#set text(size: 11pt)
= North Lake Laboratory
Made-up result for the demo. #h(1fr) Page 1 of 1
#v(1em)
#table(columns: (2fr, 1fr, 1fr, 1fr), stroke: 0.5pt + gray,
  [*Test*], [*Result*], [*Unit*], [*Usual*],
  [Potassium], [4.2], [mmol/L], [3.5 to 5.1],
  [ALT], [21], [U/L], [under 35],
  [Triglycerides], [96], [mg/dL], [under 150],
  [Hemoglobin], [13.4], [g/dL], [12.0 to 15.5])
#v(1em)
All results are within the usual range.
"""
LETTER = """
#set page(paper: "us-letter", margin: 2.2cm)
#set text(size: 11pt)
= Lakeside Family Practice
#v(1em)
To whom it may concern (made up for the demo),

the patient was seen for acne of the face two years ago. A wash with benzoyl peroxide was given.
There was no allergy to it.
"""


def hand_in(*, by: Actor, patient_id: UUID) -> None:
    """A blood test and a letter, received and prepared as any other upload."""
    for days, kind, title, source in (
        (60, DocumentKind.LAB_RESULT, "Blood test", BLOOD),
        (320, DocumentKind.OUTSIDE_RECORD, "Letter from my family doctor", LETTER),
    ):
        with ago(days=days) as moment:
            row = document_receive(
                by=by, patient_id=patient_id, kind=kind, title=title, dated=moment.date() - dt.timedelta(days=6),
                upload=ContentFile(typst.compile(source.encode()), name="paper.pdf"), form_key=uuid4(),
            )
            document_process(document_id=row.pk)

"""What was asked, word for word, and what was answered: Questionnaire and QuestionnaireResponse.

A consult's questions are its own: two consults with the same wording share one Questionnaire.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid5

from records.export.fhir.base import (
    Resource,
    absent,
    instant,
    organization_id,
    own_id,
    pruned,
    ref,
    system,
    text_of,
)
from records.vault.content import UNREADABLE, AnswerView, EncounterView
from records.vault.sections import SectionsView, TopicView


@dataclass(frozen=True)
class Answered:
    """A response with the form it answers."""

    form: Resource
    response: Resource


def encounter_answers(encounter: EncounterView) -> Answered | None:
    """The answers of one consult, or None without any."""
    if not encounter.answers:
        return None
    form = _form("Questions of an online consult", [_question(answer) for answer in encounter.answers])
    return _answered(
        form, own_id("answers", encounter.id), encounter.patient_id,
        status="completed" if encounter.submitted_at else "in-progress",
        encounter=encounter.id,
        authored=max(answer.answered_at for answer in encounter.answers),
        items=[_answer(answer) for answer in encounter.answers],
    )


def topic_answers(patient_id: UUID, sections: SectionsView) -> Iterator[Answered]:
    """The health history and the private answers, each with its own words."""
    for name, topics in (("Health history", sections.history), ("Private answers", sections.private)):
        if topics:
            form = _form(name, [{"linkId": topic.topic, "text": topic.label, "type": "text"} for topic in topics])
            yield _answered(
                form, own_id(name, patient_id), patient_id, status="completed", encounter=None,
                authored=max(topic.updated_at for topic in topics), items=[_topic(topic) for topic in topics],
            )


def _answered(
    form: Resource, ident: UUID, patient_id: UUID, *, status: str, encounter: UUID | None, authored: dt.datetime,
    items: list[Resource],
) -> Answered:
    response = pruned(
        {
            "resourceType": "QuestionnaireResponse",
            "id": str(ident),
            "questionnaire": form["url"],
            "status": status,
            "subject": ref(patient_id),
            "encounter": ref(encounter) if encounter else None,
            "authored": instant(authored),
            "author": ref(patient_id),
            "source": ref(patient_id),
            "item": items,
        }
    )
    return Answered(form, response)


def _form(title: str, items: list[Resource]) -> Resource:
    """Its id follows from its words, so the same questions are one form."""
    ident = uuid5(organization_id(), json.dumps([title, items], sort_keys=True, default=str))
    return pruned(
        {
            "resourceType": "Questionnaire",
            "id": str(ident),
            "url": f"{system('Questionnaire')}/{ident}",
            "status": "active",
            "subjectType": ["Patient"],
            "title": title,
            "item": items,
        }
    )


def _question(answer: AnswerView) -> Resource:
    """As asked. Which choices were not taken is not kept with the answer, so none are listed."""
    value = answer.value or {}
    kind = "text"
    if "codes" in value:
        kind = "open-choice"
    elif "number" in value:
        kind = "quantity" if value.get("unit") else "decimal"
    return {
        "linkId": answer.question_id, "text": answer.question_text, "type": kind,
        "repeats": True if kind == "open-choice" else None,
    }


def _answer(answer: AnswerView) -> Resource:
    item: Resource = {"linkId": answer.question_id, "text": answer.question_text}
    value = answer.value
    if value is None:
        return {**item, "extension": [absent("error")]}
    if "codes" in value:
        labels = value.get("labels") or value["codes"]
        pairs = zip(value["codes"], labels, strict=False)
        return {**item, "answer": [{"valueCoding": {"code": code, "display": label}} for code, label in pairs]}
    if "number" in value:
        if not value.get("unit"):
            return {**item, "answer": [{"valueDecimal": value["number"]}]}
        return {**item, "answer": [{"valueQuantity": {"value": value["number"], "unit": value["unit"]}}]}
    return {**item, "answer": [{"valueString": str(value.get("text", ""))}]}


def _topic(topic: TopicView) -> Resource:
    item: Resource = {"linkId": topic.topic, "text": topic.label}
    if topic.text is UNREADABLE:
        return {**item, "extension": [absent("error")]}
    return {**item, "answer": [{"valueString": words}]} if (words := text_of(topic.text)) else item

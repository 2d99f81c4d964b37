"""What the pages of the sections say."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from records.history.kinds import TOPICS, Topic
from records.history.models import Section
from records.vault import SectionsView, TopicView
from records.views.rows import topics_of

Words = str | Promise

INTRO: dict[Section, Words] = {
    Section.ALLERGIES: _("What you must not get. Your clinician looks here before choosing a medicine."),
    Section.MEDICATIONS: _("Everything you use: from a clinician, from the drugstore, vitamins and creams too."),
    Section.CONDITIONS: _("Illnesses and other conditions, of the skin and of the rest of you."),
    Section.HISTORY: _("What happened before. It helps your clinician to see the whole of you."),
    Section.PRIVATE: _("Answers that are nobody else’s business. They can change which medicine is safe."),
    Section.IDENTIFIERS: _("Kept covered. Each time a number is shown, your record notes who looked and when."),
}
ADD: dict[Section, Words] = {
    Section.ALLERGIES: _("Add an allergy"),
    Section.MEDICATIONS: _("Add a medicine"),
    Section.CONDITIONS: _("Add a condition"),
    Section.IDENTIFIERS: _("Add a number"),
}
ADDED: dict[Section, Words] = {
    Section.ALLERGIES: _("The allergy is in your record now."),
    Section.MEDICATIONS: _("The medicine is in your record now."),
    Section.CONDITIONS: _("The condition is in your record now."),
    Section.IDENTIFIERS: _("The number is in your record now, covered."),
}


@dataclass(frozen=True)
class TopicRow:
    """One topic of a section with its answer, None where nothing was said."""

    topic: Topic
    answer: TopicView | None


def topic_rows(sections: SectionsView, section: Section) -> list[TopicRow]:
    """All topics in order, then answers to topics that are not asked any more."""
    answers = topics_of(sections, section) if TOPICS.get(section) else {}
    rows = [TopicRow(topic, answers.pop(topic.code, None)) for topic in TOPICS.get(section, ())]
    return rows + [TopicRow(Topic(code, answer.label), answer) for code, answer in answers.items()]

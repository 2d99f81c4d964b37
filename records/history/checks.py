"""What may be kept in an entry: cleaned, bounded, and refused with a sentence that helps."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from portal.errors import DomainError
from records.history.kinds import ANSWER, NUMBER_LONGEST, NUMBER_SHORTEST, PARTS, Part, Topic
from records.history.models import Section
from records.people.names import clean_line, clean_text


def checked_parts(section: Section, values: Mapping[str, str]) -> dict[str, object]:
    """The parts of an entry as they are kept; parts that the section does not have fall away.

    Raises ``DomainError`` with the part's name as its field: ``missing``, ``too_long``, ``no_choice``.
    """
    return {part.name: _part(part, str(values.get(part.name) or "")) for part in PARTS[section]}


def checked_number(text: str) -> str:
    """A number of any country: letters, digits and marks. Raises ``number_short``, ``number_long``."""
    line = clean_line(text)
    if sum(letter.isalnum() for letter in line) < NUMBER_SHORTEST:
        raise DomainError(
            "number_short", _("Please give the whole number, with at least %(count)d letters or digits.")
            % {"count": NUMBER_SHORTEST}, "number",
        )
    if len(line) > NUMBER_LONGEST:
        raise DomainError(
            "number_long", _("This is longer than any number we know. Please use at most %(count)d signs.")
            % {"count": NUMBER_LONGEST}, "number",
        )
    return line


def tail_of(number: str) -> str:
    """The end of a number, by which its owner knows it: two to four signs, never more than half."""
    signs = "".join(letter for letter in number if letter.isalnum())
    shown = 4 if len(signs) >= 10 else 3 if len(signs) >= 7 else 2
    return signs[-shown:]


def checked_topic(topic: Topic, choice: str, text: str) -> dict[str, str]:
    """One answer as it is kept; empty where nothing was said. Raises ``too_long``, ``no_choice``."""
    if choice and choice not in topic.choices:
        raise DomainError("no_choice", _("Please choose one of the answers."), f"{topic.code}-choice")
    words = clean_text(text)
    if len(words) > ANSWER:
        raise _too_long(ANSWER, f"{topic.code}-text")
    kept = {"choice": choice, "text": words}
    return {name: said for name, said in kept.items() if said}


def missing_words(part: Part) -> str:
    """The sentence for a part that was left out; it names the part, for a list of several."""
    if part.choices:
        return _("Please choose an answer: %(what)s") % {"what": part.label}
    return _("Please fill in: %(what)s") % {"what": part.label}


def _part(part: Part, text: str) -> str:
    if part.choices:
        if text and text not in part.choices:
            raise DomainError("no_choice", _("Please choose one of the answers."), part.name)
        if not text and part.required:
            raise DomainError("missing", missing_words(part), part.name)
        return text
    line = clean_text(text) if part.lines else clean_line(text)
    if part.required and not line:
        raise DomainError("missing", missing_words(part), part.name)
    if len(line) > part.length:
        raise _too_long(part.length, part.name)
    return line


def _too_long(most: int, field: str) -> DomainError:
    return DomainError("too_long", _("Please use at most %(count)d letters here.") % {"count": most}, field)

"""The kinds of letter, as the rooms register them at start, and the blocks that a letter is made of.

A room writes its kinds in a file of its own and registers them from ``AppConfig.ready``:

    register(LetterKind(
        "amendment.denied", _("We did not change your record"), required=("ground", "words"),
        optional=("where_else",), body=_amendment_denied,
    ))

``body`` gets every field, the blank optional ones as "", and answers the blocks between "Dear ..."
and the signature. It runs once, when the letter is written: what was written stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from portal.errors import DomainError

Text: TypeAlias = str | Promise
_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")
KIND_SIGNS = 60
HHS_COMPLAINTS = "https://www.hhs.gov/hipaa/filing-a-complaint/index.html"
HHS_ADDRESS = "200 Independence Avenue SW, Room 509F, Washington, DC 20201"


@dataclass(frozen=True)
class Block:
    """One piece of a letter. ``kind``: paragraph, heading, subheading, list, facts (pairs), table (rows of such
    pairs, each with the same names) or quote (somebody's own words)."""

    kind: str
    text: str = ""
    items: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    rows: tuple[tuple[tuple[str, str], ...], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As the letter's row keeps it."""
        return {
            "kind": self.kind, "text": self.text, "items": list(self.items), "pairs": [list(p) for p in self.pairs],
            "rows": [[list(pair) for pair in row] for row in self.rows],
        }


def paragraph(text: Text) -> Block:
    """A paragraph; line breaks stay."""
    return Block("paragraph", str(text).strip())


def heading(text: Text) -> Block:
    """A small heading inside the letter."""
    return Block("heading", str(text).strip())


def subheading(text: Text) -> Block:
    """A heading below a heading."""
    return Block("subheading", str(text).strip())


def bullets(*items: Text) -> Block:
    """A list with dots."""
    return Block("list", items=tuple(str(item).strip() for item in items))


def facts(*pairs: tuple[Text, Text]) -> Block:
    """Names and values below each other; pairs without a value are left out."""
    told = ((str(name).strip(), str(value).strip()) for name, value in pairs)
    return Block("facts", pairs=tuple(pair for pair in told if pair[1]))


def table(head: tuple[Text, ...], rows: Iterable[tuple[str, ...]]) -> Block:
    """A table on paper; on a page each row stands below the one before it, with the names of its columns."""
    names = tuple(str(name) for name in head)
    told = (tuple(str(value).strip() for value in row) for row in rows)
    return Block("table", rows=tuple(tuple(zip(names, row, strict=True)) for row in told))


def quote(text: Text) -> Block:
    """Words of a person, set apart from the clinic's own."""
    return Block("quote", str(text).strip())


Body: TypeAlias = Callable[[Mapping[str, str]], list[Block]]


@dataclass(frozen=True)
class LetterKind:
    """One kind of letter. ``labels`` name its fields to staff; without one, the field's own name is shown."""

    kind: str
    title: Text
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    body: Body = field(default=lambda fields: [paragraph(fields["words"])])
    labels: Mapping[str, Text] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """The field's name for people."""
        return str(self.labels.get(name) or name.replace("_", " "))


_kinds: dict[str, LetterKind] = {}


def register(kind: LetterKind) -> None:
    """Add a kind; the same name again replaces it. Raises ``ImproperlyConfigured`` for a bad declaration."""
    if not _KIND.fullmatch(kind.kind) or len(kind.kind) > KIND_SIGNS:
        raise ImproperlyConfigured(f"letter kind {kind.kind!r} is not a code")
    if not str(kind.title).strip():
        raise ImproperlyConfigured(f"{kind.kind}: a letter needs a title")
    twice = set(kind.required) & set(kind.optional)
    if twice:
        raise ImproperlyConfigured(f"{kind.kind}: {sorted(twice)} cannot be both required and optional")
    _kinds[kind.kind] = kind


def kind_of(name: str) -> LetterKind:
    """The kind's entry. Raises ``LookupError`` when no room has registered it."""
    try:
        return _kinds[name]
    except KeyError:
        raise LookupError(f"no letter of the kind {name} is registered") from None


def kinds() -> list[LetterKind]:
    """All registered kinds, by name."""
    return [_kinds[name] for name in sorted(_kinds)]


def checked(kind: LetterKind, given: Mapping[str, str]) -> dict[str, str]:
    """Every field of the kind, trimmed; blank optional ones are "".

    Raises ``DomainError`` ``letter_field`` that names a required field left blank, and
    ``letter_field_unknown`` for one that the kind does not have.
    """
    unknown = sorted(set(given) - set(kind.required) - set(kind.optional))
    if unknown:
        raise DomainError(
            "letter_field_unknown", _("This letter has no field “%(field)s”.") % {"field": unknown[0]}, unknown[0]
        )
    fields = {name: str(given.get(name, "")).strip() for name in (*kind.required, *kind.optional)}
    for name in kind.required:
        if not fields[name]:
            raise DomainError(
                "letter_field",
                _("The letter is not complete: fill in “%(field)s”.") % {"field": kind.label(name)}, name,
            )
    return fields


def how_to_complain() -> list[Block]:
    """To the clinic (name and phone) and to the HHS Secretary, and that nobody is treated worse (RULES 1.16, P51)."""
    clinic = {
        "officer": settings.CLINIC_OFFICER_NAME, "phone": settings.CLINIC_PHONE,
        "email": settings.CLINIC_OFFICER_EMAIL, "url": HHS_COMPLAINTS, "address": HHS_ADDRESS,
    }
    return [
        heading(_("How to complain")),
        paragraph(_("If you think that we got this wrong, you can complain. It does not cost anything.")),
        bullets(
            _("To us: %(officer)s, privacy officer, phone %(phone)s, mail %(email)s.") % clinic,
            _(
                "To the Secretary of the U.S. Department of Health and Human Services, Office for Civil Rights: "
                "%(url)s, or by post to %(address)s. Do this within 180 days."
            ) % clinic,
        ),
        paragraph(_("We will not treat you any worse for it.")),
    ]


def how_to_ask_for_review() -> list[Block]:
    """Every denial can be reviewed by somebody who had no part in it (P37, RULES 1.16, 1.17)."""
    clinic = {
        "officer": settings.CLINIC_OFFICER_NAME, "phone": settings.CLINIC_PHONE,
        "email": settings.CLINIC_OFFICER_EMAIL,
    }
    return [
        heading(_("You can ask for a review")),
        paragraph(
            _(
                "Another licensed person, who had no part in this answer, will look at it again. We do what that "
                "person decides. Ask for it on the privacy page of the portal, write to %(officer)s at %(email)s, "
                "or call %(phone)s."
            ) % clinic
        ),
    ]

"""From a kind's words to a whole mail: signature, reason, address, and the plain HTML twin.

Apps write the body only, once, as plain text. The HTML twin is made from it: paragraphs, lists
and links, no pictures, no styles, nothing that is fetched from anywhere. There is no way to
attach a file (P24).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Template
from django.template.base import Node, VariableNode
from django.template.loader import get_template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from portal.outbox.models import Category, OutgoingMail
from portal.outbox.registry import Mail, Rendered, subject_of

_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


class BadLetter(ValueError):
    """What a kind rendered cannot be sent; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Letter:
    """The template of a mail's body, ``<template>.txt``, with the variables that it declares.

    ``render`` wants exactly these, so a template can never reach for more than its kind says.
    """

    template: str
    declares: tuple[str, ...] = ()

    def render(self, **variables: Any) -> Rendered:
        """The body's words. Raises ``BadLetter`` when the variables are not the declared ones."""
        if set(variables) != set(self.declares):
            raise BadLetter("variables_differ")
        text = _template(f"{self.template}.txt").render(Context(variables, autoescape=False))
        return Rendered(text=text)

    def undeclared(self) -> set[str]:
        """Names that the template uses and does not declare (for the tests' linter)."""
        return _names(_template(f"{self.template}.txt")) - set(self.declares)


def build(row: OutgoingMail, mail: Mail, rendered: Rendered, address: str) -> EmailMultiAlternatives:
    """The whole mail, to exactly one person, under the row's own Message-ID.

    Raises ``BadLetter`` for an empty body, a subject that is not the kind's own, or marketing
    without a way to unsubscribe.
    """
    subject = subject_of(mail)
    if str(rendered.subject) not in ("", subject, str(mail.subject)):
        raise BadLetter("subject_differs")
    if not rendered.text.strip():
        raise BadLetter("empty_body")
    marketing = row.category == Category.MARKETING
    if marketing and not rendered.unsubscribe_url:
        raise BadLetter("no_unsubscribe")
    headers = {"Message-ID": row.message_id, "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    if marketing:
        headers["List-Unsubscribe"] = f"<{rendered.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    around = _around(row, rendered, subject)
    text = _template("outbox/base.txt").render(Context({**around, "body": rendered.text.strip()}, autoescape=False))
    body_html = mark_safe(rendered.html) if rendered.html else text_to_html(rendered.text)  # noqa: S308
    html = _template("outbox/base.html").render(Context({**around, "body": body_html}))
    message = EmailMultiAlternatives(subject, text, settings.DEFAULT_FROM_EMAIL, [address], headers=headers)
    message.attach_alternative(html, "text/html")
    return message


def text_to_html(text: str) -> SafeString:
    """Plain text as simple HTML: blank lines part paragraphs, ``- `` lines are lists, links work."""
    parts = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.splitlines()
        if all(line.lstrip().startswith("- ") for line in lines):
            items = "".join(f"<li>{_linked(line.lstrip()[2:])}</li>" for line in lines)
            parts.append(f"<ul>{items}</ul>")
        else:
            parts.append("<p>" + "<br>\n".join(_linked(line) for line in lines) + "</p>")
    return mark_safe("\n".join(parts))  # noqa: S308 - every piece was escaped above


def _linked(line: str) -> str:
    pieces, at = [], 0
    for match in _LINK.finditer(line):
        link = escape(match[0])
        pieces += [escape(line[at : match.start()]), f'<a href="{link}">{link}</a>']
        at = match.end()
    return "".join([*pieces, escape(line[at:])])


def _around(row: OutgoingMail, rendered: Rendered, subject: str) -> dict[str, Any]:
    return {
        "subject": subject,
        "category": row.category,
        "has_account": row.account_id is not None,
        "unsubscribe_url": rendered.unsubscribe_url,
        "clinic_name": settings.CLINIC_NAME,
        "clinic_legal_name": settings.CLINIC_LEGAL_NAME,
        "clinic_address": ", ".join(settings.CLINIC_ADDRESS),
        "clinic_phone": settings.CLINIC_PHONE,
        "site_url": settings.SITE_URL,
    }


@lru_cache(maxsize=128)
def _template(name: str) -> Template:
    """Parsed once per process: Django's own lookup costs more than the rendering."""
    return get_template(name).template  # type: ignore[attr-defined, no-any-return]


def _names(template: Template) -> set[str]:
    """First names of all variables that a template prints or tests."""
    found: set[str] = set()
    for node in template.nodelist.get_nodes_by_type(Node):
        if isinstance(node, VariableNode):
            lookups = getattr(node.filter_expression.var, "lookups", None)
            if lookups:
                found.add(lookups[0])
    return found

"""From a kind's words to a whole mail: signature, reason, address, and the plain HTML twin.

Apps write the body only, once, as plain text. The HTML twin is made from it: paragraphs, lists
and links, no pictures, no styles, nothing that is fetched from anywhere. There is no way to
attach a file (P24).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.header import Header
from email.utils import formatdate
from functools import lru_cache
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.message import sanitize_address
from django.template import Context, Template
from django.template.base import Node, VariableNode
from django.template.loader import get_template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

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


def build(row: OutgoingMail, mail: Mail, rendered: Rendered, address: str) -> OutboxMessage:
    """The whole mail, to exactly one person, under the row's own Message-ID.

    Raises ``BadLetter`` for an empty body, a subject that is not the kind's own, or marketing
    without a way to unsubscribe.
    """
    subject = subject_of(mail)
    if str(rendered.subject) not in ("", subject, str(mail.subject)):
        raise BadLetter("subject_differs")
    if not rendered.text.strip():
        raise BadLetter("empty_body")
    headers = {"Message-ID": row.message_id, "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    if row.category == Category.MARKETING:
        if not rendered.unsubscribe_url:
            raise BadLetter("no_unsubscribe")
        headers["List-Unsubscribe"] = f"<{rendered.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    frame = _frame(row.category, row.account_id is not None, subject, get_language() or "", _clinic())
    way_out = rendered.unsubscribe_url
    text = frame.text.replace(_WAY_OUT, way_out).replace(_BODY, rendered.text.strip())
    html = frame.html.replace(_WAY_OUT, escape(way_out)).replace(_BODY, rendered.html or text_to_html(rendered.text))
    message = OutboxMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [address], headers=headers)
    message.html = html
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


# Stand in the frame where the words of one mail go. The body comes last, so nothing in it is replaced.
_BODY, _WAY_OUT = "\ue000", "\ue001"


@dataclass(frozen=True, slots=True)
class _Frame:
    """What stands round the words of every mail of a kind."""

    text: str
    html: str


def _clinic() -> tuple[tuple[str, str], ...]:
    """The clinic as mails name it; part of the frame's key, so that changed settings count."""
    return (
        ("clinic_name", settings.CLINIC_NAME),
        ("clinic_legal_name", settings.CLINIC_LEGAL_NAME),
        ("clinic_address", ", ".join(settings.CLINIC_ADDRESS)),
        ("clinic_phone", settings.CLINIC_PHONE),
        ("site_url", settings.SITE_URL),
    )


@lru_cache(maxsize=256)
def _frame(
    category: str, has_account: bool, subject: str, language: str, clinic: tuple[tuple[str, str], ...]
) -> _Frame:
    """Rendered once per kind and language: ten thousand newsletters share one frame."""
    around = {
        **dict(clinic), "category": category, "has_account": has_account, "subject": subject,
        "language": language or "en", "unsubscribe_url": _WAY_OUT, "body": mark_safe(_BODY),  # noqa: S308 - a placeholder
    }
    text = _template("outbox/base.txt").render(Context(around, autoescape=False))
    return _Frame(text, _template("outbox/base.html").render(Context(around)))


class OutboxMessage(EmailMultiAlternatives):
    """A mail of two texts, which can write itself down without the email package's generator.

    That generator is half of the work of sending a mail. Where anything is out of the ordinary
    ``wire`` answers None and the usual way is taken.
    """

    html = ""

    def wire(self) -> bytes | None:
        """The mail as bytes with CRLF line ends; the same parts as Django would write."""
        recipient, html = self.to[0], self.html
        if not (recipient.isascii() and _PLAIN_HEADER.fullmatch(recipient)):
            return None
        headers = [
            ("Subject", _header(self.subject)), ("From", _header(self.from_email)), ("To", recipient),
            ("Date", formatdate()), *self.extra_headers.items(),
        ]
        if not all(_PLAIN_HEADER.fullmatch(value) for _name, value in headers):
            return None
        if max(map(len, f"{self.body}\n{html}".splitlines())) > _LINE_MOST:
            return None
        boundary = f"=={uuid4().hex}=="
        lines = [
            f'Content-Type: multipart/alternative; boundary="{boundary}"', "MIME-Version: 1.0",
            *(f"{name}: {value}" for name, value in headers), "",
        ]
        for kind, content in (("plain", self.body), ("html", html)):
            lines += [
                f"--{boundary}", f'Content-Type: text/{kind}; charset="utf-8"', "MIME-Version: 1.0",
                "Content-Transfer-Encoding: 8bit", "", *content.splitlines(), "",
            ]
        return "\r\n".join([*lines, f"--{boundary}--", ""]).encode()


_PLAIN_HEADER = re.compile(r"[ -~]{1,900}")
_LINE_MOST = 240  # signs; at four bytes each still within SMTP's 998


@lru_cache(maxsize=256)
def _header(text: str) -> str:
    """A header's value in ASCII; an address keeps its form."""
    if text.isascii():
        return text
    return sanitize_address(text, "utf-8") if "@" in text else Header(text, "utf-8").encode()


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

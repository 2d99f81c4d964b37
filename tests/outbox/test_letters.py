"""The words of mails: what may stand in them, and what a kind must say about itself."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from portal.outbox import registry
from portal.outbox.letters import BadLetter, Letter, build, text_to_html
from portal.outbox.models import OutgoingMail
from portal.outbox.registry import Mail, Rendered
from portal.outbox.services import mail_queue
from portal.outbox.smtp import wire_bytes


def render(_context):
    return Rendered(text="words")


@pytest.mark.promise("P24")
@pytest.mark.parametrize(
    "subject",
    ["", "  ", "Hello %(name)s", "Hello {name}", "Hello {}", "Paid %s", "A\nBcc: x@example.org", "x" * 79, "{clinic}"],
)
def test_a_subject_with_anything_but_the_clinics_name_filled_in_is_refused(subject, kinds):
    with pytest.raises(ImproperlyConfigured):
        registry.register(Mail("tests.bad", "operational", render, subject))


def test_a_subject_may_name_the_clinic(kinds):
    mail = Mail("tests.good", "operational", render, "A word from %(clinic)s")
    registry.register(mail)
    assert registry.subject_of(mail) == "A word from Clear Lake Skin"


@pytest.mark.promise("P12")
def test_marketing_without_a_gate_cannot_be_registered(kinds):
    with pytest.raises(ImproperlyConfigured, match="P12"):
        registry.register(Mail("tests.ad", "marketing", render, "News"))


def build_from(rendered, category="operational"):
    row = OutgoingMail(category=category, message_id="<1@x>", account_id=uuid4())
    return build(row, Mail("tests.x", category, render, "News"), rendered, "ana@example.org")


@pytest.mark.parametrize(
    ("rendered", "category", "code"),
    [
        (Rendered(text="  "), "operational", "empty_body"),
        (Rendered(subject="Your acne", text="x"), "operational", "subject_differs"),
        (Rendered(text="x"), "marketing", "no_unsubscribe"),
    ],
)
def test_a_letter_that_breaks_the_rules_is_not_built(rendered, category, code):
    with pytest.raises(BadLetter, match=code):
        build_from(rendered, category)


def test_the_html_twin_shows_what_was_typed_and_runs_nothing():
    html = text_to_html("O'Grady <b>x</b>\nsecond\n\n- one\n- two & three\n\nSee https://a.example/b?c=1&d=2.")
    assert "<b>" not in html and "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<ul><li>one</li><li>two &amp; three</li></ul>" in html
    assert '<a href="https://a.example/b?c=1&amp;d=2">' in html and html.endswith(".</p>")


def test_plain_text_keeps_names_as_they_are():
    message = build_from(Rendered(text="Dear O'Grady & Sons"))
    assert "Dear O'Grady & Sons" in message.body
    assert "O&#x27;Grady &amp; Sons" in message.alternatives[0].content


def test_a_letter_takes_its_declared_variables_and_no_others():
    letter = Letter("outbox/base", ("body",))
    with pytest.raises(BadLetter, match="variables_differ"):
        letter.render(body="x", name="Ana")
    assert "site_url" in letter.undeclared() and "body" not in letter.undeclared()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "no address"}, {"address": "a@example.org\nBcc: b@example.org"}, {"address": None},
        {"once_key": "Ana Okafor"}, {"once_key": ""}, {"refs": {"note": "itchy red skin"}}, {"refs": {"n": 1}},
    ],
)
def test_what_is_no_address_and_no_code_is_refused_when_queueing(kinds, wrong):
    with pytest.raises(ValueError):
        mail_queue(**{"kind": "tests.plain", "address": "ana@example.org", "once_key": "a:1", **wrong})
    assert not OutgoingMail.objects.exists()


@pytest.mark.django_db
def test_an_unknown_kind_is_refused_when_queueing(kinds):
    with pytest.raises(LookupError):
        mail_queue(kind="tests.nothing", address="ana@example.org", once_key="a:1")


def test_every_kind_that_the_product_registers_keeps_the_rules_of_subjects():
    for mail in registry.kinds():
        assert registry.subject_problem(mail.subject) == "", mail.kind
        assert registry.mail_of(mail.kind) is mail


@pytest.mark.parametrize("name", ["Clear Lake Skin", "Klinik Schönhaut", "皮膚科"])
@pytest.mark.parametrize("text", ["words", "é 李 👩🏽\n.dot first\n\n..two\n- list", "x\ue000y\ue001z", "long " * 400])
def test_the_quick_form_of_a_mail_says_the_same_as_djangos(settings, name, text):
    settings.CLINIC_NAME = name
    settings.DEFAULT_FROM_EMAIL = f"{name} <hello@clinic.example>"
    row = OutgoingMail(category="operational", message_id="<1@x>", account_id=uuid4())
    mail = Mail("tests.x", "operational", render, "News from %(clinic)s")
    message = build(row, mail, Rendered(text=text), "ana@example.org")
    ours, theirs = (
        message_from_bytes(content, policy=policy.default)
        for content in (wire_bytes(message), message.message().as_bytes(linesep="\r\n"))
    )
    for header in ("Subject", "From", "To", "Message-ID", "Auto-Submitted"):
        assert ours[header] == theirs[header]
    for kind in ("plain", "html"):
        mine, djangos = (parsed.get_body((kind,)).get_content().splitlines() for parsed in (ours, theirs))
        assert mine == djangos and name in "\n".join(mine)
    assert [part.get_content_type() for part in ours.walk()] == [part.get_content_type() for part in theirs.walk()]
    assert not ours.defects


def test_a_frame_follows_the_settings(settings):
    first = build_from(Rendered(text="x")).body
    settings.CLINIC_PHONE = "555-0000"
    assert "555-0000" not in first and "555-0000" in build_from(Rendered(text="x")).body


MAIL_TEMPLATES = sorted(
    path for path in (settings.BASE_DIR / "templates").glob("**/*")
    if path.is_file() and {"mail", "mails", "outbox"} & set(path.parts) and "staff" not in path.parts
    and not path.name.startswith("inbox")
)


@pytest.mark.promise("P24")
@pytest.mark.parametrize("path", MAIL_TEMPLATES, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_no_mail_template_can_show_a_payment_a_photo_or_anything_fetched(path):
    source = path.read_text()
    for variable in re.findall(r"{{(.*?)}}|with (.*?)%}", source):
        words = set(re.split(r"[^a-z]+", "".join(variable).lower()))
        assert not words & {"amount", "cents", "price", "fee", "total", "card", "photo", "thumbnail", "paid"}
    assert not re.search(r"<img|<link|<script|<style|style=|url\(|[$€]\s?\d|\bUSD\b", source)


def test_the_products_mails_were_found():
    assert len(MAIL_TEMPLATES) > 5

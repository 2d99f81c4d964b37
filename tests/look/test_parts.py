"""The parts that every page is made of: fields, errors, times, links."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.test import RequestFactory

from portal.pages.templatetags import portal_ui


class _Form(forms.Form):
    name = forms.CharField(label="Your name", help_text="As on your card.")
    tried = forms.MultipleChoiceField(
        label="What have you tried?",
        choices=[("a", "Adapalene"), ("n", "Nothing")],
        widget=forms.CheckboxSelectMultiple,
    )
    born = forms.DateField(label="Born", widget=forms.SelectDateWidget(years=range(1990, 1993)))
    note = forms.CharField(label="A note", required=False, widget=forms.Textarea)
    agree = forms.BooleanField(label="I agree")
    key = forms.CharField(widget=forms.HiddenInput, required=False)


def _render(source: str, **context: Any) -> str:
    return Template("{% load portal_ui %}" + source).render(Context({"request": RequestFactory().get("/"), **context}))


def _form_page(form: forms.Form) -> str:
    return _render('{% include "portal/form.html" %}', form=form)


def test_every_control_has_a_label_or_a_legend() -> None:
    page = _form_page(_Form())
    assert '<label for="id_name">Your name' in page
    assert "<legend>What have you tried?" in page
    assert "<legend>Born" in page
    assert re.search(r'<label class="choice" for="id_agree"><input[^>]*id="id_agree"[^>]*><span>I agree', page)


def test_only_what_may_be_left_out_says_optional() -> None:
    page = _form_page(_Form())
    assert re.findall(r"<label[^>]*>([^<]+) <span class=\"need\">\(optional\)", page) == ["A note"]
    assert "(required)" in _render("{% field form.name mark=True %}", form=_Form())


def test_a_field_says_why_we_ask() -> None:
    page = _render('{% field form.name why="To be sure it is you." %}', form=_Form())
    assert "<summary>Why we ask</summary>" in page
    assert "To be sure it is you." in page


def test_a_refused_form_tells_each_error_at_its_field_and_on_top() -> None:
    form = _Form({"note": "kept"})
    page = _form_page(form)
    ids = set(re.findall(r'\sid="([^"]+)"', page))
    assert "kept" in page
    for named in re.findall(r'aria-describedby="([^"]+)"', page):
        assert set(named.split()) <= ids
    assert re.search(r'<input[^>]*name="name"[^>]*aria-invalid="true"', page)
    assert 'role="alert" tabindex="-1" data-focus' in page
    targets = re.findall(r'href="#([^"]+)"', page)
    assert len(targets) == len(form.errors) == 4
    assert set(targets) <= ids
    assert {"id_name", "id_tried_0", "id_born_month", "id_agree"} == set(targets)


def test_hidden_fields_are_sent_and_not_shown() -> None:
    assert _form_page(_Form()).count('name="key"') == 1
    assert "<label" not in _render("{% field form.key %}", form=_Form())


def test_what_was_typed_comes_back_as_text() -> None:
    page = _form_page(_Form({"name": '"><script>alert(1)</script>', "note": "</textarea><b>x"}))
    assert "<script>alert" not in page
    assert "</textarea><b>" not in page


@pytest.mark.parametrize(("hours", "words"), [(24, "one day"), (48, "2 days"), (36, "36 hours"), (1, "1 hour")])
def test_hours_are_said_as_people_say_them(hours: int, words: str) -> None:
    assert portal_ui.hours_in_words(hours) == words


class _Reader:
    is_staff = False

    def __init__(self, time_zone: str) -> None:
        self.time_zone = time_zone


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("America/New_York", "Jul 2, 2026, 1:30 a.m."), ("Pacific/Honolulu", "Jul 1, 2026, 7:30 p.m."),
     ("", "Jul 2, 2026, 12:30 a.m.")],
)
def test_a_moment_is_shown_in_the_readers_zone(zone: str, shown: str) -> None:
    request = RequestFactory().get("/")
    request.user = _Reader(zone)  # type: ignore[assignment]
    moment = dt.datetime(2026, 7, 2, 5, 30, tzinfo=dt.UTC)
    page = Template("{% load portal_ui %}{% local_time at %}").render(Context({"request": request, "at": moment}))
    assert shown in page


def test_a_date_stays_a_date_wherever_it_is_read() -> None:
    assert _render("{% local_time day %}", day=dt.date(2026, 12, 1)) == '<time datetime="2026-12-01">Dec 1, 2026</time>'


def test_a_missing_moment_shows_nothing() -> None:
    assert _render("{% local_time gone %}", gone=None) == ""


@pytest.mark.promise("P04")
def test_an_outbound_link_says_where_it_leads_and_hands_nothing_over() -> None:
    link = _render("{% external_link url words %}", url="https://www.example.org/help", words="<Help>")
    assert 'rel="noopener noreferrer external"' in link
    assert "&lt;Help&gt;" in link
    assert "leads to example.org, which has its own privacy policy" in link


@pytest.mark.promise("P04")
@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "https://example.org/?case=12", "https://example.org/#ana", "https://ana@example.org/",
        "//example.org/", "/privacy/", "javascript:alert(1)", "mailto:ana@example.org", "",
    ],
)
def test_an_outbound_link_carries_nothing_but_an_address(url: str) -> None:
    with pytest.raises(ValueError, match="nothing but an address"):
        _render("{% external_link url words %}", url=url, words="Help")


def test_a_legal_clock_needs_no_inline_width() -> None:
    page = _render(
        '{% include "portal/clock.html" %}', started_on=dt.date(2026, 11, 12), due_on=dt.date(2026, 12, 12), day=12,
        days=30,
    )
    assert '<progress value="12" max="30"' in page
    assert "Day 12 of 30" in page
    assert "style=" not in page
    assert "Nov 12, 2026" in page


def test_the_emergency_line_tells_when_we_answer(settings: Any) -> None:
    from portal.context_processors import clinic_identity

    settings.CLINIC_REPLY_HOURS = 36
    page = _render('{% include "portal/emergency.html" %}', clinic=clinic_identity())
    for words in ("Not for emergencies.", "within 36 hours", "911", "988"):
        assert words in page


def test_a_dialog_has_a_name() -> None:
    page = _render('{% dialog id="sure" title="Are you sure?" %}<p>It goes away.</p>{% enddialog %}')
    assert '<dialog id="sure" aria-labelledby="sure-title">' in page
    assert '<h2 id="sure-title">Are you sure?</h2>' in page
    assert "<p>It goes away.</p>" in page


@pytest.mark.parametrize(
    ("path", "said"), [("/record/", ' aria-current="page"'), ("/record/x/", ' aria-current="true"'), ("/home/", "")]
)
def test_the_way_that_one_is_on_is_marked(path: str, said: str) -> None:
    context = Context({"request": RequestFactory().get(path)})
    assert Template('{% load portal_ui %}{% current "/record/" %}').render(context) == said


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0 Safari/537.36 Edg/131.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 14) SamsungBrowser/25.0 Chrome/121.0 Mobile", "Samsung Internet on Android"),
        ("curl/8", "A browser"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_called_what_people_call_it(agent: str, words: str) -> None:
    assert portal_ui.browser_in_words(agent) == words

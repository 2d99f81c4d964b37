"""A word of its own in every field that a patient fills in, and then: where does it turn up?

Nowhere but on the pages of who may read it. Not in a log line, a mail, a task's arguments, a call
to Square, an address, a cookie, a table in clear, or the log of something that went wrong.
"""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pikepdf
import pytest
from celery import Celery
from django.conf import settings
from django.core import mail as mailbox
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from billing.models import Order
from billing.standin.server import Handler
from consults import services as consult_services
from consults.models import Consult
from consults.questionnaire import Kind
from consults.questionnaires import load
from portal.accounts.models import User
from portal.agreements.services import policies_publish
from portal.jobs.runner import run_job
from portal.logs import JsonFormatter, NoPhiFilter
from portal.outbox.delivery import drain
from privacy.models import RecordCopy
from records.documents.models import Document, DocumentPage
from records.documents.processing import document_process
from records.history.kinds import PARTS, TOPICS
from records.models import Entry, Photo, Section
from records.people.search_models import SearchToken
from records.photos import processing
from tests.accounts.conftest import code_in, gate_answers, mails_to
from tests.consults import building

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise("P05", "P15", "P24", "P43")]

# Every word begins alike and goes on with what its field is called.
WORD = (
    "[Zz]qx(given|family|text|file|type|message|street|city|zip|note|password|name|body|goals|else|error"
    "|log|task|address|row|allergies|medications|conditions|identifiers|new|illnesses|operations|skin|sun|smoking"
    "|pregnancy|contraception|sexual|substances|mood|paper|title)|ZQX-NUMBER"
)
ADDRESS = "mailbox@example.org"  # the sign-in address is the one thing that may stand in clear
PASSWORD = "zqxpassword by the quiet lake"
PHONE = "320 555 0173"


@dataclass
class Traces:
    """Everything that left the request or was kept outside its fields."""

    logs: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    square: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)

    def holding(self, word: str) -> list[str]:
        return [
            f"{name}: {text[:200]}"
            for name, texts in vars(self).items()
            for text in texts
            if re.search(word, text)
        ]


class _Lines(logging.Handler):
    """Log lines as production writes them, at every level."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self.kept = kept
        self.addFilter(NoPhiFilter())
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(self.format(record))


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch, standin: Any, settings: Any) -> Iterator[Traces]:
    found = Traces()
    settings.POKE_ENABLED = True
    policies_publish()
    cache.clear()  # rate limits of the test before
    monkeypatch.setattr(Celery, "send_task", lambda app, name, *a, **k: found.tasks.append(repr((name, a, k))))
    raw = Handler._raw
    monkeypatch.setattr(Handler, "_raw", lambda self: _kept(found.square, self.path, raw(self)))
    handler, root = _Lines(found.logs), logging.getLogger()
    level, quiet = root.level, ("asyncio", "PIL", "faker", "urllib3", "hpack", "httpcore")
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in quiet:
        logging.getLogger(name).setLevel(logging.INFO)
    yield found
    root.removeHandler(handler)
    root.setLevel(level)


def _kept(places: list[str], path: str, raw: bytes) -> bytes:
    places.append(f"{path} {raw.decode(errors='replace')}")
    return raw


class Watched(Client):
    """A browser that notes every address it asks for, is sent to or is shown, and every cookie."""

    def __init__(self, traces: Traces, **options: Any) -> None:
        super().__init__(**options)
        self.traces = traces

    def request(self, **asked: Any) -> Any:
        response = super().request(**asked)
        traces = self.traces
        traces.addresses.append(f"{asked.get('PATH_INFO')}?{asked.get('QUERY_STRING', '')}")
        traces.addresses.append(response.headers.get("Location", ""))
        if not response.streaming and "html" in response.headers.get("Content-Type", ""):
            traces.addresses += re.findall(r'(?:href|src|action|hx-get|data-src)="([^"]*)"', response.content.decode())
        traces.cookies += [cookie.OutputString() for cookie in response.cookies.values()]
        return response


def rows_in_clear(word: str) -> list[str]:
    """Tables with a row in which the word stands in clear, and how the row begins."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT left(t::text, 200) FROM "{table}" t WHERE t::text ~ %s', [word])
            found += [f"{table}: {row[0]}" for row in cursor.fetchall()]
    return found


def files_in_clear() -> list[str]:
    """Kept files in which a word, a PDF or a JPEG can be seen: uploads, previews and copies are sealed."""
    words = rb"[Zz]qx(?:paper|title|family|given|street)"
    shapes = rb"%PDF-1|\xff\xd8\xff\xe0\x00\x10JFIF|PK\x03\x04\x14\x00"
    telling = re.compile(words + b"|" + shapes)
    kept = [file for folder in (settings.SEALED_DIR, settings.LOCKBOX_DIR) for file in Path(folder).rglob("*")]
    return [file.name for file in kept if file.is_file() and telling.search(file.read_bytes())]


def patient(traces: Traces) -> tuple[Watched, User]:
    """Signs up through the gate, the form and the code, and introduces themselves."""
    client = Watched(traces)
    where = client.post(reverse("accounts:start"), gate_answers())["Location"]
    ticket = parse_qs(urlsplit(where).query)["ticket"][0]
    client.post(
        reverse("account_signup"), {"email": ADDRESS, "password1": PASSWORD, "ticket": ticket}
    )
    [mail] = mails_to(ADDRESS)
    client.post(reverse("account_email_verification_sent"), {"code": code_in(mail), "action": "verify"})
    answer = client.post(reverse("consults:welcome"), {
        "given_name": "Zqxgiven", "family_name": "Zqxfamily", "birth_date_month": "4", "birth_date_day": "4",
        "birth_date_year": "1970", "state": "MN", "phone": PHONE,
    })
    assert answer.status_code == 302, answer.content.decode()
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})  # what delicate pages ask for
    return client, User.objects.get(email=ADDRESS)


def filled(client: Watched) -> Consult:
    """Every screen by POST, free texts with words of their own; photos named with one."""
    client.post(reverse("consults:start"), {"form_key": str(uuid4())})
    consult = Consult.objects.get()
    given = {"medicine": ["prescription"], "allergies": ["other"]}
    questionnaire = load(consult.questionnaire)
    for screen in questionnaire.screens:
        answers = building.answers_now(consult)
        if not screen.shown(answers):
            continue
        data = {
            question.id: f"zqxtext{question.id}" if question.kind is Kind.TEXT
            else building.answer_for(question, given)
            for question in screen.asked(answers)
        }
        answer = client.post(reverse("consults:step", args=[consult.pk, screen.id]), data)
        assert answer.status_code == 302, (screen.id, answer.content.decode())
    for view in ("front", "left", "right"):
        client.post(reverse("consults:photo_send", args=[consult.pk, view]), {
            "form_key": str(uuid4()),
            "photo": SimpleUploadedFile(f"zqxfile{view}.jpg", building.jpeg(), content_type="image/zqxtype"),
        })
        processing.photo_process(photo_id=Photo.objects.get(view=view).pk)
    return consult


def sections_kept(client: Watched, consult: Consult) -> None:
    """Each section of the record with a word in each part; one entry changed, one taken out, a number shown."""
    whose = consult.patient_id
    for section in Section:
        parts = {part.name: next(iter(part.choices), f"zqx{section.value}{part.name}") for part in PARTS[section]}
        if parts:
            data = {**parts, "number": "ZQX-NUMBER-8812", "form_key": str(uuid4())}
            assert client.post(reverse("records:entry_add", args=[whose, section]), data).status_code == 302
        else:
            told = {f"{topic.code}-text": f"zqx{topic.code}" for topic in TOPICS[section]}
            assert client.post(reverse("records:answers", args=[whose, section]), told).status_code == 302
        client.get(reverse("records:section", args=[section]))
    rows = {row.section: row for row in Entry.objects.filter(patient_id=whose, code="")}
    number, condition = rows[Section.IDENTIFIERS], rows[Section.CONDITIONS]
    for page, row in (("entry", condition), ("entry_remove", condition), ("entry_reveal", number)):
        address = reverse(f"records:{page}", args=[row.pk])
        form = client.get(address).context["form"]
        data = {name: form[name].value() for name in form.fields}
        shown = client.post(address, {**data, "note": "zqxnewnote"} if page == "entry" else data)
        assert shown.status_code == (200 if page == "entry_reveal" else 302), page
    assert "ZQX-NUMBER-8812" in shown.content.decode()


def paper() -> bytes:
    """A PDF of one page with a word on it."""
    pdf = pikepdf.new()
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    page = pdf.add_blank_page(page_size=(300, 300))
    page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
    page.Contents = pdf.make_stream(b"BT /F1 24 Tf 40 150 Td (Zqxpaper) Tj ET")
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


def paper_handed_in(client: Watched) -> None:
    """A lab result under a title of its own, prepared, called something else, and looked at in every form."""
    sent = SimpleUploadedFile("zqxfilepaper.pdf", paper(), content_type="application/zqxtype")
    given = {"kind": "lab_result", "title": "zqxtitle", "dated": "2026-01-02"}
    answer = client.post(reverse("records:documents"), {**given, "form_key": str(uuid4()), "document": sent})
    assert answer.status_code == 302
    row = Document.objects.get()
    document_process(document_id=row.pk)
    client.post(reverse("records:document_change", args=[row.pk]), {**given, "title": "zqxtitlenew"})
    assert "zqxtitlenew" in client.get(reverse("records:document", args=[row.pk])).content.decode()
    for variant in ("file", "preview", "thumb"):
        assert client.get(reverse("records:document_file", args=[row.pk, variant, 1])).status_code == 200


def looked_for(traces: Traces, clinician: User, as_: Callable[..., Client]) -> None:
    """A clinician finds the patient by name, street and phone."""
    desk = Watched(traces)
    desk.cookies = as_(clinician).cookies
    for words in ("Zqxfamily", "Zqxgivennew Zqxstreet", PHONE):
        assert "Zqxfamily" in desk.post(reverse("admin:patients_find"), {"words": words}).content.decode()


def asked_for(traces: Traces, client: Watched, as_: Callable[..., Client]) -> None:
    """A question with its answer, a complaint, a notice by post, and a letter that the officer wrote down."""
    from privacy.requests.models import RightsRequest

    officer = User.objects.create_user("desk@example.org", role="officer", display_name="Mia Soto")
    desk = Watched(traces)
    desk.cookies = as_(officer).cookies
    asked = {
        "question": {"details": "zqxquestion"}, "complaint": {"details": "zqxcomplaint"},
        "notice": {"name": "Zqxenvelope", "address": "Zqxlane 1\nZqxtown, MN"},
    }
    for kind, told in asked.items():
        answer = client.post(reverse("privacy:ask", args=[kind]), {"form_key": str(uuid4()), **told})
        assert "zqx" in client.get(answer["Location"]).content.decode().lower(), kind
    row = RightsRequest.objects.get(kind="question")
    desk.post(reverse("admin:privacy_start", args=[row.pk]))
    desk.post(reverse("admin:privacy_answer", args=[row.pk]), {"answer": "zqxanswer"})
    assert "zqxanswer" in client.get(reverse("privacy:request", args=[row.pk])).content.decode()
    answer = desk.post(reverse("admin:privacy_enter"), {
        "form_key": str(uuid4()), "kind": "question", "channel": "mail", "received_on": "2026-01-02",
        "name": "Zqxwriter", "address": "Zqxhill 2\nZqxvale, MN", "phone": PHONE, "details": "zqxletter",
        "how": "photo_id", "note": "zqxseen",
    })
    assert "zqxletter" in desk.get(answer["Location"]).content.decode()
    assert desk.get(reverse("admin:privacy_desk")).status_code == 200


def lived_through(traces: Traces, clinician: User, standin: Any, as_: Callable[..., Client]) -> tuple[Watched, Consult]:
    """The whole way of a patient, with a word in each field."""
    client, _user = patient(traces)
    consult = filled(client)
    client.get(reverse("consults:review", args=[consult.pk]))
    client.post(reverse("consults:review", args=[consult.pk]), {"care": "on", "agreement": "on", "notice": "on"})
    order = Order.objects.get()
    at_square = client.post(reverse("billing:pay", args=[order.pk]))["Location"]
    standin.world.pay(at_square.rsplit("/", 1)[1])
    client.get(reverse("billing:return", args=[order.pk]))
    consult_services.consult_take(by=clinician.actor, consult_id=consult.pk)
    building.write_plan(clinician, consult)
    consult_services.consult_answer(by=clinician.actor, consult_id=consult.pk)
    client.post(reverse("consults:thread", args=[consult.pk]), {"body": "zqxmessage", "form_key": str(uuid4())})
    client.post(reverse("records:contact"), {
        "given_name": "Zqxgivennew", "family_name": "Zqxfamily", "phone": PHONE, "street": "Zqxstreet",
        "city": "Zqxcity", "state": "Zqxst", "postal_code": "Zqxzip",
    })
    sections_kept(client, consult)
    paper_handed_in(client)
    looked_for(traces, clinician, as_)
    for page in ("consults:home", "records:record", "privacy:home", "consults:messages", "accounts:profile"):
        assert client.get(reverse(page)).status_code == 200
    for page in ("records:print", "records:changes", "records:photos", "fhir:everything", "privacy:who_looked"):
        assert client.get(reverse(page)).status_code == 200
    asked_for(traces, client, as_)
    for page, more in (("privacy:copy", {}), ("privacy:delete", {"note": "zqxnote", "understood": "on"})):
        answer = client.post(reverse(page), {"form_key": str(uuid4()), **more})
        assert "/privacy/requests/" in answer["Location"]
    from portal.jobs.models import Job

    for job in Job.objects.all():
        run_job(job.pk)
    drain()
    return client, consult


def test_no_word_of_the_patient_is_found_outside_its_sealed_fields(
    traces: Traces, clinician: User, standin: Any, as_: Callable[..., Client]
) -> None:
    client, _consult = lived_through(traces, clinician, standin, as_)
    page = client.get(reverse("records:record")).content.decode().lower()
    for word in (
        "zqxgivennew", "zqxmessage", "zqxtextgoals", "zqxtexttried_how", "zqxstreet", "zqxmood",
        "zqxallergiessubstance", "zqxtitlenew",
    ):
        assert word in page, f"the word {word} was never kept, so this test would prove nothing"
    assert len(traces.tasks) > 5 and len(traces.square) > 2 and len(mailbox.outbox) > 3
    assert traces.holding(WORD) == []
    assert traces.holding("5550173") == [] and traces.holding("555 0173") == []
    assert rows_in_clear(WORD) == []
    assert rows_in_clear("555[ -]?0173") == []
    assert RecordCopy.objects.exists() and SearchToken.objects.exists() and DocumentPage.objects.exists()
    assert files_in_clear() == []
    assert "8812" in page and "zqx-number" not in page, "covered"


@pytest.mark.promise("P24")
def test_no_mail_says_what_it_is_about(
    traces: Traces, clinician: User, standin: Any, as_: Callable[..., Client]
) -> None:
    lived_through(traces, clinician, standin, as_)
    assert mailbox.outbox
    for message in mailbox.outbox:
        whole = f"{message.subject}\n{message.body}\n{message.extra_headers}".lower()
        assert not re.search(WORD, whole)
        for word in ("acne", "skin problem", "adapalene", "prescription", "diagnos", "$59", "59.00", "pregnan"):
            assert word not in whole.replace("clear lake skin", ""), f"{word!r} in {message.subject!r}"
        assert not message.attachments


@pytest.mark.parametrize(
    ("broken", "send"),
    [
        ("consults.services.step_save", lambda c, k: c.post(
            reverse("consults:step", args=[k.pk, "goals"]), {"goals": "zqxgoals", "else": "zqxelse"})),
        ("consults.services.consult_message", lambda c, k: c.post(
            reverse("consults:thread", args=[k.pk]), {"body": "zqxbody", "form_key": str(uuid4())})),
        ("consults.services.photo_send", lambda c, k: c.post(
            reverse("consults:photo_send", args=[k.pk, "front"]),
            {"form_key": str(uuid4()), "photo": SimpleUploadedFile("zqxname.jpg", building.jpeg())})),
        ("records.views.patient.patient_update", lambda c, k: c.post(
            reverse("records:contact"), {"given_name": "zqxgiven", "street": "zqxstreet"})),
        ("records.history.services.entry_add", lambda c, k: c.post(
            reverse("records:entry_add", args=[k.patient_id, "conditions"]),
            {"name": "zqxname", "status": "active", "note": "zqxnote", "form_key": str(uuid4())})),
        ("records.views.answers.topics_save", lambda c, k: c.post(
            reverse("records:answers", args=[k.patient_id, "private"]), {"mood-text": "zqxmood"})),
        ("privacy.requests.services.request_open", lambda c, k: c.post(
            reverse("privacy:delete"), {"form_key": str(uuid4()), "note": "zqxnote", "understood": "on"})),
        ("privacy.requests.views.patient.services.request_open", lambda c, k: c.post(
            reverse("privacy:ask", args=["complaint"]), {"form_key": str(uuid4()), "details": "zqxcomplaint"})),
    ],
)
def test_what_breaks_in_a_page_is_logged_without_a_word_of_the_form(
    broken: str, send: Any, traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FIELD_FAULTS 86: the place and the kind of the error, never its text or the form."""
    client, user = patient(traces)
    consult = building.start(user, patient_of(user))
    building.answer_all(user, consult)

    def fail(**given: Any) -> None:
        raise RuntimeError(f"zqxerror in {given}")

    monkeypatch.setattr(broken, fail)
    client.raise_request_exception = False
    traces.logs.clear()
    response = send(client, consult)
    assert response.status_code == 500
    assert not re.search(WORD, response.content.decode())
    assert any("RuntimeError" in line for line in traces.logs), "the error was not logged at all"
    assert traces.holding(WORD) == []


def patient_of(user: User) -> Any:
    from records.access import patients_of
    from records.models import Patient

    return Patient.objects.get(pk=patients_of(user.pk)[0])


@pytest.mark.parametrize("broken", ["records.photos.pipeline.process", "portal.outbox.sending._prepare", "job"])
def test_what_breaks_in_a_task_is_logged_and_kept_without_a_word(
    broken: str, traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.jobs.models import Job

    client, user = patient(traces)
    consult = building.start(user, patient_of(user))
    client.post(reverse("consults:photo_send", args=[consult.pk, "front"]), {
        "form_key": str(uuid4()), "photo": SimpleUploadedFile("zqxname.jpg", building.jpeg()),
    })
    client.post(reverse("privacy:copy"), {"form_key": str(uuid4())})

    def fail(*_given: Any, **_more: Any) -> None:
        raise RuntimeError("zqxerror: Zqxgiven Zqxfamily")

    monkeypatch.setattr("privacy.exports.build_record_zip" if broken == "job" else broken, fail)
    traces.logs.clear()
    if broken == "records.photos.pipeline.process":
        with pytest.raises(RuntimeError):
            processing.photo_process(photo_id=Photo.objects.get().pk)
        logging.getLogger("celery.app.trace").error("task failed", exc_info=_error(fail))
    elif broken == "job":
        run_job(Job.objects.get().pk)
    else:
        drain()
    assert any("RuntimeError" in line for line in traces.logs)
    assert traces.holding(WORD) == []
    assert rows_in_clear(WORD) == []


def _error(fail: Callable[[], None]) -> Any:
    import sys

    try:
        fail()
    except RuntimeError:
        return sys.exc_info()
    raise AssertionError("it did not fail")


def test_the_net_catches_what_it_should(traces: Traces, ana: User) -> None:
    """A canary that cannot die proves nothing: each place is seen to be watched."""
    logging.getLogger("portal.anything").warning("a word %s", "zqxlog")
    Celery("x").send_task("some.task", args=("zqxtask",))
    Watched(traces).get("/questions/", {"q": "zqxaddress"})
    ana.email = "zqxrow@example.org"
    ana.save()
    found = json.dumps(traces.holding(WORD))
    assert all(word in found for word in ("zqxlog", "zqxtask", "zqxaddress"))
    assert any(row.startswith("accounts_user") for row in rows_in_clear("zqxrow"))

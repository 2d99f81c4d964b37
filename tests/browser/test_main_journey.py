"""The product's main job in one go, on a phone: from the first visit to nothing left but the archive.

Every field that a patient can fill in carries a word of its own. After the journey none of these
words stands in clear in anything that the portal keeps, and after the deletion nothing of the
patient is left but the sealed bundle, which opens with its key.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pypdf
import pyrage
import pytest
from PIL import Image

from portal.demo.pictures import Sitter, picture
from portal.demo.stack import Stack
from tests.browser import evidence
from tests.browser.conftest import Person, corpus_folder
from tests.browser.demo import make_demo

pytestmark = [pytest.mark.browser, pytest.mark.promise("S1", "S2", "S3", "S4", "P17", "P31", "P32", "P39", "P40")]

ADDRESS = "zqxsignin@example.org"
PASSWORD = "seven quiet boats at noon"
# One word for each field that the patient fills in.
GIVEN, FAMILY, PHONE = "Zqxgivenna", "Zqxfamilyov", "3205550173"
TRIED, MEDICINE, REACTION = "zqxtriedcream", "zqxmedicinepill", "zqxreactionhives"
GOALS, ELSE, MESSAGE, NOTE = "zqxgoalswedding", "zqxelsething", "zqxmessagewords", "zqxnotewords"
STREET = "Zqxstreetlane"
PATIENTS_WORDS = [GIVEN, FAMILY, PHONE, TRIED, MEDICINE, REACTION, GOALS, ELSE, MESSAGE, STREET]
# And the clinician's words about the patient.
FOUND, LETTER = "zqxfoundacne", "zqxletterwords"
ALL_WORDS = [*PATIENTS_WORDS, NOTE, FOUND, LETTER]

ANSWERS: dict[str, dict[str, str | list[str]]] = {
    "urgent": {"urgent_signs": ["none"]},
    "place": {"state_now": ["mn"]},
    "where": {"where": ["cheeks", "chin"]},
    "since": {"since": ["years"], "start_age": "15"},
    "looks": {"looks": ["bumps", "deep"], "spot": ["no"]},
    "tried": {"tried": ["benzoyl"], "tried_how": f"It burned: {TRIED}"},
    "worse": {"worse": ["picking"]},
    "medicine": {"medicine": ["prescription"]},
    "medicine_names": {"medicine_names": f"{MEDICINE} 20 mg"},
    "allergies": {"allergies": ["latex"]},
    "reaction": {"reaction": f"gloves, {REACTION}", "reaction_worst": ["mild"]},
    "conditions": {"conditions": ["none"]},
    "pregnancy": {"pregnancy": ["cannot"]},
    "mood": {"burden": ["some"], "self_harm": ["no"]},
    "goals": {"goals": f"fewer lumps, {GOALS}", "else": ELSE},
}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The clinic of ``make demo`` in place of the suite's own."""
    with make_demo() as clinic:
        yield clinic


def test_the_main_journey(stack: Stack, somebody: Callable[..., Person], tmp_path: Path) -> None:
    ana = somebody(width=375)
    sign_up(ana, stack)
    introduce(ana)
    consult = fill_in(ana)
    take_photos(ana, photos(tmp_path))
    send_and_pay(ana)
    answer_the_case(somebody(width=1280), consult)
    read_and_write(ana, consult)
    correct_contact(ana)
    check_copy(download_copy(ana, tmp_path))
    before = evidence.where([*ALL_WORDS, ADDRESS], evidence.kept(stack, without=["inbox"]))
    assert f"{ADDRESS} in pg_dump" in before, "the search finds nothing, so it proves nothing"
    assert [place for place in before if not place.startswith(ADDRESS)] == [], "in clear before the deletion"
    ask_for_deletion(ana)
    carry_out(somebody(width=1280))
    check_nothing_is_left(stack, ana)
    check_archive(stack)


# What a fresh clinic shows as live proof, by promise; the demo's first night and first quarter leave it.
LIVE = {
    "P17": ("crypto.readable",), "P20": ("backup.nightly", "backup.drill"), "P21": ("audit.verify",),
    "P39": ("erasure.check",),
    "P40": ("archive.nightly", "archive.proof", "archive.sample", "archive.inventory", "archive.destruction"),
}


@pytest.mark.promise("P20", "P21")
def test_the_seeded_clinic_is_restored_and_its_proof_is_live(stack: Stack, somebody: Callable[..., Person]) -> None:
    """The demo drills on its own backup once it is open; what that found stands on the page for everybody."""
    drill = wait_for_proof(stack, "backup.drill")
    assert drill["rows"] > 1000 and drill["tables"] > 50 and drill["files"] > 50, drill
    assert drill["values_opened"] > 500 and drill["files_opened"] > 20 and drill["took_seconds"] > 0, drill
    told = stack.manage("promises")
    day = re.compile(r"holds 20\d\d-\d\d-\d\d \d\d:\d\d")
    for promise, kinds in LIVE.items():
        [line] = [one for one in told.splitlines() if one.split()[:1] == [promise]]
        assert [kind for kind in kinds if not re.search(f"{kind} {day.pattern}", line)] == [], line
        assert "MISSING" not in line and not line.split()[1].startswith("0"), line
    visitor = somebody(width=375)
    visitor.go("/privacy/promises/")
    visitor.shot("26-promises")
    for promise in LIVE:
        row = visitor.page.locator(f"#{promise}")
        assert row.inner_text().count("Shown by the running site") == len(LIVE[promise]), promise


def wait_for_proof(stack: Stack, kind: str, *, seconds: float = 240) -> dict[str, Any]:
    """The facts of the newest evidence of this kind, once there is some that passed."""
    ends = time.monotonic() + seconds
    while True:
        with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
            rows = connection.execute(
                "SELECT facts FROM evidence_evidence WHERE kind = %s AND passed ORDER BY recorded_at DESC", [kind]
            ).fetchall()
        if rows:
            return dict(rows[0][0])
        assert time.monotonic() < ends, f"no proof {kind}"
        time.sleep(1)


# --- The patient signs up ------------------------------------------------------------------------


def sign_up(ana: Person, stack: Stack) -> None:
    ana.go("/")
    ana.press("No, do not count")  # and all that follows works all the same (P42)
    ana.shot("01-home")
    ana.page.get_by_role("link", name=re.compile("Start")).first.click()
    ana.page.wait_for_url("**/start/")
    born(ana)
    ana.page.locator('input[name="state"][value="MN"]').check()
    ana.page.locator('input[name="privacy_policy"]').check()
    ana.page.locator('input[name="terms_of_service"]').check()
    ana.shot("02-gate")
    ana.press("Go on")
    ana.page.wait_for_url("**/accounts/signup/**")
    ana.page.locator('input[name="email"]').fill(ADDRESS)
    ana.page.locator('input[name="password1"]').fill(PASSWORD)
    ana.shot("03-sign-up")
    ana.press("Go on")
    ana.page.wait_for_url("**/accounts/confirm-email/")
    ana.page.locator('input[name="code"]').fill(code_from_inbox(ana, stack))
    ana.press("Go on")
    ana.page.wait_for_url("**/welcome/")


def born(ana: Person) -> None:
    ana.page.locator('[name="birth_date_month"]').select_option("4")
    ana.page.locator('[name="birth_date_day"]').fill("4")
    ana.page.locator('[name="birth_date_year"]').fill("1970")


def code_from_inbox(ana: Person, stack: Stack) -> str:
    """The code, read on the demo's inbox page in a second tab."""
    tab = ana.context.new_page()
    deadline = time.monotonic() + 45  # beat looks every 30 seconds if the nudge was lost
    while time.monotonic() < deadline:
        tab.goto(f"{stack.url}/inbox/?to={ADDRESS}")
        mails = tab.locator("main li a")
        if mails.count():
            mails.first.click()
            text = tab.locator("main .said").inner_text()
            tab.close()
            found = re.search(r"^\s*([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\s*$", text, re.MULTILINE)
            assert found, text
            return found[1]
        time.sleep(0.3)
    raise AssertionError("no mail with a code has arrived")


def introduce(ana: Person) -> None:
    page = ana.page
    page.locator('[name="given_name"]').fill(GIVEN)
    page.locator('[name="family_name"]').fill(FAMILY)
    born(ana)
    page.locator('[name="state"]').select_option("MN")
    page.locator('[name="phone"]').fill(f"({PHONE[:3]}) {PHONE[3:6]}-{PHONE[6:]}")
    ana.shot("04-welcome")
    ana.press("Open my record")
    page.wait_for_url("**/home/")
    ana.shot("05-first-home")


# --- The consult -----------------------------------------------------------------------------------


def fill_in(ana: Person) -> str:
    """Every screen of the questionnaire, in the browser; returns the consult's id."""
    page = ana.page
    ana.go("/consults/start/")
    ana.press("Start", exact=True)
    seen: list[str] = []
    while found := re.search(r"/consults/([0-9a-f-]{36})/steps/(\w+)/", page.url):
        screen = found[2]
        assert screen not in seen, f"{screen} came twice"
        seen.append(screen)
        for question, given in ANSWERS[screen].items():
            if isinstance(given, str):
                page.locator(f'[name="{question}"]').fill(given)
            for code in given if isinstance(given, list) else []:
                page.locator(f'input[name="{question}"][value="{code}"]').check()
        if screen in ("urgent", "tried"):
            ana.shot(f"06-{screen}")
        at = page.url
        ana.press("Continue")
        page.wait_for_url(lambda url, at=at: url != at)
    assert set(seen) == set(ANSWERS)
    return re.search(r"/consults/([0-9a-f-]{36})/photos/", page.url)[1]


def photos(folder: Path) -> dict[str, Path]:
    """As phones send them: HEIC, two pictures in one JPEG (MPO), and one that lies on its side."""
    corpus = corpus_folder()
    if corpus is not None:
        return {
            "front": corpus / "empty_icc.heic", "left": corpus / "apple_gainmap_old.jpg",
            "right": corpus / "Landscape_6.jpg",
        }
    import pillow_heif

    made = {"front": folder / "front.heic", "left": folder / "left.jpg", "right": folder / "right.jpg"}
    frames = {view: Image.open(io.BytesIO(picture(Sitter(3, 27), view, size=(900, 1200)))) for view in made}
    pillow_heif.from_pillow(frames["front"]).save(made["front"])
    frames["left"].save(made["left"], "MPO", save_all=True, append_images=[frames["right"]])
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "zqxphonemaker"
    frames["right"].rotate(90, expand=True).save(made["right"], exif=exif)
    return made


def take_photos(ana: Person, files: dict[str, Path]) -> None:
    page = ana.page
    for view, file in files.items():
        page.wait_for_url(f"**/photos/{view}/")
        page.locator("#id_photo").set_input_files(file)
        send = page.locator("form:has(#id_photo) button.send")
        if send.is_visible():
            send.click()
        page.locator('[data-photo-state="ready"]').wait_for(timeout=40_000)
        ana.shot(f"07-photo-{view}")
        page.get_by_role("link", name=re.compile("Continue|Next|Go on")).first.click()
    page.wait_for_url("**/photos/")
    ana.shot("08-photos")
    page.get_by_role("link", name=re.compile("Continue|Check and send|Go on")).first.click()
    page.wait_for_url("**/review/")


def send_and_pay(ana: Person) -> None:
    page = ana.page
    ana.shot("09-review")
    for name in ("care", "agreement", "notice"):
        page.locator(f'input[name="{name}"]').check()
    ana.press("Send and go to payment")
    page.wait_for_url("**/billing/pay/**")
    ana.shot("10-pay")
    ana.press("Go to Square and pay")
    page.wait_for_url(f"{ana.standin}/pay/*")
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    page.wait_for_url("**/return/**")
    page.get_by_text("Thank you. You have paid.").first.wait_for()
    ana.shot("11-paid")


# --- The clinician -----------------------------------------------------------------------------------


def answer_the_case(karin: Person, consult: str) -> None:
    page = karin.page
    karin.sign_in("karin@demo.example")
    karin.go("/admin/consults/")
    karin.shot("12-queue")
    karin.go(f"/admin/consults/{consult}/")
    assert MESSAGE not in page.content() and GOALS not in page.content(), "the preview shows too much"
    karin.press("Take this case")
    page.wait_for_url(f"**/admin/consults/{consult}/")
    for word in (MEDICINE, REACTION, GOALS, ELSE, TRIED):
        assert word in page.content(), f"the clinician does not see {word}"
    karin.shot("13-case")
    page.locator("#template").select_option(index=1)
    karin.press("Fill in")
    page.wait_for_url("**/fill/")
    page.locator('[name="diagnosis_text"]').fill(f"Acne, {FOUND}")
    letter = page.locator('[name="letter"]')
    letter.fill(f"{letter.input_value()}\n{LETTER}")
    page.locator('[name="looked"]').check()
    if page.locator('[name="aware"]').count():
        page.locator('[name="aware"]').check()
    karin.shot("14-answer")
    karin.press("Sign and send")
    page.wait_for_url("**/admin/consults/")
    assert karin.violations() == []


# --- The patient's side again ---------------------------------------------------------------------------


def read_and_write(ana: Person, consult: str) -> None:
    page = ana.page
    ana.go("/home/")
    ana.shot("15-home-with-plan")
    ana.go(f"/consults/{consult}/plan/")
    assert LETTER in page.content()
    ana.shot("16-plan")
    ana.go(f"/consults/{consult}/messages/")
    page.locator('[name="body"]').fill(f"Thank you. {MESSAGE}")
    page.locator("main form:has([name=body]) button.button").first.click()
    page.get_by_text(MESSAGE).wait_for()
    ana.shot("17-thread")
    ana.go("/record/")
    for word in (GIVEN, FAMILY, TRIED, MEDICINE, REACTION, GOALS, ELSE, MESSAGE, LETTER, FOUND):
        assert word in page.content(), f"my record does not show {word}"
    ana.shot("18-record")


def correct_contact(ana: Person) -> None:
    ana.go("/record/contact/")
    ana.page.locator('[name="street"]').fill(f"12 {STREET}")
    ana.page.locator("main form:has([name=street]) button.button").first.click()
    ana.page.get_by_text("Your contact details are saved.").wait_for()


def confirm_password(ana: Person) -> None:
    if "/reauthenticate/" in ana.page.url:
        ana.page.locator('input[name="password"]').fill(PASSWORD)
        ana.page.locator('form:has(input[name="password"]) button:not([type="button"])').first.click()


def download_copy(ana: Person, folder: Path) -> Path:
    page = ana.page
    ana.go("/privacy/")
    ana.shot("19-privacy")
    ana.go("/privacy/copy/")
    confirm_password(ana)
    page.wait_for_url("**/privacy/copy/")
    ana.press("Make my copy")
    page.wait_for_url("**/privacy/requests/**")
    request = page.url
    deadline = time.monotonic() + 60
    while not page.get_by_role("link", name="Download").count():
        assert time.monotonic() < deadline, "the copy was not made in time"
        page.wait_for_timeout(500)
        page.goto(request)
    ana.shot("20-copy")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download").click()
    target = folder / "copy.zip"
    coming.value.save_as(target)
    return target


def check_copy(file: Path) -> None:
    """Everything the patient gave and got, for people and for machines; photos without their past."""
    with zipfile.ZipFile(file) as copy:
        assert copy.testzip() is None
        content = {name: copy.read(name) for name in copy.namelist()}
    manifest = json.loads(content.pop("manifest.json"))
    assert manifest["sha256"] == {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content["record.pdf"])).pages)
    bundle = json.loads(content["record.fhir.json"])
    assert bundle["resourceType"] == "Bundle"
    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert {"Patient", "Encounter", "QuestionnaireResponse"} <= kinds
    flat, whole = re.sub(r"[\s­]", "", text), content["record.fhir.json"].decode()
    for word in (GIVEN, FAMILY, TRIED, MEDICINE, REACTION, GOALS, ELSE, MESSAGE, LETTER, FOUND, STREET):
        assert word in flat, f"record.pdf has no {word}"
        assert word in whole, f"record.fhir.json has no {word}"
    pictures = {name: data for name, data in content.items() if name.endswith(".jpg")}
    assert len(pictures) == 3
    for data in pictures.values():
        clean(data)


def clean(data: bytes) -> None:
    """A JPEG that tells nothing of the phone, the place or the time it was taken."""
    image = Image.open(io.BytesIO(data))
    image.load()
    assert image.format == "JPEG" and max(image.size) <= 2048
    assert not dict(image.getexif()) and "xmp" not in image.info and "mpf" not in image.info
    for trace in (b"Exif\0", b"http://ns.adobe.com/", b"GPS", b"zqxphonemaker"):
        assert trace not in data


# --- Deletion ----------------------------------------------------------------------------------------------


def ask_for_deletion(ana: Person) -> None:
    page = ana.page
    ana.go("/privacy/delete/")
    confirm_password(ana)
    page.wait_for_url("**/privacy/delete/")
    page.locator('[name="note"]').fill(f"Please, {NOTE}")
    for box in page.locator('main input[type="checkbox"]').all():
        box.check()
    ana.shot("21-delete")
    ana.press("Ask for deletion")
    page.wait_for_url("**/privacy/requests/**")
    ana.shot("22-deletion-asked")


def carry_out(mia: Person) -> None:
    page = mia.page
    mia.sign_in("mia@demo.example")
    mia.go("/admin/privacy/")
    mia.shot("23-officer")
    row = page.locator("a[href*='/admin/privacy/']")
    addresses = [link.get_attribute("href") for link in row.all()]
    for address in dict.fromkeys(a for a in addresses if re.search(r"[0-9a-f-]{36}/$", a or "")):
        mia.go(str(address))
        if ADDRESS in page.content() and page.get_by_role("button", name="Take it on").count():
            break
    else:
        raise AssertionError("the deletion is not on the officer's desk")
    assert NOTE in page.content()
    mia.press("Take it on")
    page.locator('input[name="sure"]').check()
    mia.shot("24-request")
    mia.press("Delete the record")
    deadline = time.monotonic() + 60
    while page.get_by_text("Done", exact=False).count() == 0 or ADDRESS in page.locator("main").inner_text():
        assert time.monotonic() < deadline, "the deletion was not carried out in time"
        page.wait_for_timeout(500)
        page.reload()
    mia.shot("25-erased")


def check_nothing_is_left(stack: Stack, ana: Person) -> None:
    ana.go("/home/")
    assert "/accounts/login/" in ana.page.url, "the erased person is still signed in"
    wait_for_mail(stack, "deleted|erased", ADDRESS)
    found = evidence.where([*ALL_WORDS, ADDRESS.split("@")[0]], _active(stack))
    assert found == [], "left after the deletion"
    # Mails went out into the world; their words never told anything but that there is news.
    mails = [(file.name, file.read_bytes()) for file in (stack.folder / "inbox").iterdir()]
    assert evidence.where(ALL_WORDS, mails) == []


def _active(stack: Stack) -> Any:
    """What works on: dump, broker, files and logs. The database's own files hold freed pages until
    PostgreSQL reuses them: they are searched for words, which never stood there in clear."""
    for name, data in evidence.kept(stack, without=["inbox"]):
        if name.startswith("postgres/"):
            data = data.replace(ADDRESS.encode(), b"")
        yield name, data


def wait_for_mail(stack: Stack, words: str, address: str) -> None:
    deadline = time.monotonic() + 45
    while time.monotonic() < deadline:
        for file in sorted((stack.folder / "inbox").glob("*.eml"), reverse=True):
            text = file.read_text(errors="replace")
            if address in text and re.search(words, text, re.IGNORECASE):
                return
        time.sleep(0.3)
    raise AssertionError(f"no mail about {words}")


def check_archive(stack: Stack) -> None:
    """One bundle, sealed; the key that lies apart opens it, and every file is as its manifest says."""
    identity = pyrage.x25519.Identity.from_str((stack.folder / "archive-identity.txt").read_text().strip())
    bundles = []
    for sealed in (stack.folder / "lockbox" / "archive").rglob("*"):
        if sealed.is_file() and sealed.read_bytes()[:21] == b"age-encryption.org/v1":
            with tarfile.open(fileobj=io.BytesIO(pyrage.decrypt(sealed.read_bytes(), [identity]))) as tar:
                bundles.append({entry.name: tar.extractfile(entry).read() for entry in tar.getmembers()})
    mine = [bundle for bundle in bundles if LETTER.encode() in bundle["record.fhir.json"]]
    assert len(mine) == 1
    [bundle] = mine
    manifest = json.loads(bundle.pop("manifest.json"))
    assert manifest["sha256"] == {name: hashlib.sha256(data).hexdigest() for name, data in bundle.items()}
    assert {"record.pdf", "record.fhir.json", "agreements.json", "accounting.json"} <= set(bundle)
    assert sum(name.endswith(".jpg") for name in bundle) == 3
    for name, data in bundle.items():
        if name.endswith(".jpg"):
            clean(data)



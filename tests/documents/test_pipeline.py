"""What comes out of a hostile document: pages and nothing that acts; bombs and locks end with a sentence (P07, P19)."""

from __future__ import annotations

import io
import time
import zlib
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String
from PIL import Image

from records.documents import pipeline
from tests.documents.test_corpus import active_parts

pytestmark = pytest.mark.promise("P07", "P19")
SQUARE = b"0 0 0 rg 50 50 100 100 re f"
SECRET = "Zqx-author"


def saved(pdf: Pdf, **options: Any) -> bytes:
    out = io.BytesIO()
    pdf.save(out, **options)
    return out.getvalue()


def plain(pages: int = 1, content: bytes = SQUARE) -> Pdf:
    pdf = pikepdf.new()
    for _page in range(pages):
        page = pdf.add_blank_page(page_size=(300, 300))
        page.Contents = pdf.make_stream(content)
    return pdf


def script(words: str = "app.alert('hello')") -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS=String(words))


def with_scripts(pdf: Pdf) -> None:
    pdf.Root.OpenAction = script()
    pdf.Root.AA = Dictionary(WC=script())
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), script()])))
    pdf.pages[0].obj.AA = Dictionary(O=script())


def with_launches(pdf: Pdf) -> None:
    launch = Dictionary(S=Name.Launch, F=String("calc.exe"))
    chain = Dictionary(S=Name.URI, URI=String("https://clinic.example/"), Next=launch)
    pdf.Root.OpenAction = launch
    pdf.pages[0].obj.Annots = Array([annotation(launch), annotation(chain)])


def with_files(pdf: Pdf) -> None:
    pdf.attachments["note.exe"] = pikepdf.AttachedFileSpec(pdf, b"MZ a program", filename="note.exe")
    embedded = pdf.make_stream(b"MZ a program", Type=Name.EmbeddedFile)
    spec = Dictionary(Type=Name.Filespec, F=String("a.exe"), EF=Dictionary(F=embedded))
    pdf.pages[0].obj.Annots = Array([
        pdf.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name.FileAttachment, Rect=[0, 0, 9, 9], FS=spec))
    ])


def with_a_form(pdf: Pdf) -> None:
    field = pdf.make_indirect(Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("name"), V=String("typed"), Rect=[10, 10, 90, 30],
        AA=Dictionary(K=script(), F=script()), A=Dictionary(S=Name.SubmitForm, F=String("https://evil.example/")),
    ))
    pdf.pages[0].obj.Annots = Array([field])
    pdf.Root.AcroForm = Dictionary(
        Fields=Array([field]), XFA=pdf.make_stream(b"<xdp/>"), CO=Array([field]), NeedAppearances=True,
        DA=String("/Helv 12 Tf 0 g"), DR=Dictionary(Font=Dictionary(Helv=pdf.make_indirect(Dictionary(
            Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding,
        )))),
    )


def with_an_owner(pdf: Pdf) -> None:
    pdf.docinfo["/Author"] = SECRET
    pdf.Root.Metadata = pdf.make_stream(f"<x:xmpmeta>{SECRET}</x:xmpmeta>".encode(), Type=Name.Metadata)
    pdf.pages[0].obj.PieceInfo = Dictionary(App=Dictionary(Private=String(SECRET)))


def annotation(action: Dictionary) -> Dictionary:
    return Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[10, 10, 90, 30], A=action)


@pytest.mark.parametrize("bad", [with_scripts, with_launches, with_files, with_a_form, with_an_owner])
def test_nothing_that_acts_or_tells_of_its_maker_survives_and_the_page_does(bad: Any) -> None:
    pdf = plain()
    bad(pdf)
    made = pipeline.process(saved(pdf))
    assert made.content_type == "application/pdf" and active_parts(made.file) in ([], ["/URI"])
    assert SECRET.encode() not in made.file and b"MZ a program" not in made.file and b"evil" not in made.file
    with pikepdf.open(io.BytesIO(made.file)) as kept:
        assert not kept.docinfo.keys() and len(kept.attachments) == 0 and "/AcroForm" not in kept.Root
        words = b"".join(bytes(str(item), "utf-8", "replace") for item in kept.objects)
        assert b"JavaScript" not in words and b"Launch" not in words
    for picture in (*made.pages, made.thumb):
        assert len(set(Image.open(io.BytesIO(picture)).convert("L").tobytes())) > 1, "drawn as nothing"


@pytest.mark.parametrize(
    ("address", "stays"),
    [("https://lab.example/", True), ("mailto:lab@lab.example", True), ("file:///etc/passwd", False),
     ("javascript:alert(1)", False), ("smb://evil/share", False)],
)
def test_only_links_to_the_web_and_to_mail_stay(address: str, stays: bool) -> None:
    pdf = plain()
    pdf.pages[0].obj.Annots = Array([annotation(Dictionary(S=Name.URI, URI=String(address)))])
    made = pipeline.process(saved(pdf))
    with pikepdf.open(io.BytesIO(made.file)) as kept:
        links = kept.pages[0].obj.get("/Annots", Array())
        assert [str(link.A.URI) for link in links] == ([address] if stays else [])


def test_a_lock_that_only_forbids_printing_opens_and_is_taken_off() -> None:
    locked = saved(plain(), encryption=pikepdf.Encryption(owner="boss", user="", R=6))
    made = pipeline.process(locked)
    with pikepdf.open(io.BytesIO(made.file)) as kept:
        assert not kept.is_encrypted


def picture_of(edge: int) -> Pdf:
    """A page whose picture claims to be so large; its content is a short run of zeros."""
    pdf = plain(content=b"q 300 0 0 300 0 0 cm /I Do Q")
    image = pdf.make_stream(zlib.compress(bytes(1000)))
    image.update({"/Type": Name.XObject, "/Subtype": Name.Image, "/Width": edge, "/Height": edge})
    image.update({"/ColorSpace": Name.DeviceRGB, "/BitsPerComponent": 8, "/Filter": Name.FlateDecode})
    pdf.pages[0].obj.Resources = Dictionary(XObject=Dictionary(I=image))
    return pdf


def bomb(times: int) -> Pdf:
    """A content stream that grows a thousandfold, packed so many times over."""
    pdf = plain()
    data = bytes(80_000_000)
    for _time in range(times):
        data = zlib.compress(data, 9)
    stream = pdf.make_stream(data)
    stream.Filter = Array([Name.FlateDecode] * times)
    pdf.pages[0].Contents = stream
    return pdf


def unchanged(pdf: Pdf) -> bytes:
    """As it is built: saving must not unpack the bomb here."""
    return saved(pdf, stream_decode_level=pikepdf.StreamDecodeLevel.none, compress_streams=False)


@pytest.mark.parametrize(
    ("make", "codes"),
    [
        (lambda: saved(plain(), encryption=pikepdf.Encryption(owner="boss", user="guess me", R=6)), {"locked"}),
        (lambda: saved(plain())[:200], {"broken"}),
        (lambda: b"%PDF-1.7\n" + b"nothing of the kind " * 50, {"broken"}),
        (lambda: b"MZ\x90\x00" + bytes(100), {"not_a_document"}),
        (lambda: b"", {"empty"}),
        (lambda: saved(plain(pages=4)), {"too_many_pages"}),
        (lambda: unchanged(picture_of(60_000)), {"too_many_pixels", "too_heavy"}),
        (lambda: unchanged(bomb(1)), {"too_heavy", "too_slow"}),
        (lambda: unchanged(bomb(3)), {"too_heavy", "too_slow", "broken"}),
    ],
    ids=["locked", "cut", "no pdf", "program", "empty", "pages", "pixels", "bomb", "bomb in bombs"],
)
def test_what_is_no_good_ends_soon_and_with_a_sentence(make: Any, codes: set[str], settings: Any) -> None:
    settings.DOCUMENT_MAX_PAGES = 3
    data, began = make(), time.monotonic()
    with pytest.raises(pipeline.DocumentRefused) as refused:
        pipeline.process(data)
    assert refused.value.code in codes and len(refused.value.message) > 20
    assert time.monotonic() - began < settings.DOCUMENT_SECONDS + 5


def tiff(pages: int) -> bytes:
    out, page = io.BytesIO(), Image.new("1", (200, 300), 1)
    page.paste(0, (20, 20, 100, 100))
    page.save(out, "TIFF", save_all=True, append_images=[page] * (pages - 1), compression="group4")
    return out.getvalue()


def test_a_fax_of_one_page_becomes_a_picture_and_of_several_is_refused() -> None:
    made = pipeline.process(tiff(1))
    assert made.content_type == "image/jpeg" and Image.open(io.BytesIO(made.file)).size == (200, 300)
    with pytest.raises(pipeline.DocumentRefused) as refused:
        pipeline.process(tiff(3))
    assert refused.value.code == "many_pictures"


def test_the_same_upload_gives_the_same_bytes() -> None:
    data = saved(plain())
    assert pipeline.process(data) == pipeline.process(data)


def test_every_reason_has_a_sentence_without_an_open_placeholder() -> None:
    for code in pipeline.REASONS:
        words = pipeline.reason_text(code)
        assert words.endswith((".", ").")) and "%(" not in words
    assert pipeline.reason_text("unheard of") == pipeline.reason_text("failed")

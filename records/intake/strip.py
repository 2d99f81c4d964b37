"""Cuts an opened PDF down to what its pages need in order to be shown.

Kept: the pages with what they draw, inner links, links to web and mail addresses, bookmarks, the
tags that a screen reader follows, layers, page labels. Everything else is not carried along:
scripts and other actions, forms (as they look is drawn into the page), attached files, sound,
film and 3D, what programs noted about the document, and who made it where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream, String

from records.intake.picture import Refused
from records.intake.streams import check_stream

ROOT_KEEPS = frozenset({
    "/Type", "/Pages", "/Lang", "/MarkInfo", "/StructTreeRoot", "/OCProperties", "/Outlines", "/Dests",
    "/Names", "/PageLabels", "/OpenAction",
})
PAGE_KEEPS = frozenset({
    "/Type", "/Parent", "/MediaBox", "/CropBox", "/BleedBox", "/TrimBox", "/ArtBox", "/Rotate", "/Resources",
    "/Contents", "/UserUnit", "/Group", "/StructParents", "/Tabs", "/Annots",
})
LINK_KEEPS = ("/Rect", "/Border", "/BS", "/C", "/H", "/QuadPoints", "/Contents", "/F")
BOOKMARK_KEEPS = frozenset({"/Title", "/Parent", "/Prev", "/Next", "/First", "/Last", "/Count", "/Dest", "/C", "/F"})
# Gone wherever they stand, except as a name that a page has given to a font or a picture of its own.
DROPPED = frozenset({
    "/AA", "/JS", "/JavaScript", "/Launch", "/EF", "/EmbeddedFiles", "/AF", "/Metadata", "/PieceInfo", "/XFA",
    "/AcroForm", "/OpenAction", "/Collection", "/RichMediaContent", "/RichMediaSettings", "/3DD", "/3DV", "/Movie",
    "/Sound", "/OPI", "/Ref", "/PS", "/Alternates", "/LastModified", "/Thumb", "/URLS", "/SpiderInfo",
})
OUTSIDE_DATA = frozenset({"/F", "/FFilter", "/FDecodeParms"})  # a stream whose content lies in another file
NAMED_BY_PAGES = frozenset({
    "/Font", "/XObject", "/ExtGState", "/ColorSpace", "/Pattern", "/Shading", "/Properties", "/CharProcs",
    "/ClassMap", "/RoleMap", "/Colorants", "/Dests",
})
WEB = frozenset({"http", "https", "mailto"})


def strip(pdf: pikepdf.Pdf, limits: dict[str, int]) -> None:
    """Cut ``pdf`` down, in place. Raises ``Refused`` for pictures beyond ``limits["pixels"]``, or anything."""
    links = [_links(page.obj) for page in pdf.pages]
    _draw_forms_in(pdf)
    root = pdf.Root
    opening = root.get("/OpenAction")
    _keep(root, ROOT_KEEPS)
    if "/OpenAction" in root and not _goes_to_page(opening):
        del root["/OpenAction"]
    if "/Names" in root:
        _keep(root.Names, frozenset({"/Dests"}))
    if "/Outlines" in root:
        _bookmarks(root.Outlines, limits["objects"])
    for page, kept in zip(pdf.pages, links, strict=True):
        _keep(page.obj, PAGE_KEEPS)
        page.obj.Annots = pdf.make_indirect(Array([pdf.make_indirect(link) for link in kept]))
    for name in list(pdf.trailer.keys()):
        if name not in ("/Root", "/Size", "/ID"):
            del pdf.trailer[name]
    own = {link.objgen for page in pdf.pages for link in page.obj.Annots}
    _everywhere(pdf, own, limits)


def _keep(dictionary: pikepdf.Object, names: frozenset[str]) -> None:
    for name in list(dictionary.keys()):
        if name not in names:
            del dictionary[name]


def _draw_forms_in(pdf: pikepdf.Pdf) -> None:
    """What forms, stamps and notes look like becomes part of the page; the things themselves go."""
    if "/AcroForm" in pdf.Root and pdf.Root.AcroForm.get("/NeedAppearances", False):
        pdf.generate_appearance_streams()
        if "/NeedAppearances" in pdf.Root.AcroForm:  # drawing them takes it away, unless a field is left
            del pdf.Root.AcroForm["/NeedAppearances"]
    pdf.flatten_annotations("all")


def _links(page: pikepdf.Object) -> list[Dictionary]:
    """The page's links, made anew: to a page of this document, or to a web or mail address."""
    found = []
    annotations = page.get("/Annots", Array())
    for annotation in annotations if isinstance(annotations, Array) else ():
        if not isinstance(annotation, Dictionary) or annotation.get("/Subtype") != Name.Link:
            continue
        target = _target(annotation)
        if target is not None:
            kept = {name: annotation[name] for name in LINK_KEEPS if name in annotation}
            found.append(Dictionary({"/Type": Name.Annot, "/Subtype": Name.Link, **kept, **target}))
    return found


def _target(holder: pikepdf.Object) -> dict[str, Any] | None:
    """Where a link or bookmark leads, as the plainest thing that says so; None when it may not."""
    if _is_destination(holder.get("/Dest")):
        return {"/Dest": holder["/Dest"]}
    action = holder.get("/A")
    if not isinstance(action, Dictionary):
        return None
    if action.get("/S") == Name.GoTo and _is_destination(action.get("/D")):
        return {"/Dest": action["/D"]}
    if action.get("/S") == Name.URI and isinstance(action.get("/URI"), String) and _is_web(str(action.URI)):
        return {"/A": Dictionary({"/S": Name.URI, "/URI": String(str(action.URI))})}
    return None


def _is_web(address: str) -> bool:
    try:
        return urlsplit(address.strip()).scheme.lower() in WEB
    except ValueError:
        return False


def _is_destination(value: object) -> bool:
    """A named place, or [page, how]: numbers, names and a page of this document, nothing that acts."""
    if isinstance(value, (Name, String)):
        return True
    if not isinstance(value, Array) or not 2 <= len(value) <= 6:
        return False
    first = value[0]
    return (isinstance(first, Dictionary) and first.get("/Type") == Name.Page) or isinstance(first, int)


def _goes_to_page(opening: object) -> bool:
    """Office programs write ``[page /XYZ …]`` so that a document opens at its top; that may stay."""
    return isinstance(opening, Array) and _is_destination(opening)


def _bookmarks(outlines: pikepdf.Object, limit: int) -> None:
    """Each bookmark keeps its words and its page. A tree that leads in circles is left out whole."""
    seen: set[tuple[int, int]] = set()
    waiting = [outlines.get("/First")]
    while waiting:
        item = waiting.pop()
        if not isinstance(item, Dictionary):
            continue
        if item.objgen in seen or len(seen) > limit:
            _keep(outlines, frozenset({"/Type"}))
            return
        seen.add(item.objgen)
        target = _target(item) or {}
        _keep(item, BOOKMARK_KEEPS - {"/Dest"})
        if "/Dest" in target:
            item["/Dest"] = target["/Dest"]
        waiting += [item.get("/Next"), item.get("/First")]


def _everywhere(pdf: pikepdf.Pdf, links: set[tuple[int, int]], limits: dict[str, int]) -> None:
    """Walk what is still reachable, and take out what shows nothing."""
    for holder, named in _reachable(pdf, limits["objects"] * 20):
        if holder.objgen in links and holder.is_indirect:
            continue
        if not named:
            for name in DROPPED.intersection(holder.keys()):
                if not (name == "/OpenAction" and holder.objgen == pdf.Root.objgen):
                    del holder[name]
            _without_actions(holder)
        if isinstance(holder, Stream):
            for name in OUTSIDE_DATA.intersection(holder.keys()):
                del holder[name]
            check_stream(holder, limits)


def _without_actions(holder: pikepdf.Object) -> None:
    """An action hangs on /A or /Next. A tag of a screen reader may have an /A too, with an owner /O."""
    for name in ("/A", "/Next"):
        value = holder.get(name)
        if isinstance(value, Dictionary) and "/S" in value and "/O" not in value and "/Title" not in value:
            del holder[name]
    if holder.get("/Type") == Name.OBJR and "/Obj" in holder:
        del holder["/Obj"]


def _reachable(pdf: pikepdf.Pdf, limit: int) -> Iterator[tuple[Any, bool]]:
    """Each dictionary and stream once, and whether its keys are names that a page has given.

    What the caller takes out of one before asking for the next is not walked into.
    """
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[Any, bool]] = [(pdf.Root, False)]
    steps = 0
    while waiting:
        value, named = waiting.pop()
        steps += 1
        if steps > limit:
            raise Refused("too_heavy")
        if value.is_indirect:
            if value.objgen in seen:
                continue
            seen.add(value.objgen)
        if isinstance(value, Array):
            waiting += [(item, False) for item in _containers(value)]
            continue
        yield value, named
        for name in value.keys():  # noqa: SIM118 - a PDF dictionary iterates over its values
            waiting += [(item, name in NAMED_BY_PAGES) for item in _containers([value[name]])]


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, (Dictionary, Stream, Array))]

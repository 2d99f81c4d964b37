"""Every template keeps the rules of the page: a title, nothing inline, nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Template, engines
from django.template.loader_tags import BlockNode, ExtendsNode

ROOT = Path(settings.BASE_DIR) / "templates"
TEMPLATES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.html"))
PAGES = [name for name in TEMPLATES if "/mail/" not in name]
TITLE_BLOCKS = {"title", "head_title"}
FRAMES = {"account/base_confirm_code.html", "portal/base.html", "portal/form_page.html", "portal/error_page.html"}


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _template(name: str) -> Template:
    return engines["django"].get_template(name).template  # type: ignore[attr-defined,no-any-return]


def _extends(template: Template) -> ExtendsNode | None:
    return next((node for node in template.nodelist if isinstance(node, ExtendsNode)), None)


def _has_words(block: BlockNode) -> bool:
    """True when the block says something itself, not only through another block in it."""
    return any(
        not isinstance(node, BlockNode) and not re.fullmatch(r"\s*", getattr(node, "s", "x")) for node in block.nodelist
    )


def _has_title(name: str) -> bool:
    """True when this template or one that it extends (below the frame) fills the title."""
    template = _template(name)
    blocks = template.nodelist.get_nodes_by_type(BlockNode)
    if any(block.name in TITLE_BLOCKS and _has_words(block) for block in blocks):  # type: ignore[attr-defined]
        return True
    parent = _extends(template)
    return parent is not None and isinstance(parent.parent_name.var, str) and _has_title(parent.parent_name.var)


def test_there_are_templates_to_look_at() -> None:
    assert len(TEMPLATES) > 60


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_template_compiles(name: str) -> None:
    assert _template(name).nodelist is not None


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_its_title(name: str) -> None:
    if name in FRAMES or name.endswith("base.html") or name.startswith("allauth/layouts/"):
        return  # a frame: the pages in it say the title
    if _extends(_template(name)) is None:
        assert "<html" not in _text(name) or "<title>" in _text(name)
        return
    assert _has_title(name)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_in_the_template_is_inline(name: str) -> None:
    """The Content-Security-Policy would block it, and it would be the way in for an attacker."""
    text = re.sub(r"{%.*?%}|{{.*?}}", "x", _text(name), flags=re.DOTALL)
    for tag in re.findall(r"<script\b[^>]*>", text):
        assert " src=" in tag or 'type="application/json"' in tag, tag
    assert not re.search(r"<style\b", text)
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"<[^>]*\son[a-z]+\s*=", text)
    assert "javascript:" not in text


@pytest.mark.parametrize("name", PAGES)
def test_the_template_loads_nothing_from_elsewhere(name: str) -> None:
    loaded = re.findall(
        r"<(?:script|img|link|iframe|source|video|object|embed)\b[^>]*?(?:src|href|data)=\"([^\"]*)\"", _text(name)
    )
    assert not [address for address in loaded if re.match(r"(?:https?:)?//", address)]


@pytest.mark.promise("P04")
def test_links_out_of_the_portal_are_made_by_the_one_tag() -> None:
    """In templates and policy texts; the crawl (tests/sweeps/test_headers.py) finds those that are variables."""
    policies = Path(settings.BASE_DIR) / "portal" / "agreements" / "policies"
    texts = {name: _text(name) for name in TEMPLATES}
    texts |= {path.name: path.read_text(encoding="utf-8") for path in policies.rglob("*.html")}
    elsewhere = re.compile(
        r"""(?:href|action|src)\s*=\s*["']?\s*(?:https?:|//)|http-equiv="refresh"[^>]*url=""", re.IGNORECASE
    )
    assert len(texts) > len(TEMPLATES)
    assert [name for name, text in texts.items() if elsewhere.search(text)] == []


@pytest.mark.parametrize("name", PAGES)
def test_forms_pictures_and_new_tabs_are_made_with_care(name: str) -> None:
    text = _text(name)
    for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", text, flags=re.DOTALL):
        if "{% url 'visitors:choose' %}" in form:
            continue  # a token needs a cookie, and here nobody was asked yet: the browser says where it came from
        assert "csrf_token" in form or "{% slot body %}" in form, form[:120]
    assert not [tag for tag in re.findall(r"<img\b[^>]*>", text) if " alt=" not in tag]
    assert not [tag for tag in re.findall(r"<a\b[^>]*target=\"_blank\"[^>]*>", text) if "noopener" not in tag]


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_clinic_is_never_named_in_a_template(name: str) -> None:
    """Another clinic must be able to run this with its own name: it comes from the settings."""
    text = _text(name)
    for literal in ("CLINIC_NAME", "CLINIC_LEGAL_NAME", "CLINIC_EMAIL", "CLINIC_OFFICER_NAME"):
        assert getattr(settings, literal) not in text


# Classes that a sheet of some pages adds to on purpose: the same part, drawn a little differently there.
SHARED = {"top", "foot", "lightbox", "coach", "tap"}
# Sheets that no page loads together with the others: the admin's.
OF_THE_ADMIN = {"desk.css", "admin.css"}


def test_no_part_gets_its_look_from_another_part_of_the_same_name() -> None:
    """A cookie notice called ``ask`` once painted over the headings of all questions of a consult."""
    owners: dict[str, set[str]] = {}
    for sheet in sorted((Path(settings.BASE_DIR) / "static").rglob("*.css")):
        if sheet.name in OF_THE_ADMIN:
            continue
        rules = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        for selectors in re.findall(r"([^{}]+)\{", rules):
            for name in re.findall(r"(?:^|,)\s*\.([\w-]+)\s*(?=,|$)", selectors):
                owners.setdefault(name, set()).add(sheet.name)
    assert len(owners) > 60
    assert {name: sheets for name, sheets in owners.items() if len(sheets) > 1 and name not in SHARED} == {}

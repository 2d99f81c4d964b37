"""Same file names in every app, one job each; no file that grows without end."""

from __future__ import annotations

import subprocess
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

BASE = Path(__file__).resolve().parents[2]
ROOMS = ("portal", "records", "billing", "consults", "privacy")

EVERYWHERE = {
    "__init__", "models", "state", "services", "selectors", "forms", "views", "urls", "mails", "tasks", "receivers",
    "admin", "personal_data", "middleware", "apps",
}
# Names beyond those, each for a reason that docs/architecture.md tells ("Names of files").
DECLARED: dict[str, set[str]] = {
    "portal": {
        "settings", "wsgi", "celery", "checks", "guards", "context", "permissions", "errors", "dates", "poke",
        "admin_site", "local_services", "subjects", "logs", "context_processors", "spreadsheets",
        "cache", "environment", "locks", "rules", "schedule",
    },
    "portal/crypto": {"base", "checks", "fields", "keys", "rotation", "sealed", "storage", "tokens", "values"},
    "portal/lockbox": {"age", "folder", "operating", "s3", "s3_calls", "store"},
    "portal/evidence": {"unreadable"},
    "portal/audit": {"append_only", "chain", "macs", "reviews", "verification"},
    "portal/outbox": {"delivery", "inbox", "leaving", "letters", "registry", "sending", "smtp"},
    "portal/jobs": {"registry", "runner"},
    "portal/accounts": {
        "adapter", "gate", "hashers", "leaving", "passkeys", "passwords", "resume", "sessions", "suspending",
        "training",
    },
    "portal/demo": {
        "__main__", "amendments", "ana", "clinic", "clock", "disclosures", "handover", "incidents", "letters", "papers",
        "people", "pictures", "requests", "safeguards", "seed", "stack", "visits", "leaving",
    },
    "records": {"access", "changes", "vault"},
    "records/disclosures": {"recipients"},
    "records/amendments": {"parts"},
    "records/emergency": {"giving"},
    "records/history": {"checks", "kinds", "locks", "sheets", "topics"},
    "records/people": {
        "merge", "names", "public_id", "search", "search_forms", "search_models", "search_rebuild",
        "search_same", "search_tokens",
        "search_words",
    },
    "records/intake": {
        "decode", "files", "kinds", "pdf", "picture", "processing", "receiving", "sandbox", "scanner", "streams",
        "strip",
    },
    "records/withholding": {"words"},
    "records/photos": {"files", "pipeline", "processing"},
    "records/documents": {"files", "pipeline", "processing"},
    "records/export": {"archive_file", "bundle", "withheld", "fhir", "pdf", "pdf_words", "typesetting"},
    # One file for each part of the standard.
    "records/export/fhir": {
        "base", "bundle", "codes", "composition", "consents", "corrections", "documents", "episode", "people",
        "provenance", "questions", "sections",
    },
    "billing": {"products", "signals", "square"},
    "billing/square": {"answers"},
    "consults/desk": {"casefile", "cautions", "glance", "templates_library"},
    "consults": {"home", "questionnaire"},
    "privacy": {
        "archive", "closing", "deidentified", "dossier", "erasure", "exports", "ledger", "merging", "promises",
        "replay", "retention",
        "smallcells",
    },
    "privacy/visitors": {"browsers", "cookies", "pages", "partner", "proof"},
    "privacy/guardians": {"kinds"}, "privacy/leaving": {"kinds"},
    "privacy/safeguards": {"addressable", "binding", "making", "proof", "yearly"},
    "privacy/requests": {
        "clock", "deletion", "desk_forms", "kinds", "letters", "notice", "panels", "registry", "reminders", "words",
    },
    "privacy/disclosing": {"accounting", "assignments", "closing", "letters", "papers", "proof"},
    "privacy/handover": {"choosing", "content", "folder", "making"},
    # Pure clocks; receipt codes; what freezes; each kind of row of its own.
    "privacy/incidents": {
        "clocks", "codes", "desk_forms", "freezing", "letters", "notice_models", "report_models", "timeline",
    },
    "privacy/keeping": {"accounting", "bundles", "destruction", "inventory"},
    "privacy/backups": {"drill", "dump", "mirror", "restore", "samples"},
    "privacy/letters": {"housekeeping", "kinds", "making", "reading", "registry"},
    "privacy/fees": {"calculator", "letters", "panels"},
    "privacy/copies": {"kinds", "preparing"},
    "privacy/corrections": {"kinds", "letters"},
    "privacy/denials": {"grounds", "letters", "withholding"},
    "privacy/limits": {"kinds", "letters"},
}
FREE_FOLDERS = ("migrations", "commands", "templatetags", "standin", "views", "services", "vault")


def _files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=BASE, capture_output=True, text=True, check=True,
    ).stdout.split()
    return [BASE / name for name in listed if (BASE / name).exists()]


def _room_files() -> list[Path]:
    return [file for file in _files() if file.relative_to(BASE).parts[0] in ROOMS]


def test_every_file_of_an_app_has_a_declared_name() -> None:
    strange = []
    for file in _room_files():
        folder = file.parent.relative_to(BASE).as_posix()
        if any(part in FREE_FOLDERS for part in file.parent.relative_to(BASE).parts):
            continue
        if file.stem not in EVERYWHERE | DECLARED.get(folder, set()):
            strange.append(file.relative_to(BASE).as_posix())
    assert strange == [], "declare the name here and in docs/architecture.md, or use one that exists"


def test_no_file_is_called_utils_helpers_or_common() -> None:
    refused = {"utils", "helpers", "common", "misc", "http"}
    named = [file.relative_to(BASE).as_posix() for file in _files() if file.stem in refused]
    assert named == []


def test_no_python_file_is_longer_than_500_lines() -> None:
    long = {
        file.relative_to(BASE).as_posix(): lines
        for file in _files()
        if "migrations" not in file.parts and (lines := len(file.read_text().splitlines())) > 500
    }
    assert long == {}


def test_no_file_imports_itself_by_way_of_others() -> None:
    """Imports inside functions count too; only what is imported for annotations does not."""
    graph = grimp.build_graph(*ROOMS, exclude_type_checking_imports=True, cache_dir=None)
    arrows = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("name", ["manage.py", "README.md", "pyproject.toml", "docker-compose.yml", "uv.lock"])
def test_the_top_level_has_what_a_newcomer_looks_for(name: str) -> None:
    assert (BASE / name).is_file()

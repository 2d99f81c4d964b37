"""What a part of the export holds: FHIR R4 as one NDJSON file a type, and the files of each patient beside it.

Everything goes by one photo or PDF at a time; only the FHIR lines of a part's patients are kept until its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from portal.audit.models import Action
from portal.context import SYSTEM
from portal.permissions import Purpose
from records.export.bundle import RecordFiles
from records.export.fhir.bundle import kinds_by_reference, relative
from records.vault.rooms import open_record

BUNDLE = "record.fhir.json"


@dataclass
class PartContent:
    """Yields (name, bytes) once. Afterwards ``counts`` has resources by type.

    ``incomplete`` is whose files are not all in it. Names: ``fhir/Patient.0007.ndjson`` and
    ``files/<record id>/photos/…``; the part's number is in the first, so that all parts can be unpacked into one
    folder. ``failed`` is whose record broke the making, and how.
    """

    number: int
    patient_ids: list[UUID]
    counts: dict[str, int] = field(default_factory=dict)
    incomplete: list[UUID] = field(default_factory=list)
    failed: tuple[UUID, Exception] | None = None
    _lines: dict[str, list[bytes]] = field(default_factory=dict)
    _shared: set[str] = field(default_factory=set)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        for patient_id in self.patient_ids:
            try:
                yield from self._of(patient_id)
            except Exception as error:  # whoever seals sees only that the source broke off
                self.failed = patient_id, error
                raise
        for kind in sorted(self._lines):
            yield f"fhir/{kind}.{self.number:04}.ndjson", b"\n".join(self._lines[kind]) + b"\n"

    def _of(self, patient_id: UUID) -> Iterator[tuple[str, bytes]]:
        """One patient's files as they come; the FHIR bundle is taken apart into lines."""
        record = open_record(by=SYSTEM, patient_id=patient_id, purpose=Purpose.MERGER, action=Action.EXPORT)
        files, folder = RecordFiles(record), f"files/{patient_id}"
        for name, data in files:
            if name == BUNDLE:
                self._take_apart(json.loads(data), folder)
            else:
                yield f"{folder}/{name}", data
        if files.notes:
            yield f"{folder}/notes.txt", ("\n".join(files.notes) + "\n").encode()
        if files.missing:
            self.incomplete.append(patient_id)

    def _take_apart(self, bundle: dict[str, Any], folder: str) -> None:
        """A line for each resource, referring by kind and id; attachments by where the file lies in the export."""
        resources = [entry["resource"] for entry in bundle["entry"]]
        kinds = kinds_by_reference(resources)
        for resource in resources:
            ident = f"{resource['resourceType']}/{resource['id']}"
            if ident in self._shared:
                continue
            if resource["resourceType"] in SHARED:
                self._shared.add(ident)
            line = json.dumps(_placed(relative(resource, kinds), folder), ensure_ascii=False, separators=(",", ":"))
            self._lines.setdefault(resource["resourceType"], []).append(line.encode())
            self.counts[resource["resourceType"]] = self.counts.get(resource["resourceType"], 0) + 1


# The clinic, its people and its questionnaires are in every record; once in a part is enough.
SHARED = frozenset({"Organization", "Practitioner", "Device", "Questionnaire"})


def _placed(value: Any, folder: str) -> Any:
    """With the addresses of attachments as names in the export."""
    if isinstance(value, dict):
        return {
            key: f"{folder}/{item}" if key == "url" and _is_file(item) else _placed(item, folder)
            for key, item in value.items()
        }
    return [_placed(item, folder) for item in value] if isinstance(value, list) else value


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("photos/", "documents/"))

"""What every builder uses: references, times, absent values, and the pruning of empty parts."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings

from records.export.fhir.codes import ABSENT_REASON, Code
from records.vault.content import UNREADABLE

Resource = dict[str, Any]
URN = "urn:uuid:"
# RULES 9: the version of US Core that a resource is written for stands in its profile.
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-{}|9.0.0"
IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/{}-uv-ips|2.0.1"


def us_core(name: str) -> Resource:
    """``meta`` for a resource that follows this US Core profile."""
    return {"profile": [US_CORE.format(name)]}


def pruned(resource: Resource) -> Resource:
    """Without empty parts: FHIR has no empty strings, lists or objects."""
    kept: Resource = _kept(resource)
    return kept


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        parts = {key: _kept(item) for key, item in value.items()}
        return {key: item for key, item in parts.items() if item not in (None, "", [], {})}
    if isinstance(value, list):
        return [item for item in map(_kept, value) if item not in (None, "", [], {})]
    return value


def concept(code: Code | None = None, *, text: str = "") -> Resource:
    """A CodeableConcept: a code, words, or both."""
    return {"coding": [code.coding()] if code else [], "text": text}


def absent(reason: str) -> Resource:
    """The extension that says why there is no value: ``error`` for what cannot be read."""
    return {"url": ABSENT_REASON, "valueCode": reason}


def text_of(value: object) -> str:
    """The words, or nothing for a value that cannot be read."""
    return "" if value is UNREADABLE else str(value)


def said(value: object, instead: str = "") -> Resource:
    """Words as a CodeableConcept that is never empty: what cannot be read says so."""
    words = text_of(value) or instead
    return {"text": words} if words else {"extension": [absent("error" if value is UNREADABLE else "unknown")]}


def ref(ident: UUID | str) -> Resource:
    return {"reference": f"{URN}{ident}"}


def own_id(kind: str, ident: UUID) -> UUID:
    """A stable id for what has none in the record."""
    return uuid5(ident, kind)


def organization_id() -> UUID:
    return uuid5(NAMESPACE_URL, settings.SITE_URL)


def software_id() -> UUID:
    """The portal, as the maker of the document."""
    return own_id("portal", organization_id())


def system(name: str) -> str:
    """The address of one of the clinic's own systems of identifiers."""
    return f"{settings.SITE_URL}/fhir/{name}"


def instant(at: dt.datetime | None) -> str | None:
    return None if at is None else at.astimezone(dt.UTC).isoformat(timespec="seconds")

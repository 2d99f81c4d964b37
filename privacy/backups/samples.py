"""Opening a sample of everything that is encrypted: whether the keys at hand fit the data at hand."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models

from portal.crypto import sealed
from portal.crypto.base import SealedField
from portal.crypto.fields import DecryptionError
from portal.errors import PortalError


def sample_open(size: int) -> dict[str, Any]:
    """Open ``size`` random rows of each table with encrypted columns, and the files that they name.

    Returns how many ``values`` and ``files`` opened, and the ``unreadable`` columns and folders by
    name. Nothing of the content goes anywhere.
    """
    values, files, unreadable = 0, 0, set()
    for model in apps.get_models(include_auto_created=True):
        columns = [field for field in model._meta.concrete_fields if isinstance(field, SealedField)]
        if not columns or not model._meta.managed or model._meta.proxy:
            continue
        for row in model._default_manager.order_by("?")[:size]:
            for column in columns:
                try:
                    getattr(row, column.attname)
                    values += 1
                except DecryptionError:
                    unreadable.add(column.context)
            for name, key in _files(row):
                try:
                    sealed.read(name, key)
                    files += 1
                except (PortalError, OSError):
                    unreadable.add(f"file of {model._meta.label}")
    return {"values": values, "files": files, "unreadable": sorted(unreadable)}


def _files(row: models.Model) -> list[tuple[str, bytes]]:
    """(name, key) of the sealed files of a row: columns that go in pairs, as in ``image_name``, ``image_key``."""
    names = {field.name for field in row._meta.concrete_fields}
    pairs = [(name, f"{name.removesuffix('name')}key") for name in names if name.endswith("name")]
    found = []
    for name, key in pairs:
        if key in names and getattr(row, name) and not row._meta.label.endswith(("Event", "RecordCopy")):
            found.append((getattr(row, name), bytes(getattr(row, key) or b"")))
    return found

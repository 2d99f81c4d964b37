"""Opening a sample of everything that is encrypted: whether the keys at hand fit the data at hand."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.files.storage import storages
from django.db import models

from portal.crypto import sealed
from portal.crypto.base import SealedField
from portal.crypto.fields import DecryptionError
from portal.errors import PortalError


def sample_open(size: int) -> dict[str, Any]:
    """Open ``size`` random rows of each table with encrypted columns, and the files that they name.

    Returns how many ``values`` and ``files`` opened, the ``unreadable`` columns and folders by name, and
    how many of all files that rows name are ``missing``. Nothing of the content goes anywhere.
    """
    values, files, unreadable = 0, 0, set()
    for model in apps.get_models(include_auto_created=True):
        columns = [field for field in model._meta.concrete_fields if isinstance(field, SealedField)]
        if not columns or not model._meta.managed or model._meta.proxy:
            continue
        pairs = _pairs(model)
        for row in model._default_manager.order_by("?")[:size]:
            for column in columns:
                try:
                    getattr(row, column.attname)
                    values += 1
                except DecryptionError:
                    unreadable.add(column.context)
            for name, key in pairs:
                if not getattr(row, name) or not storages["sealed"].exists(getattr(row, name)):
                    continue
                try:
                    sealed.read(getattr(row, name), bytes(getattr(row, key) or b""))
                    files += 1
                except (PortalError, OSError):  # the file, or its key
                    unreadable.add(f"file of {model._meta.label}")
    return {"values": values, "files": files, "unreadable": sorted(unreadable), "missing": files_missing()}


def files_missing() -> int:
    """How many sealed files that rows name are not in the store; all rows, not a sample.

    Not what waits to be looked at after an upload: it goes within seconds, in the middle of a backup too.
    """
    store, missing = storages["sealed"], 0
    for model in apps.get_models(include_auto_created=True):
        for name, _key in _pairs(model):
            if name.startswith("quarantine"):
                continue
            names = model._default_manager.exclude(**{name: ""}).values_list(name, flat=True)
            missing += sum(not store.exists(one) for one in names.iterator(chunk_size=2000) if one)
    return missing


def _pairs(model: type[models.Model]) -> list[tuple[str, str]]:
    """Columns that go in pairs, as in ``image_name``, ``image_key``; former values and downloads left out."""
    if not model._meta.managed or model._meta.proxy or model._meta.label.endswith(("Event", "RecordCopy")):
        return []
    names = {field.name for field in model._meta.concrete_fields}
    pairs = [(name, f"{name.removesuffix('name')}key") for name in sorted(names) if name.endswith("name")]
    return [(name, key) for name, key in pairs if key in names]

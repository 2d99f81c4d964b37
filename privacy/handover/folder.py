"""Where the sealed parts lie until they are handed over: one folder an export, in ``ASSIGNMENT_DIR``.

A part is there whole or not at all: written beside its name, flushed, then renamed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings


def place_of(handover_id: UUID) -> Path:
    """The folder of one export, which is made when the first part comes."""
    return Path(settings.ASSIGNMENT_DIR) / handover_id.hex


def keep(handover_id: UUID, name: str, fill: Callable[[BinaryIO], None]) -> tuple[str, int]:
    """Let ``fill`` write the file; returns its SHA-256 in hex and its size. Takes the place of one with this name.

    Raises ``OSError``, for a full disk among others; then nothing with this name has changed.
    """
    folder = place_of(handover_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = folder / f"{name}.half"
    try:
        with half.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        with half.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = half.stat().st_size
        half.replace(folder / name)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return digest, size


def remove(handover_id: UUID, names: list[str]) -> None:
    """Take files out, halves too; the folder with the last of them."""
    folder = place_of(handover_id)
    for name in names:
        (folder / name).unlink(missing_ok=True)
        (folder / f"{name}.half").unlink(missing_ok=True)
    with suppress(OSError):  # something else lies there, or there never was one
        folder.rmdir()

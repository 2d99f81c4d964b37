"""The local folder for sealed files: a name either holds the whole file or does not exist."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


class SealedFolder(FileSystemStorage):
    """Django's folder storage with whole-file writes: a temporary file, synced, then renamed.

    A process killed in mid-write leaves a ``*.part`` file behind, never a torn one under its name.
    """

    def _save(self, name: str, content: File[Any]) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=target.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            os.link(part, target)  # unlike a rename, never replaces a file that is already there
        finally:
            Path(part).unlink()
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return name

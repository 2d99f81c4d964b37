"""A web server of the product on a database and a store of its own, for who must see what it answers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.demo.stack import BASE, free_port


@contextmanager
def site(**env: str) -> Iterator[str]:
    """Its address, as long as the ``with`` lasts. ``env`` comes on top of this process's own."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "portal.wsgi", "--bind", f"127.0.0.1:{port}", "--log-level", "error"],
        cwd=BASE, env={**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings", **env}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def answers(address: str, path: str = "/accounts/login/", *, seconds: float = 40) -> tuple[int, str]:
    """Status and text of a page, once somebody listens there."""
    ends = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address + path, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            assert time.monotonic() < ends, "nobody listens"
            time.sleep(0.2)


def opens(address: str, *, seconds: float = 40) -> bool:
    """True once the site answers as usual; it asks for the ledger every ten seconds."""
    ends = time.monotonic() + seconds
    while answers(address)[0] != 200:
        if time.monotonic() > ends:
            return False
        time.sleep(0.5)
    return True


def files_below(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of everything in these folders."""
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                yield str(file), file.read_bytes()

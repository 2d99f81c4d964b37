"""A local S3 server that enforces Object Lock, in an environment of its own, on 127.0.0.1 only.

``make`` installs it (``.local/ministack-venv``); from then on no network is needed. It forgets all
at its end, so it is for tests and for nothing else. What it does not refuse as S3 would (dates in
the past, a mode without a date, switching versions off) our own store has to refuse.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from portal.lockbox import s3_calls
from portal.lockbox.s3_calls import S3Address

PROGRAM = Path(__file__).resolve().parents[2] / ".local" / "ministack-venv" / "bin" / "ministack"


@contextmanager
def running() -> Iterator[str]:
    """The server's address, as long as the ``with`` lasts."""
    assert PROGRAM.exists(), "run `make s3-server` once: it installs the local S3 server for these tests"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    env = {"PATH": os.environ["PATH"], "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    server = subprocess.Popen([str(PROGRAM)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert time.monotonic() < deadline, "the local S3 server does not answer"
            time.sleep(0.1)


def bucket(endpoint: str, *, locked: bool = True, **more: Any) -> S3Address:
    """A new bucket of its own name, made for Object Lock unless told otherwise."""
    address = S3Address(
        endpoint=endpoint, bucket=f"b{uuid4().hex}", region="us-east-1", access_key="key", secret_key="secret",
        **{"prefix": "clinic/", "timeout_seconds": 5, **more},
    )
    client(address).create_bucket(Bucket=address.bucket, ObjectLockEnabledForBucket=locked)
    return address


def client(address: S3Address) -> Any:
    """The bare library's client, for what the product never does."""
    return s3_calls._client(address, os.getpid())

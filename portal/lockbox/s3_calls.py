"""The few calls to an S3 server that the archive's store makes, and what their errors mean.

The only place that imports boto3. Short timeouts, three tries at most; keys carry the prefix here
and nowhere else.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError
from urllib3.exceptions import HTTPError

from portal.errors import StorageUnavailable
from portal.lockbox.store import Damaged, NotKept

TRIES = 3
_GONE = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NoSuchObjectLockConfiguration", "MethodNotAllowed"})


@dataclass(frozen=True, slots=True)
class S3Address:
    """Where the bucket is. An empty ``endpoint`` is AWS itself; ``prefix`` goes before every name."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    prefix: str = ""
    timeout_seconds: int = 20


def code_of(error: ClientError) -> str:
    """The server's word for what went wrong, such as ``AccessDenied``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def unavailable(error: Exception) -> StorageUnavailable:
    """The error to raise for whatever may be better later; says the server's code and nothing else."""
    code = code_of(error) if isinstance(error, ClientError) else type(error).__name__
    return StorageUnavailable(f"the archive's store answered {code}")


@contextmanager
def calling(name: str) -> Iterator[None]:
    """Turn the library's errors into the lockbox's."""
    try:
        yield
    except ClientError as error:
        gone = code_of(error) in _GONE or "ersion id" in str(error.response.get("Error", {}).get("Message", ""))
        raise (NotKept(name) if gone else unavailable(error)) from None
    except (BotoCoreError, HTTPError, OSError) as error:
        raise unavailable(error) from None


@lru_cache(maxsize=8)
def _client(address: S3Address, _process: int) -> Any:
    """One client a process: it holds the connections, and a fork must not share them."""
    return boto3.session.Session().client(
        "s3", endpoint_url=address.endpoint or None, region_name=address.region,
        aws_access_key_id=address.access_key, aws_secret_access_key=address.secret_key,
        config=Config(
            connect_timeout=min(5, address.timeout_seconds), read_timeout=address.timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": TRIES}, max_pool_connections=4,
            s3={"addressing_style": "path" if address.endpoint else "auto"},
            # We send and compare SHA-256 ourselves; the library's CRC would be a second pass.
            request_checksum_calculation="when_required", response_checksum_validation="when_required",
        ),
    )


class Calls:
    """The calls, by name as in S3's own interface, on keys below the prefix."""

    def __init__(self, address: S3Address) -> None:
        self._address = address

    def __getattr__(self, call: str) -> Any:
        """``put_object(key, …)`` and the like, as the server answers. Network errors are turned."""
        method = getattr(self._client(), call)

        def on_key(key: str, **options: Any) -> dict[str, Any]:
            try:
                answer = method(Bucket=self._address.bucket, Key=self._address.prefix + key, **options)
            except (BotoCoreError, HTTPError, OSError) as error:
                raise unavailable(error) from None
            return cast("dict[str, Any]", answer)

        return on_key

    def list_versions(self, prefix: str) -> Iterator[tuple[str, str, int]]:
        """Key, version and size of everything below ``prefix``, markers left out; sorted by key."""
        start = self._address.prefix
        pages = self._client().get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._address.bucket, Prefix=start + prefix):
            for found in page.get("Versions", []):
                yield found["Key"].removeprefix(start), found["VersionId"], int(found["Size"])

    def versioning(self) -> str:
        """``Enabled``, or what else the bucket says."""
        with calling(self._address.bucket):
            return str(self._client().get_bucket_versioning(Bucket=self._address.bucket).get("Status", ""))

    def object_lock(self) -> str:
        """``Enabled``, or empty where the bucket was not made for it."""
        try:
            found = self._client().get_object_lock_configuration(Bucket=self._address.bucket)
        except ClientError as error:
            if code_of(error) == "ObjectLockConfigurationNotFoundError":
                return ""
            raise unavailable(error) from None
        except (BotoCoreError, HTTPError, OSError) as error:
            raise unavailable(error) from None
        return str(found.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled", ""))

    def _client(self) -> Any:
        return _client(self._address, os.getpid())


class Reader(io.RawIOBase):
    """The content of one object. Raises ``Damaged`` when less comes than was announced."""

    def __init__(self, name: str, answer: dict[str, Any]) -> None:
        self._name = name
        self._body = answer["Body"]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            piece = self._body.read(len(buffer))
        except IncompleteReadError:
            raise Damaged(self._name) from None
        except (BotoCoreError, HTTPError, OSError) as error:
            raise unavailable(error) from None
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._body.close()
        super().close()

"""The kinds of long work, as the apps above register them at start."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, TypeAlias

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise

if TYPE_CHECKING:
    from portal.jobs.models import Job

Text: TypeAlias = str | Promise
_KIND = re.compile(r"[a-z][a-z0-9_.]{2,79}")


class Progress(Protocol):
    """Tell how far the work is. Keeps the lease too: call it at least once a minute.

    ``message`` is a code of the kind's ``messages``. Raises ``JobLost`` when another worker has
    taken the job over in the meantime: stop at once then.
    """

    def __call__(self, done: int, total: int, message: str = "") -> None: ...


@dataclass(frozen=True)
class JobKind:
    """One kind of long work.

    ``run(job, progress)`` does it and returns its result: ids and codes only. It may be run
    again after a crash, so it must be idempotent. ``failed(job)`` is called once when it is
    given up, so that the person can be told; ``expire(job)`` removes what the result points to
    when ``keep`` has passed. ``done_url(job)`` leads to the result.
    """

    kind: str
    run: Callable[[Job, Progress], Mapping[str, str | int]]
    title: Text = ""
    messages: Mapping[str, Text] = field(default_factory=dict)
    max_attempts: int = 3
    lease: timedelta = timedelta(minutes=5)
    keep: timedelta | None = timedelta(days=7)
    done_url: Callable[[Job], str] | None = None
    failed: Callable[[Job], None] | None = None
    expire: Callable[[Job], None] | None = None


_kinds: dict[str, JobKind] = {}


def register(kind: JobKind) -> None:
    """Add a kind; the same name again replaces it. Raises ``ImproperlyConfigured``."""
    if not _KIND.fullmatch(kind.kind):
        raise ImproperlyConfigured(f"job kind {kind.kind!r} is not a code")
    _kinds[kind.kind] = kind


def kind_of(name: str) -> JobKind:
    """The kind's entry. Raises ``LookupError`` when no app has registered it."""
    try:
        return _kinds[name]
    except KeyError:
        raise LookupError(f"no job of the kind {name} is registered") from None

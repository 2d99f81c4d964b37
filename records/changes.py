"""Why health information was changed, and what it was before (P38).

Every service that changes a tracked model does it inside ``basis(...)``. The former row goes into
the model's history table, encrypted as it was, with the basis as its context: codes and ids only.
The context column is NOT NULL, so a change that names no basis fails in the database itself,
bulk updates included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

import pghistory
from django.db import connection, models

from portal.context import Actor

M = TypeVar("M", bound=models.Model)


class Basis(StrEnum):
    """The closed list of P38."""

    PATIENT_EDIT = "patient_edit"
    REQUEST = "request"
    CLINICAL_CARE = "clinical_care"
    ERROR_CORRECTION = "error_correction"


_open: ContextVar[tuple[str, ...] | None] = ContextVar("records.changes.basis", default=None)


@contextmanager
def basis(why: Basis, *, by: Actor, request_id: UUID | None = None) -> Iterator[None]:
    """Changes of health information inside the block are kept with this basis.

    ``request_id`` is the rights request that asks for the change; ``Basis.REQUEST`` needs it.
    Blocks may nest when they say the same; another basis inside raises ``ValueError``, since the
    two changes would be kept under one context and one of them wrongly.
    """
    why = Basis(why)
    if why is Basis.REQUEST and request_id is None:
        raise ValueError("a change on request names its request")
    named = (why.value, str(by.account_id or ""), by.role, str(request_id or ""))
    outer = _open.get()
    if outer is not None:
        if outer != named:
            raise ValueError("another basis is open already")
        yield
        return
    token = _open.set(named)
    try:
        with pghistory.context(basis=why.value, by=named[1], role=str(by.role), request=named[3]):
            yield
        _forget()
    finally:
        _open.reset(token)


def _forget() -> None:
    """Take the basis off the open transaction: it would cover what is done later in it as well."""
    if connection.in_atomic_block and not connection.needs_rollback:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('pghistory.context_id', '', true)")


def keeps_former_values(
    *, deleted: bool = False, of: tuple[str, ...] = (), beside: tuple[str, ...] = ()
) -> Callable[[type[M]], type[M]]:
    """Class decorator: each changed row's former values are kept, append-only, with their basis.

    With ``deleted`` a removed row is kept too. ``of`` names the columns whose change counts, where
    the others are the machine's own; then only those and ``beside`` are kept. Rows go for good only
    through ``personal_data``.
    """
    changed = pghistory.AnyChange(*of) if of else pghistory.AnyChange(exclude_auto=True)
    trackers: list[pghistory.Tracker] = [pghistory.UpdateEvent(condition=changed, row=pghistory.Old)]
    if deleted:
        trackers.append(pghistory.DeleteEvent(row=pghistory.Old))
    kept = ["id", *beside, *of] if of else None

    def decorate(model: type[M]) -> type[M]:
        tracked: type[M] = pghistory.track(
            *trackers, fields=kept, model_name=f"{model.__name__}Event", append_only=True,
            context_field=pghistory.ContextForeignKey(null=False)
        )(model)
        return tracked

    return decorate

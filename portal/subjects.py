"""How every app names the person whose data it holds, and how it classes each field (P05)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from django.db import models
from django.db.models import Q


@dataclass(frozen=True, slots=True)
class Subject:
    """A person by opaque ids only: the subject's id and the accounts that act for them."""

    subject_id: UUID
    account_ids: tuple[UUID, ...] = field(default=())
    # Ids of records that went into this one; the access log and the archive still name them.
    former_ids: tuple[UUID, ...] = field(default=())

    @property
    def ids(self) -> tuple[UUID, ...]:
        """Every id under which this person was ever known, today's first."""
        return (self.subject_id, *self.former_ids)


def heard_by(subject: Subject, reader: UUID | None, column: str = "account_id") -> Q:
    """Which rows between the clinic and an account (``column``) belong into a copy for the account ``reader``.

    The person themself, and the portal (None), get all. Who looks after them gets what is between the
    clinic and that reader, not what the person or somebody else asked or was told (RULES 1.44-1.46);
    what is nobody's counts as theirs while the person has no account of their own.
    """
    if reader is None or reader in subject.account_ids:
        return Q()
    mine = Q(**{column: reader})
    return mine if subject.account_ids else mine | Q(**{column: None})


def rows_move(
    table: type[models.Model], *, old: Subject, new: Subject, account: str = "account_id"
) -> dict[str, int]:
    """Give rows that name ``old`` by ``subject_id`` to ``new``; for merging two records of one person.

    Where they also name an account of the old record (column ``account``), they go to the account
    that survives, so that the person finds them there. Returns rows by model; done again, nothing.
    """
    rows = table._default_manager
    moved = rows.filter(subject_id=old.subject_id).update(subject_id=new.subject_id)
    if account and new.account_ids:
        mine = {"subject_id": new.subject_id, f"{account}__in": old.account_ids}
        rows.filter(**mine).update(**{account: new.account_ids[0]})
    return {table._meta.label: moved} if moved else {}


class FieldClass(StrEnum):
    """What a model field holds. A test fails when a field has no class."""

    IDENTIFIER = "identifier"
    CLINICAL = "clinical"
    PAYMENT = "payment"
    OPERATIONAL = "operational"

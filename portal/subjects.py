"""How every app names the person whose data it holds, and how it classes each field (P05)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Subject:
    """A person by opaque ids only: the subject's id and the accounts that act for them."""

    subject_id: UUID
    account_ids: tuple[UUID, ...] = field(default=())


class FieldClass(StrEnum):
    """What a model field holds. A test fails when a field has no class."""

    IDENTIFIER = "identifier"
    CLINICAL = "clinical"
    PAYMENT = "payment"
    OPERATIONAL = "operational"

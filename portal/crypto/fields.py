"""The encrypted fields. Built on django-encrypted-model-fields; ``base.py`` says what is mended.

Each takes ``context="app.model.field"``, the column's pinned name. ``None`` is stored as NULL and so
visible as absence; everything else, the empty string too, is ciphertext. Reading an attribute may
raise ``DecryptionError``. Only ``isnull`` can be asked in a query. ``values()`` hands out lazy
values with ``.open()``. JSON changed in place is noticed on saving. Sorting by an encrypted column
sorts ciphertext: sort in Python, after opening.
"""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from encrypted_model_fields.fields import EncryptedMixin

from portal.crypto.base import SealedField
from portal.crypto.tokens import DecryptionError
from portal.crypto.values import LazyValue

if TYPE_CHECKING:
    # For the type checker these are Django's own fields: the package brings no types.
    from django.db.models import BinaryField as _Binary
    from django.db.models import BooleanField as _Boolean
    from django.db.models import CharField as _Char
    from django.db.models import DateField as _Date
    from django.db.models import EmailField as _Email
    from django.db.models import IntegerField as _Integer
    from django.db.models import JSONField as _Json
    from django.db.models import TextField as _Text
else:
    from encrypted_model_fields import fields as stock

    _Char, _Text, _Email = stock.EncryptedCharField, stock.EncryptedTextField, stock.EncryptedEmailField
    _Date, _Integer, _Boolean = stock.EncryptedDateField, stock.EncryptedIntegerField, stock.EncryptedBooleanField

    class _Json(EncryptedMixin, models.JSONField):
        pass

    class _Binary(EncryptedMixin, models.BinaryField):
        pass


__all__ = [
    "DecryptionError",
    "EncryptedBinaryField",
    "EncryptedBooleanField",
    "EncryptedCharField",
    "EncryptedDateField",
    "EncryptedEmailField",
    "EncryptedIntegerField",
    "EncryptedJSONField",
    "EncryptedTextField",
    "LazyValue",
]


class _TextPayload(SealedField):
    """Text as UTF-8. Any sign is kept, NUL too, which plain PostgreSQL text refuses."""

    def to_python(self, value: Any) -> Any:
        return value if isinstance(value, (str, LazyValue)) else super().to_python(value)

    def dump(self, value: Any) -> bytes:
        if isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError("not text")
        return str(value).encode("utf-8")

    def load(self, payload: bytes) -> str:
        return payload.decode("utf-8")


class EncryptedCharField(_TextPayload, _Char):
    """``max_length`` holds in forms and ``full_clean``; the column itself is unbounded."""


class EncryptedTextField(_TextPayload, _Text):
    pass


class EncryptedEmailField(_TextPayload, _Email):
    pass


class EncryptedDateField(SealedField, _Date):
    """A calendar date, never an instant: kept as ``YYYY-MM-DD``. Refuses a ``datetime``, since
    which day that is depends on a zone.
    """

    def dump(self, value: Any) -> bytes:
        if isinstance(value, datetime.datetime):
            raise TypeError("not a date")
        try:
            day = self.to_python(value)
        except ValidationError:
            raise ValueError("not a date") from None
        if not isinstance(day, datetime.date):
            raise TypeError("not a date")
        return day.isoformat().encode("ascii")

    def load(self, payload: bytes) -> datetime.date:
        return datetime.date.fromisoformat(payload.decode("ascii"))


class EncryptedIntegerField(SealedField, _Integer):
    """Validated to PostgreSQL's 4-byte range, like a plain integer column."""

    def dump(self, value: Any) -> bytes:
        return str(int(value)).encode("ascii")

    def load(self, payload: bytes) -> int:
        return int(payload)


class EncryptedBooleanField(SealedField, _Boolean):
    def dump(self, value: Any) -> bytes:
        try:
            answer = self.to_python(value)
        except ValidationError:
            raise ValueError("not yes or no") from None
        if not isinstance(answer, bool):
            raise TypeError("not yes or no")
        return b"1" if answer else b"0"

    def load(self, payload: bytes) -> bool:
        if payload not in (b"0", b"1"):
            raise ValueError("not yes or no")
        return payload == b"1"


class EncryptedJSONField(SealedField, _Json):
    """JSON with the order of keys kept. Changes made in place are noticed when the row is saved.

    ``NaN`` and infinities are refused, as PostgreSQL's own JSON does; ``None`` is SQL NULL.
    """

    immutable = False

    def dump(self, value: Any) -> bytes:
        text = json.dumps(value, cls=self.encoder, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "surrogatepass")

    def load(self, payload: bytes) -> Any:
        return json.loads(payload.decode("utf-8", "surrogatepass"), cls=self.decoder)


class EncryptedBinaryField(SealedField, _Binary):
    """Bytes: small ones, such as the key of a sealed file. Read back as ``bytes``."""

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        return "%s"  # the column holds a text token

    def dump(self, value: Any) -> bytes:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError("not bytes")
        return bytes(value)

    def load(self, payload: bytes) -> bytes:
        return payload

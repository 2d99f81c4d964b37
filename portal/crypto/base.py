"""What every encrypted field of the portal does otherwise than the stock field it is built on.

The stock package decrypts in ``to_python`` (forms call that: whoever posts a stolen token reads the
text back), hands out ciphertext when the key is wrong, encrypts the text of SQL expressions, and
answers lookups with nothing. Here a value is opened only by looking at it, and what cannot work is
refused loudly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.core import checks
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.expressions import Case, Expression, Value
from django.db.models.functions import Cast
from encrypted_model_fields.fields import EncryptedMixin

from portal.crypto.tokens import TOKEN_START, DecryptionError, header, seal
from portal.crypto.values import LazyValue, SealedAttribute, moving_tokens

# Comparing a column with itself before and after: history triggers need it, and it reveals nothing.
CHANGE_LOOKUPS = frozenset({"df", "ndf"})

if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = object


def _columns_only(lookup: type[Any]) -> type[Any]:
    """``lookup`` restricted to another column on its right side: a value would match nothing."""

    def get_prep_lookup(self: Any) -> Any:
        if not hasattr(self.rhs, "as_sql"):
            raise FieldError("an encrypted column can only be compared with its own former value")
        return self.rhs

    return type(lookup.__name__, (lookup,), {"get_prep_lookup": get_prep_lookup})


def _move_tokens_on_refresh(model: type[models.Model]) -> None:
    """Make ``model.refresh_from_db`` copy tokens instead of opening and re-encrypting them."""
    refresh = model.refresh_from_db
    if getattr(refresh, "moves_tokens", False):
        return

    @wraps(refresh)
    def refresh_from_db(self: models.Model, *args: Any, **kwargs: Any) -> None:
        mark = moving_tokens.set(True)
        try:
            refresh(self, *args, **kwargs)
        finally:
            moving_tokens.reset(mark)

    refresh_from_db.moves_tokens = True  # type: ignore[attr-defined]
    setattr(model, "refresh_from_db", refresh_from_db)  # noqa: B010 - mypy forbids assigning a method


class SealedField(_Field):
    """Mixin, placed before a stock field class. ``context`` pins the column's name for ever.

    A renamed model or field keeps its old ``context``, else its values no longer open. The history
    column of a field carries the same context. Subclasses define ``dump`` and ``load``.
    """

    descriptor_class = SealedAttribute
    immutable = True  # values of this type cannot change in place

    def __init__(self, *args: Any, context: str, **kwargs: Any) -> None:
        header(context)  # refuses what cannot be pinned
        self.context = context
        super().__init__(*args, **kwargs)

    # --- the two ends of a value; subclasses say how ---------------------------------------

    def dump(self, value: Any) -> bytes:
        """The bytes of ``value``. Raises ``ValueError`` or ``TypeError`` if it is of another type."""
        raise NotImplementedError

    def load(self, payload: bytes) -> Any:
        """Counterpart of ``dump``."""
        raise NotImplementedError

    def dump_checked(self, value: Any) -> bytes:
        """``dump`` with expressions refused and no value quoted in any error."""
        if hasattr(value, "resolve_expression") or hasattr(value, "as_sql"):
            raise FieldError(f"{self.context} is encrypted: it takes plain values, not SQL expressions")
        try:
            return self.dump(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise type_error(self.context, error) from None

    def load_checked(self, payload: bytes) -> Any:
        """``load``; raises ``DecryptionError`` for what was sealed as another type."""
        try:
            return self.load(payload)
        except (ValueError, TypeError):
            raise DecryptionError(self.context, "format") from None

    def seal_payload(self, payload: bytes) -> str:
        return seal(payload, context=self.context)

    # --- from and to the database ------------------------------------------------------------

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> LazyValue | None:
        return None if value is None else LazyValue(self, value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if self.attname not in model_instance.__dict__:
            getattr(model_instance, self.attname)  # deferred: fetch it
        cell = model_instance.__dict__[self.attname]
        if isinstance(cell, LazyValue) and cell.field.context != self.context:
            # Assigned from another column: that token does not open here.
            cell = model_instance.__dict__[self.attname] = LazyValue(self, None, cell.open(), assigned=True)
        if isinstance(cell, LazyValue):
            cell.settle()
        return cell

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, LazyValue):
            if value.field.context == self.context:
                return value.settle()
            value = value.open()
        elif self._is_bulk_update(value):
            return value
        return self.seal_payload(self.dump_checked(value))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        # Reached only by ways that do not store: a filter, an annotation, a Value() in a query.
        if value is None:
            return None
        raise FieldError(f"{self.context} is encrypted: it cannot be used in a query")

    def _is_bulk_update(self, value: Any) -> bool:
        """Is this Django's own CASE of plain values for ``bulk_update``? Each value is then sealed singly."""
        case = value.get_source_expressions()[0] if isinstance(value, Cast) else value
        if not isinstance(case, Case) or case.default != Value(None):
            return False
        branches: Sequence[Expression] = [when.result for when in case.cases]
        return all(type(branch) is Value and branch.output_field is self and branch.for_save for branch in branches)

    # --- queries --------------------------------------------------------------------------------

    def get_lookup(self, lookup_name: str) -> Any:
        lookup = super().get_lookup(lookup_name)
        if lookup_name == "isnull":
            return lookup
        if lookup_name in CHANGE_LOOKUPS and lookup is not None:
            return _columns_only(lookup)
        raise FieldError(f"{self.context} is encrypted: only isnull can be asked of it, not {lookup_name}")

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.context} is encrypted: nothing inside it can be asked for ({lookup_name})")

    # --- Python side -----------------------------------------------------------------------------

    def to_python(self, value: Any) -> Any:
        """Converts typed input; **never decrypts**: forms call it with whatever was posted.

        A token for a date, number or file field is passed on unchanged, so that a fixture can be
        read; outside a fixture ``dump`` then refuses it.
        """
        if isinstance(value, LazyValue):
            return value
        if isinstance(value, str) and value.startswith(TOKEN_START):
            return value
        # The step over the stock mixin is the point: its to_python decrypts.
        return super(EncryptedMixin, self).to_python(value)  # type: ignore[misc]

    def value_from_object(self, obj: models.Model) -> Any:
        """The lazy value: forms open it for display, serialisers never see plain text."""
        if self.attname not in obj.__dict__:
            getattr(obj, self.attname)
        return obj.__dict__[self.attname]

    def value_to_string(self, obj: models.Model) -> str:
        """For ``dumpdata``: the token."""
        cell = self.pre_save(obj, add=False)
        return "" if cell is None else str(cell.settle())

    def contribute_to_class(self, cls: type[models.Model], name: str, *args: Any, **kwargs: Any) -> None:
        super().contribute_to_class(cls, name, *args, **kwargs)
        _move_tokens_on_refresh(cls)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs["context"] = self.context
        return name, path, args, kwargs

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        found = [*super().check(**kwargs)]
        promises = ("unique", "db_index", "primary_key", "unique_for_date", "unique_for_month", "unique_for_year")
        for option in promises:
            if getattr(self, option):
                found.append(checks.Error(f"{option} means nothing on an encrypted field", obj=self, id="crypto.E001"))
        if self.has_db_default():
            found.append(checks.Error("a database default would be clear text", obj=self, id="crypto.E002"))
        return found


def type_error(context: str, error: Exception) -> Exception:
    """An error of the same broad kind that names the place and quotes no value."""
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"this value cannot be stored in {context}")

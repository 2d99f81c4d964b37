"""What stands in a model instance for an encrypted column: a value that opens when it is looked at.

``LazyValue`` keeps the token it was read with. As long as the value is not changed, the same token
is written back: a save that changes nothing leaves the row and its history alone, and a token that
no key opens survives the saving of its neighbours.
"""

from __future__ import annotations

import copy
from contextvars import ContextVar
from typing import Any, Protocol

from django.db.models import Model
from django.db.models.query_utils import DeferredAttribute
from django.dispatch import Signal
from django.utils.translation import gettext as _

from portal.crypto.tokens import DecryptionError, unseal
from portal.errors import DomainError

UNOPENED: Any = type("Unopened", (), {"__repr__": lambda self: "<unopened>", "__slots__": ()})()

# A value of a row was looked at and cannot be read: ``row``, ``column`` (its name), ``reason``.
# Sent before the error is raised; whoever hears it must not disturb the reading.
unreadable = Signal()

# True while a model refreshes itself: then reading an attribute hands over the lazy value itself,
# so that tokens, good or bad, move from the fresh instance to the old one without being opened.
moving_tokens: ContextVar[bool] = ContextVar("moving_tokens", default=False)


class Sealing(Protocol):
    """What a value asks of its field, which is ``portal.crypto.base.SealedField``."""

    attname: str
    context: str
    immutable: bool

    def load_checked(self, payload: bytes) -> Any: ...
    def dump_checked(self, value: Any) -> bytes: ...
    def seal_payload(self, payload: bytes) -> str: ...


class LazyValue:
    """One value of an encrypted column; ``open()`` gives the plain value.

    ``values()`` and ``values_list()`` hand these out. Templates and form initials call it, which
    opens it. Equal when the tokens are equal. Has no truth value: open it first.
    """

    __slots__ = ("assigned", "field", "plain", "token")

    def __init__(self, field: Sealing, token: str | None, plain: Any = UNOPENED, assigned: bool = False) -> None:
        self.field = field
        self.token = token  # as read or last written; None for a value that was never stored
        self.plain = plain
        self.assigned = assigned  # plain was set by the program and not yet compared with the token

    def open(self) -> Any:
        """The plain value. Raises ``DecryptionError``. Remembered after the first time."""
        if self.plain is UNOPENED:
            assert self.token is not None, "a lazy value has a token or a plain value"
            self.plain = self.field.load_checked(unseal(self.token, context=self.field.context))
        return self.plain

    __call__ = open

    def settle(self) -> str:
        """The token to write: the old one when it still says the same, else a fresh one.

        Raises ``FieldError`` for a query expression, ``ValueError`` or ``TypeError`` for a value
        that is not of the field's type.
        """
        if self.plain is UNOPENED or (self.token is not None and not self.assigned and self.field.immutable):
            assert self.token is not None, "a lazy value has a token or a plain value"
            return self.token
        payload = self.field.dump_checked(self.plain)
        if self.token is None or not self._still_says(payload):
            self.token = self.field.seal_payload(payload)
        self.assigned = False
        return self.token

    def _still_says(self, payload: bytes) -> bool:
        assert self.token is not None
        try:
            return unseal(self.token, context=self.field.context) == payload
        except DecryptionError:
            return False

    def __repr__(self) -> str:
        return f"<encrypted {self.field.context}>"

    def __bool__(self) -> bool:
        raise TypeError("an encrypted value has no truth value before open()")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LazyValue):
            return NotImplemented
        if self is other:
            return True
        return self.token is not None and self.token == other.token and self.field.context == other.field.context

    def __hash__(self) -> int:
        return hash((self.field.context, self.token))

    def __copy__(self) -> LazyValue:
        return LazyValue(self.field, self.token, self.plain, self.assigned)

    def __deepcopy__(self, memo: dict[int, Any]) -> LazyValue:
        plain = self.plain if self.plain is UNOPENED else copy.deepcopy(self.plain, memo)
        return LazyValue(self.field, self.token, plain, self.assigned)

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickle may end in a cache or a queue: it carries the token, never the plain value.
        return (LazyValue, (self.field, self.settle()))


class SealedAttribute(DeferredAttribute):
    """The attribute on the model: opens on reading, keeps the old token on assignment."""

    field: Sealing  # type: ignore[assignment]

    def __get__(self, instance: Model | None, owner: type[Model] | None = None) -> Any:
        if instance is None:
            return self
        state = instance.__dict__
        name = self.field.attname
        if name not in state:
            parent_value = self._check_parent_chain(instance)  # type: ignore[attr-defined]
            if parent_value is not None:
                state[name] = parent_value
            else:
                instance.refresh_from_db(fields=[name])
        value = state[name]
        if value is None:
            return None
        if moving_tokens.get():
            return value
        try:
            return value.open()
        except DecryptionError as error:
            unreadable.send_robust(type(instance), row=instance, column=name, reason=error.reason)
            raise

    def __set__(self, instance: Model, value: Any) -> None:
        state = instance.__dict__
        name = self.field.attname
        if value is None or isinstance(value, LazyValue):
            state[name] = value
            return
        before = state.get(name)
        token = before.token if isinstance(before, LazyValue) and before.field.context == self.field.context else None
        state[name] = LazyValue(self.field, token, value, assigned=True)


def must_be_read(row: Model, *names: str) -> None:
    """Before somebody types over these columns: raise ``DomainError`` ``unreadable`` for one that no key opens.

    The key may come back, and with it what stood there.
    """
    for name in names:
        try:
            getattr(row, name)
        except DecryptionError:
            raise DomainError(
                "unreadable",
                _("What stands here cannot be read at the moment, so it cannot be changed. It is kept as it is, and "
                  "our staff have been told."),
                name,
            ) from None

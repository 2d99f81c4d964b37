"""Models only for the tests of the encrypted fields. Their tables exist in no installation."""

from __future__ import annotations

from uuid import uuid4

import pghistory
import pgtrigger
from django.db import models
from encrypted_model_fields import fields as stock

from portal.crypto import fields


class Row(models.Model):
    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)


class Everything(Row):
    """One column of each type, and a plain one beside them."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    plain = models.CharField(max_length=50, blank=True, default="")
    name = fields.EncryptedCharField(context="cryptotest.everything.name", max_length=80, null=True, blank=True)
    notes = fields.EncryptedTextField(context="cryptotest.everything.notes", null=True, blank=True)
    email = fields.EncryptedEmailField(context="cryptotest.everything.email", null=True, blank=True)
    birth_date = fields.EncryptedDateField(context="cryptotest.everything.birth_date", null=True, blank=True)
    count = fields.EncryptedIntegerField(context="cryptotest.everything.count", null=True, blank=True)
    smoker = fields.EncryptedBooleanField(context="cryptotest.everything.smoker", null=True, blank=True)
    answers = fields.EncryptedJSONField(context="cryptotest.everything.answers", null=True, blank=True)
    key = fields.EncryptedBinaryField(context="cryptotest.everything.key", null=True, blank=True)


class StockText(Row):
    """The package's own fields, to show what they do."""

    name = stock.EncryptedCharField(max_length=80, null=True, blank=True)
    other = stock.EncryptedCharField(max_length=500, null=True, blank=True)


class StockNumber(Row):
    count = stock.EncryptedIntegerField(null=True)


@pghistory.track()
class Tracked(Row):
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    state = models.CharField(max_length=10, default="new")
    name = fields.EncryptedCharField(context="cryptotest.tracked.name", max_length=80)


class Sealed(Row):
    """Append-only, like the audit and disclosure tables; integer key."""

    note = fields.EncryptedTextField(context="cryptotest.sealed.note")

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]


class Parent(Row):
    name = fields.EncryptedCharField(context="cryptotest.parent.name", max_length=80)


class Child(Parent):
    """A second table under the parent's key."""

    nickname = fields.EncryptedCharField(context="cryptotest.child.nickname", max_length=80, null=True)


class Plain(Row):
    """What ``Everything`` would be without encryption, for the bench."""

    name = models.CharField(max_length=80)
    notes = models.TextField()
    email = models.EmailField()

"""Letters: what was written, to whom, its sealed PDF, and how far it is on its way."""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedBinaryField, EncryptedJSONField, EncryptedTextField
from privacy.letters.state import PrintState

__all__ = ["Letter", "NoticeState", "PaperReason", "PrintState"]


class NoticeState(models.TextChoices):
    """How its reader hears that a letter waits in the portal."""

    WAITING = "waiting", _("Not told yet")
    TOLD = "told", _("A mail said that it waits")
    NONE = "none", _("No mail: paper only")
    FAILED = "failed", _("The mail could not be delivered")


class PaperReason(models.TextChoices):
    """Why a letter goes by post."""

    NONE = "", _("It does not")
    ASKED = "asked", _("Paper was asked for")
    NO_ACCOUNT = "no_account", _("There is no account to read it in")
    CHOICE = "choice", _("The person wants post only")
    MAIL_FAILED = "mail_failed", _("Mail does not reach the person")


class Letter(models.Model):
    """One letter to one person. Its words never change once it is written.

    ``fields`` are what was filled in, ``content`` the title and blocks as they came out of it, in
    words: page and PDF show the same. ``recipient`` is {"name", "lines"} where it was given or the
    letter goes by post. ``pdf_*`` is empty until the task has made it.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    # In clear: printed on the letter, in file names; random, says nothing about the person.
    reference = models.CharField(max_length=8, unique=True, editable=False)
    kind = models.CharField(max_length=60)
    subject_id = models.UUIDField(null=True, blank=True, db_index=True)
    account_id = models.UUIDField(null=True, blank=True, db_index=True)
    request_id = models.UUIDField(null=True, blank=True, db_index=True)
    once_key = models.CharField(max_length=120, unique=True, null=True)
    fields = EncryptedJSONField(context="privacy.Letter.fields")
    content = EncryptedJSONField(context="privacy.Letter.content")
    recipient = EncryptedJSONField(context="privacy.Letter.recipient", null=True, blank=True)
    language = models.CharField(max_length=10)
    dated = models.DateField()
    written_at = models.DateTimeField(auto_now_add=True)
    written_by = models.UUIDField(null=True, blank=True)
    job_id = models.UUIDField(null=True, blank=True)
    made_at = models.DateTimeField(null=True, blank=True)
    pdf_name = models.CharField(max_length=100, blank=True)
    pdf_key = EncryptedBinaryField(context="privacy.Letter.pdf_key", null=True, blank=True)
    pdf_size = models.PositiveIntegerField(default=0)
    pages = models.PositiveSmallIntegerField(default=0)
    enclosure_name = models.CharField(max_length=100, blank=True, help_text="A sealed PDF that goes along by post.")
    enclosure_key = EncryptedBinaryField(context="privacy.Letter.enclosure_key", null=True, blank=True)
    enclosure_pages = models.PositiveIntegerField(default=0)
    notice = models.CharField(max_length=8, choices=NoticeState.choices, default=NoticeState.WAITING)
    read_at = models.DateTimeField(null=True, blank=True)
    paper = models.CharField(max_length=8, choices=PrintState.choices, default=PrintState.NONE)
    paper_reason = models.CharField(max_length=12, choices=PaperReason.choices, blank=True, default="")
    printed_at = models.DateTimeField(null=True, blank=True)
    posted_on = models.DateField(null=True, blank=True)
    returned_on = models.DateField(null=True, blank=True)
    delivery_note = EncryptedTextField(context="privacy.Letter.delivery_note", blank=True)
    handled_by = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ("-written_at",)
        # What was written stays written; a name or an address on the envelope may be set right.
        triggers = [
            pgtrigger.ReadOnly(
                name="written_once", fields=["reference", "kind", "fields", "content", "language", "dated"]
            )
        ]
        constraints = [
            models.CheckConstraint(condition=Q(paper__in=PrintState.values), name="letter_paper_listed"),
            models.CheckConstraint(condition=Q(notice__in=NoticeState.values), name="letter_notice_listed"),
            models.CheckConstraint(condition=Q(paper_reason__in=PaperReason.values), name="letter_reason_listed"),
            models.CheckConstraint(
                condition=Q(made_at__isnull=True) | ~Q(pdf_name=""), name="letter_made_has_its_file"
            ),
            models.CheckConstraint(
                condition=~Q(paper="posted") | Q(posted_on__isnull=False), name="letter_posted_has_its_day"
            ),
            models.CheckConstraint(
                condition=~Q(paper="returned") | Q(returned_on__isnull=False), name="letter_returned_has_its_day"
            ),
            models.CheckConstraint(
                condition=Q(paper="none") | ~Q(paper_reason=""), name="letter_paper_has_its_reason"
            ),
        ]
        indexes = [
            models.Index(
                fields=["written_at"], condition=Q(paper__in=["to_print", "printed", "returned"]), name="letter_paper"
            ),
            models.Index(fields=["written_at"], condition=Q(made_at__isnull=True), name="letter_unmade"),
        ]

    def __str__(self) -> str:
        return f"letter {self.pk}"

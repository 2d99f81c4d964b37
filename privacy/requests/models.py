"""A request of a patient, with the day it came and the day by which the law wants it answered."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedJSONField, EncryptedTextField
from privacy.requests.state import OPEN, WORKING, RequestState


class RequestKind(models.TextChoices):
    """What a person can ask for (P32 to P39, P47, P50)."""

    ACCESS = "access", _("A copy of the record")
    ACCESS_PAPER = "access_paper", _("A copy of the record on paper")
    ACCESS_THIRD_PARTY = "access_third_party", _("A copy of the record for somebody else")
    AMENDMENT = "amendment", _("A correction of the record")
    ACCOUNTING = "accounting", _("A list of whom we told what")
    RESTRICTION = "restriction", _("A limit on what we share")
    CONFIDENTIAL = "confidential", _("Another way to reach you")
    DELETION = "deletion", _("Deletion of the record")
    LEAVING = "leaving", _("The end of your time with us")
    GUARDIAN_REVIEW = "guardian_review", _("A look at your child’s record")
    GUARDIAN_DELETION = "guardian_deletion", _("Deletion of your child’s record")
    STOP_USING = "stop_using", _("A stop to using your child’s record")
    NOTICE = "notice", _("Our privacy notice on paper")
    COMPLAINT = "complaint", _("A complaint")
    QUESTION = "question", _("A question about privacy")


# Of these a person has one open at a time: a second wish is the same wish (double deeds are duplicates).
ONE_AT_A_TIME = (
    RequestKind.ACCESS, RequestKind.ACCESS_PAPER, RequestKind.ACCOUNTING, RequestKind.DELETION, RequestKind.LEAVING,
    RequestKind.CONFIDENTIAL, RequestKind.GUARDIAN_REVIEW, RequestKind.GUARDIAN_DELETION, RequestKind.STOP_USING,
)


class DenialGround(models.TextChoices):
    """The closed list of grounds on which a deletion may be refused (P37, P39)."""

    RETENTION_LAW = "retention_law", _("The law makes us keep it")
    LEGAL_HOLD = "legal_hold", _("A court or authority told us to keep it")
    IDENTITY = "identity", _("We could not make sure who asked")


class Channel(models.TextChoices):
    """How a request came (P35, RULES 1.6)."""

    PORTAL = "portal", _("In the portal")
    MAIL = "mail", _("By letter")
    PHONE = "phone", _("By phone")
    EMAIL = "email", _("By email")
    IN_PERSON = "in_person", _("In person")
    PUBLIC = "public", _("On our public page")
    CLINIC = "clinic", _("By the clinic itself")


class IdentityState(models.TextChoices):
    """Whether it is known who asked (RULES 1.48)."""

    NOT_NEEDED = "not_needed", _("Not needed for this")
    ASKED = "asked", _("Not proven yet")
    CONFIRMED = "confirmed", _("Proven")
    FAILED = "failed", _("Could not be proven")


class IdentityHow(models.TextChoices):
    """The closed list of ways in which a person was identified (RULES 1.48)."""

    PORTAL = "portal", _("Signed in, and proved it again for this")
    PHOTO_ID = "photo_id", _("Showed a photo ID in person")
    COPY_OF_ID = "copy_of_id", _("Sent a copy of a photo ID; the signature agrees")
    CALLED_BACK = "called_back", _("Called back at the number in the record")
    KNOWN_FACTS = "known_facts", _("Knew three things that only the record holds")
    KNOWN_PERSON = "known_person", _("Known to us in person")
    AUTHORITY = "authority", _("Papers that prove the right to act for the patient")


class FeeState(models.TextChoices):
    """Where the cost of a request stands (P36)."""

    NONE = "", _("No cost named")
    QUOTED = "quoted", _("Named; we wait for an answer")
    ACCEPTED = "accepted", _("Agreed")
    DECLINED = "declined", _("Not agreed")
    WAIVED = "waived", _("Free")


def _listed(field: str, choices: type[models.TextChoices], name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__in": choices.values}), name=name)


_OPEN = sorted(state.value for state in OPEN)
WORDS = (
    "details", "particulars", "contact", "identity_note", "extension_reason", "denial_letter", "answer",
)


class RightsRequest(models.Model):
    """One request. ``subject_id`` is None until it is known whose record it is about, ``account_id``
    where who asked has no account; ``contact`` then holds name and postal address.

    ``due_on`` is the last day of the clock that runs: the first period, the extended one, or the
    review's. ``first_due_on`` is the last day of the first period and never changes.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=RequestKind.choices)
    subject_id = models.UUIDField(db_index=True, null=True, blank=True)
    account_id = models.UUIDField(null=True, blank=True)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.PORTAL)
    entered_by = models.UUIDField(null=True, blank=True, help_text="The officer who wrote down what came elsewhere.")
    state = models.CharField(max_length=16, choices=RequestState.choices, default=RequestState.RECEIVED)
    form_key = models.UUIDField(unique=True, default=uuid4)
    details = EncryptedTextField(context="privacy.RightsRequest.details", blank=True)
    particulars = EncryptedJSONField(
        context="privacy.RightsRequest.particulars", null=True, blank=True, help_text="Answers of the kind's own form."
    )
    contact = EncryptedJSONField(context="privacy.RightsRequest.contact", null=True, blank=True)
    received_on = models.DateField()
    first_due_on = models.DateField()
    due_on = models.DateField()
    extended_at = models.DateTimeField(null=True, blank=True)
    extension_reason = EncryptedTextField(context="privacy.RightsRequest.extension_reason", blank=True)
    identity_state = models.CharField(
        max_length=10, choices=IdentityState.choices, default=IdentityState.ASKED
    )
    identity_how = models.CharField(max_length=16, choices=IdentityHow.choices, blank=True)
    identity_note = EncryptedTextField(context="privacy.RightsRequest.identity_note", blank=True)
    identity_by = models.UUIDField(null=True, blank=True)
    identity_at = models.DateTimeField(null=True, blank=True)
    officer_id = models.UUIDField(null=True, blank=True)
    fee_state = models.CharField(max_length=10, choices=FeeState.choices, blank=True, default=FeeState.NONE)
    fee_cents = models.PositiveIntegerField(null=True, blank=True)
    denial_ground = models.CharField(max_length=40, blank=True)
    denial_letter = EncryptedTextField(context="privacy.RightsRequest.denial_letter", blank=True)
    in_part = models.BooleanField(default=False, help_text="A part is refused, the rest is granted.")
    denied_by = models.UUIDField(null=True, blank=True)
    review_asked_on = models.DateField(null=True, blank=True)
    reviewed_by = models.UUIDField(null=True, blank=True)
    answer = EncryptedTextField(context="privacy.RightsRequest.answer", blank=True)
    outcome = models.CharField(max_length=40, blank=True)
    joined_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="joined")
    job_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True, blank=True, help_text="The first answer; no review changes it.")
    in_time = models.BooleanField(null=True, help_text="Whether the first answer came inside its clock.")
    ended_at = models.DateTimeField(null=True, blank=True)
    held_at = models.DateTimeField(null=True, blank=True, help_text="Stopped by a legal hold; goes on when it ends.")

    class Meta:
        constraints = [
            _listed("kind", RequestKind, "request_kind_listed"),
            _listed("state", RequestState, "request_state_listed"),
            _listed("channel", Channel, "request_channel_listed"),
            _listed("identity_state", IdentityState, "request_identity_listed"),
            _listed("fee_state", FeeState, "request_fee_listed"),
            models.CheckConstraint(
                condition=Q(identity_how__in=["", *IdentityHow.values]), name="request_identity_how_listed"
            ),
            models.CheckConstraint(
                condition=Q(first_due_on__gte=F("received_on"), due_on__gte=F("received_on")), name="request_due_later"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["denied", "partly_granted"]) | ~Q(denial_ground=""),
                name="request_denial_has_ground",
            ),
            # FIELD_FAULTS 76: the database itself lets nothing run for somebody who is not known.
            models.CheckConstraint(
                condition=Q(identity_state__in=["not_needed", "confirmed"])
                | Q(state__in=["received", "identity", "denied", "under_review", "withdrawn"]),
                name="request_runs_for_somebody_known",
            ),
            models.CheckConstraint(
                condition=Q(state="joined", joined_to__isnull=False) | (~Q(state="joined") & Q(joined_to__isnull=True)),
                name="request_joined_to_another",
            ),
            models.CheckConstraint(
                condition=Q(state__in=_OPEN, ended_at__isnull=True) | (~Q(state__in=_OPEN) & Q(ended_at__isnull=False)),
                name="request_ended_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["subject_id", "kind"],
                condition=Q(
                    state__in=sorted(state.value for state in WORKING),
                    kind__in=sorted(kind.value for kind in ONE_AT_A_TIME if kind != RequestKind.ACCESS),
                ),
                name="request_one_open_per_kind",
            ),
            # A copy holds what who asks may see: each account has its own.
            models.UniqueConstraint(
                fields=["subject_id", "account_id"],
                condition=Q(state__in=sorted(state.value for state in WORKING), kind="access"),
                name="request_one_copy_per_account",
            ),
        ]
        indexes = [
            models.Index(fields=["due_on", "created_at"], condition=Q(ended_at__isnull=True), name="request_open_due"),
            models.Index(
                fields=["officer_id", "due_on", "created_at"], condition=Q(ended_at__isnull=True),
                name="request_open_owner",
            ),
            models.Index(
                fields=["kind", "due_on", "created_at"], condition=Q(ended_at__isnull=True), name="request_open_kind"
            ),
            models.Index(fields=["answered_at"], condition=Q(answered_at__isnull=False), name="request_answered"),
            models.Index(fields=["-ended_at"], condition=Q(ended_at__isnull=False), name="request_ended_last"),
            models.Index(fields=["account_id", "-created_at"], name="request_of_account"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} request {self.pk}"


class RequestStep(models.Model):
    """One step of a request: what was done, by whom, and where it stood then. Never changed."""

    id = models.BigAutoField(primary_key=True)
    request = models.ForeignKey(RightsRequest, on_delete=models.CASCADE, related_name="steps")
    action = models.CharField(max_length=20, help_text="A code; empty for the asking itself.", blank=True)
    state = models.CharField(max_length=16, choices=RequestState.choices)
    by_id = models.UUIDField(null=True, blank=True)
    by_role = models.CharField(max_length=16)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [_listed("state", RequestState, "step_state_listed")]

    def __str__(self) -> str:
        return f"step of request {self.request_id}"

"""Policy versions and who agreed to which (P01, P03). Agreements are append-only."""

from __future__ import annotations

from uuid import uuid4

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import EncryptedCharField


class PolicyKind(models.TextChoices):
    """The texts that the clinic publishes."""

    PRIVACY_POLICY = "privacy_policy", _("Privacy policy")
    TERMS_OF_SERVICE = "terms_of_service", _("Terms of service")
    NOTICE_OF_PRIVACY_PRACTICES = "notice_of_privacy_practices", _("Notice of privacy practices")
    ELECTRONIC_NOTICES = "electronic_notices", _("Notices by email")


class PolicyVersion(models.Model):
    """One published version of one text; the text itself lies in ``agreements/policies``."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=40, choices=PolicyKind.choices)
    version = models.CharField(max_length=20)
    effective_on = models.DateField()
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "version"], name="policy_kind_version")]
        ordering = ["kind", "-effective_on"]

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"


class AgreementContext(models.TextChoices):
    """On what occasion somebody agreed."""

    SIGN_UP = "sign_up", _("Sign-up")
    CONSULT = "consult", _("Sending a consult")
    CHECKOUT = "checkout", _("Checkout")
    ACCOUNT = "account", _("The account page")
    REPORT = "report", _("A report with a name")


class Agreement(models.Model):
    """One account agreed to one version, on one occasion. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account_id = models.UUIDField(db_index=True)
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="agreements")
    context = models.CharField(max_length=20, choices=AgreementContext.choices)
    reference = models.UUIDField(null=True, blank=True, help_text="The consult or order, if any.")
    remote_address = EncryptedCharField(context="agreements.Agreement.remote_address", max_length=45, blank=True)
    agreed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "policy", "context", "reference"],
                name="agreement_once", nulls_distinct=False,
            )
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"agreement {self.id}"


class Withdrawal(models.Model):
    """One agreement taken back, of a kind that can be. Never changed; agreeing again is a new agreement."""

    agreement = models.OneToOneField(Agreement, on_delete=models.PROTECT, primary_key=True, related_name="withdrawal")
    withdrawn_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"withdrawal of agreement {self.agreement_id}"

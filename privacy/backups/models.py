"""What the backups remember in the database: the mirror's list, and which erasures were done here."""

from __future__ import annotations

from django.db import models


class MirroredFile(models.Model):
    """One sealed file that lies in the mirror too. Random name, ciphertext: no key stands here."""

    name = models.CharField(max_length=200, primary_key=True)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Of the ciphertext.")
    mirrored_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True, help_text="Found gone from the store; kept on for a while.")

    class Meta:
        indexes = [models.Index(fields=["left_at"], condition=models.Q(left_at__isnull=False), name="mirror_leaving")]

    def __str__(self) -> str:
        return f"mirrored file {self.name}"


class ErasureDone(models.Model):
    """An erasure that this database has gone through. A restored one lacks the later rows (P39)."""

    request_id = models.UUIDField(primary_key=True)
    done_at = models.DateTimeField()
    replayed = models.BooleanField(default=False, help_text="Repeated after a restore.")

    def __str__(self) -> str:
        return f"erasure {self.request_id}"


class LedgerCheck(models.Model):
    """That the erasure ledger was read for this very database, and nothing was left to repeat.

    ``database`` is PostgreSQL's own name of the cluster and number of the database: a dump that
    is restored gets another one, so the row it brings along does not count.
    """

    database = models.CharField(max_length=60, primary_key=True)
    checked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"ledger check {self.database}"

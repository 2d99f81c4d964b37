"""Counters of visits: a number for each day, page, family of browser and length of stay (P09).

No row stands for a visit, and none can be split into visits again: there is no time of day, no
address, no account, no path and nothing about the device but the family of its browser.
"""

from __future__ import annotations

from uuid import uuid4

from django.db import models

from privacy.visitors.browsers import FAMILIES
from privacy.visitors.pages import STAYS


class VisitCount(models.Model):
    """How often a page was open that long on one day of the clinic, in one family of browsers."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    day = models.DateField()
    page = models.CharField(max_length=60, help_text="The name of a route that is on the list, never a path.")
    family = models.CharField(max_length=20)
    stay = models.PositiveSmallIntegerField(help_text="Seconds from which this step of staying begins.")
    views = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "page", "family", "stay"], name="visit_count_once"),
            models.CheckConstraint(condition=models.Q(family__in=FAMILIES), name="visit_family_listed"),
            models.CheckConstraint(condition=models.Q(stay__in=STAYS), name="visit_stay_listed"),
            models.CheckConstraint(
                condition=models.Q(page__regex=r"^[a-z_]+(:[a-z_]+)?$"), name="visit_page_is_a_route"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.views} of {self.page}"

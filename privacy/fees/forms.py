"""The officer's form for a cost."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from privacy.fees.calculator import postage_cents


class CostForm(forms.Form):
    """What the copying took, and what the post takes."""

    minutes = forms.IntegerField(
        label=_("Minutes of copying"), min_value=0, max_value=600,
        help_text=_("Printing and packing only. Finding, checking and deciding are never charged."),
    )
    postage = forms.DecimalField(
        label=_("Postage in dollars"), min_value=0, max_value=200, decimal_places=2,
        help_text=_("As the post charges for this many pages."),
    )
    waive = forms.BooleanField(label=_("Ask nothing for it"), required=False)

    def __init__(self, *args: Any, pages: int = 0, **kwargs: Any) -> None:
        first = {"minutes": settings.FEE_PAPER_MINUTES, "postage": f"{postage_cents(pages) / 100:.2f}", "pages": pages}
        kwargs.setdefault("initial", first)
        super().__init__(*args, **kwargs)

    @property
    def postage_cents(self) -> int:
        """The postage, in cents, of a form that is valid."""
        return int(self.cleaned_data["postage"] * 100)


class PagesForm(CostForm):
    """The same where nobody has counted the pages yet."""

    pages = forms.IntegerField(
        label=_("Pages"), min_value=0, max_value=5000, help_text=_("About as many as it will have."),
    )
    field_order = ("pages", "minutes", "postage", "waive")

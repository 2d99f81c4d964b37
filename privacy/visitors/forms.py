"""What visitors send: a choice, and how long a page was open."""

from __future__ import annotations

from django import forms

from privacy.visitors.pages import PAGES, STAYS


class ChoiceForm(forms.Form):
    """``what`` is a yes or a no to one thing; ``back`` the page to return to."""

    what = forms.ChoiceField(choices=[(word, word) for word in ("accept", "decline", "partner", "no_partner")])
    back = forms.CharField(required=False, max_length=2_000)


class StayForm(forms.Form):
    """One visit, as the browser tells it when it leaves a page: two values, both from closed lists."""

    page = forms.ChoiceField(choices=[(page, page) for page in PAGES])
    stay = forms.TypedChoiceField(choices=[(stay, str(stay)) for stay in STAYS], coerce=int)

"""Refusing and reviewing, in the clinic's admin."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, site
from portal.permissions import Permission
from privacy.denials.selectors import reviews_waiting
from privacy.denials.views import staff

_REVIEW = Permission.REVIEW_DENIALS
site.page(
    "privacy/<uuid:request_id>/refuse/", staff.refuse, Permission.REQUESTS_HANDLE, name="privacy_refuse",
    title=_("Do not grant it"),
)
site.page(
    "privacy/<uuid:request_id>/review/", staff.review_noted, Permission.REQUESTS_HANDLE, name="privacy_review_noted",
    title=_("They ask for a review"),
)
site.page(
    "reviews/", staff.reviews, _REVIEW, name="privacy_reviews", title=_("Reviews of refusals"),
    menu=_("Reviews of refusals"), hint=_("Requests that were refused, to be looked at by somebody else"),
    count=reviews_waiting,
    group=Group.REQUESTS,
)
site.page("reviews/<uuid:denial_id>/", staff.review, _REVIEW, name="privacy_review", title=_("Review of a refusal"))
site.page("reviews/<uuid:denial_id>/take/", staff.review_take, _REVIEW, name="privacy_review_take", title=_("Take"))

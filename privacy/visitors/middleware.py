"""Puts what is known about a visitor's choices on the request, and keeps the sign-in away from the counter."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from privacy.visitors.browsers import is_old
from privacy.visitors.cookies import Choice, choice_of, says_no
from privacy.visitors.pages import PAGES, STAYS, CountedPage
from privacy.visitors.partner import Partner, partner

GetResponse = Callable[[HttpRequest], HttpResponse]


class Visitor:
    """Answers what a page asks about its reader. Reads the request and no database."""

    stays = " ".join(map(str, STAYS))

    def __init__(self, request: Any) -> None:
        self._request = request

    @cached_property
    def says_no(self) -> bool:
        """The browser said no for its person (Global Privacy Control): nobody is asked, nothing is counted."""
        return says_no(self._request)

    @cached_property
    def choice(self) -> Choice | None:
        return choice_of(self._request)

    @cached_property
    def page(self) -> CountedPage | None:
        match = self._request.resolver_match
        return PAGES.get(match.view_name) if match else None

    @property
    def route(self) -> str:
        match = self._request.resolver_match
        return str(match.view_name) if match else ""

    @cached_property
    def signed_in(self) -> bool:
        user = getattr(self._request, "user", None)
        return user is not None and user.is_authenticated

    @property
    def asks(self) -> bool:
        """Show the notice: on a public page, to who has not answered and whose browser has not either.

        Not on the page about cookies, which asks by itself.
        """
        page = self.page
        if page is None or not page.public or self.route == "visitors:cookies":
            return False
        return self.choice is None and not (self.says_no or self.signed_in)

    @property
    def counts(self) -> bool:
        """This page may be counted: it is on the list, the visitor said yes, and the browser did not say no."""
        return self.page is not None and self.choice is not None and self.choice.counting and not self.says_no

    @cached_property
    def partner(self) -> Partner | None:
        """The advertising partner whose frame this page may hold; nearly always None (P44)."""
        return partner() if self.page is not None and self.page.partner and self.lets_partner else None

    @property
    def lets_partner(self) -> bool:
        """The visitor said yes to advertising, the browser did not say no, and nobody is signed in."""
        return self.choice is not None and self.choice.partner and not (self.says_no or self.signed_in)

    @property
    def old_browser(self) -> bool:
        return is_old(self._request.META.get("HTTP_USER_AGENT", ""))


class VisitorMiddleware:
    """Stands above the session: a visit that is counted arrives without any sign-in, so none can be linked."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._counter = reverse("visitors:count")

    def __call__(self, request: Any) -> HttpResponse:
        if request.path_info == self._counter:
            name = settings.CHOICE_COOKIE_NAME
            request.COOKIES = {key: value for key, value in request.COOKIES.items() if key == name}
        request.visitor = Visitor(request)
        response = self.get_response(request)
        page = request.visitor.page
        if page is not None and page.public and not response.streaming:
            patch_vary_headers(response, ("Cookie", "Sec-GPC", "User-Agent"))
        return response

"""A refusal looks like nothing being there, is written down, and no header is missing."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path, reverse

from portal.accounts.models import User
from portal.audit.models import AccessEvent, Action
from portal.errors import NotVisible
from portal.guards import role_required
from portal.permissions import Role
from portal.urls import urlpatterns as product


def hidden(request: Any, thing: Any) -> HttpResponse:
    raise NotVisible


@role_required(Role.CLINICIAN)
def desk(request: Any) -> HttpResponse:
    return HttpResponse("desk")


def broken(request: Any) -> HttpResponse:
    raise RuntimeError("ZQX-unique")


trial = [path("thing/<uuid:thing>/", hidden, name="thing"), path("desk/", desk, name="desk"), path("broken/", broken)]
urlpatterns = [path("trial/", include((trial, "trial"))), *product]


@pytest.fixture(autouse=True)
def trial_pages(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.mark.promise("P21")
def test_another_persons_thing_is_not_found_and_the_try_is_written_down(as_: Any, ana: User) -> None:
    thing = uuid4()
    client = as_(ana)
    for method in (client.get, client.post):
        assert method(reverse("trial:thing", args=[thing])).status_code == 404
    events = AccessEvent.objects.filter(action=Action.DENIED).order_by("number")
    assert [(e.actor_id, e.object_id, e.object_kind, e.basis) for e in events] == [
        (ana.pk, thing, "page.trial.thing", "get:not_visible"),
        (ana.pk, thing, "page.trial.thing", "post:not_visible"),
    ]


@pytest.mark.promise("P21")
def test_a_page_of_another_role_is_not_found_and_the_try_is_written_down(as_: Any, ana: User, clinician: User) -> None:
    assert as_(clinician).get("/trial/desk/").status_code == 200
    assert as_(ana).get("/trial/desk/").status_code == 404
    event = AccessEvent.objects.get(action=Action.DENIED)
    assert (event.actor_id, event.basis) == (ana.pk, "get:role")


def test_a_visitor_is_led_to_sign_in_and_not_written_down(db: None) -> None:
    answer = Client().get(reverse("trial:thing", args=[uuid4()]))
    assert answer.status_code == 302 and answer["Location"].startswith(reverse("account_login"))
    assert not AccessEvent.objects.exists()


def test_the_refusal_and_a_wrong_address_show_the_same_page(as_: Any, ana: User) -> None:
    client = as_(ana)
    refused = client.get(reverse("trial:thing", args=[uuid4()]))
    nothing = client.get("/there/is/nothing/here/")
    assert refused.status_code == nothing.status_code == 404
    pages = [re.sub(r'csrfmiddlewaretoken" value="\w+"', "", page.content.decode()) for page in (refused, nothing)]
    assert pages[0] == pages[1]


@pytest.mark.promise("P19")
@pytest.mark.parametrize("url", ["/", "/accounts/login/", "/start/", "/nothing/"])
def test_every_answer_carries_the_security_headers(db: None, url: str) -> None:
    headers = Client().get(url).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]
    policy = headers["Content-Security-Policy"]
    for part in ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy


def test_each_request_has_an_id_that_ends_with_it(as_: Any, ana: User) -> None:
    from portal.context import request_id

    client = as_(ana)
    for _ in range(2):
        client.get(reverse("trial:thing", args=[uuid4()]))
    ids = list(AccessEvent.objects.values_list("request_id", flat=True))
    assert len(set(ids)) == 2 and all(len(one) == 32 for one in ids)
    assert request_id.get() == ""


def test_an_error_tells_the_visitor_nothing(as_: Any, ana: User) -> None:
    client = as_(ana, raise_request_exception=False)
    answer = client.get("/trial/broken/")
    assert answer.status_code == 500 and "ZQX" not in answer.content.decode()

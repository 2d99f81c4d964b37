"""The portal's addresses, plus the floor of the page rows: a view that only knows who asks."""

from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.urls import path

from portal.urls import urlpatterns as portal_urls
from tests.crypto.testapp.models import Everything, Plain


VALUES = Template("{% for row in rows %}<p>{{ row.name }} {{ row.notes }} {{ row.email }}</p>{% endfor %}")


def floor(request: HttpRequest) -> HttpResponse:
    """Session and user, nothing else."""
    return HttpResponse(f"hello {request.user.pk}")


def encrypted(request: HttpRequest) -> HttpResponse:
    """Sixty encrypted values on one page; the columns that it does not show stay closed."""
    rows = Everything.objects.only("id", "name", "notes", "email").order_by("pk")
    return HttpResponse(VALUES.render(Context({"rows": rows})))


def plain(request: HttpRequest) -> HttpResponse:
    """The same page out of plain columns."""
    return HttpResponse(VALUES.render(Context({"rows": Plain.objects.order_by("pk")})))


urlpatterns = [
    path("bench/floor/", floor),
    path("bench/encrypted/", encrypted),
    path("bench/plain/", plain),
    *portal_urls,
]

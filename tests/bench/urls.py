"""The portal's addresses, plus a page of encrypted values and its plain twin."""

from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.urls import path

from portal.urls import urlpatterns as portal_urls
from tests.crypto.testapp.models import Everything, Plain

VALUES = Template("{% for row in rows %}<p>{{ row.name }} {{ row.notes }} {{ row.email }}</p>{% endfor %}")


def encrypted(request: HttpRequest) -> HttpResponse:
    """Sixty encrypted values on one page; the columns that it does not show stay closed."""
    rows = Everything.objects.only("id", "name", "notes", "email").order_by("pk")
    return HttpResponse(VALUES.render(Context({"rows": rows})))


def plain(request: HttpRequest) -> HttpResponse:
    """The same page out of plain columns."""
    return HttpResponse(VALUES.render(Context({"rows": Plain.objects.order_by("pk")})))


urlpatterns = [
    path("bench/encrypted/", encrypted),
    path("bench/plain/", plain),
    *portal_urls,
]

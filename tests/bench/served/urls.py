"""The portal's addresses, plus a view that only knows who asks."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from portal.urls import urlpatterns as portal_urls


def floor(request: HttpRequest) -> HttpResponse:
    """Session and user, nothing else."""
    return HttpResponse(f"hello {request.user.pk}")


urlpatterns = [path("bench/floor/", floor), *portal_urls]

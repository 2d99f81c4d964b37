"""Every address of the portal. A page that is missing in the access table of the tests fails."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("portal.pages.urls")),
    path("", include("portal.accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("", include("consults.urls")),
    path("record/", include("records.urls")),
    path("fhir/", include("records.fhir.urls")),
    path("billing/", include("billing.urls")),
    path("privacy/", include("privacy.urls")),
    path("progress/", include("portal.jobs.urls")),
    path("", include("privacy.visitors.urls")),
    path("inbox/", include("portal.outbox.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "portal.pages.views.bad_request"
handler403 = "portal.pages.views.forbidden"
handler404 = "portal.pages.views.not_found"
handler500 = "portal.pages.views.server_error"

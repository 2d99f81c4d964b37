"""Addresses of the privacy desk's public and patient pages, below ``/privacy/``."""

from django.urls import path

from privacy.views import looks, patient, public

app_name = "privacy"
urlpatterns = [
    path("", patient.home, name="home"),
    path("copy/", patient.ask_copy, name="copy"),
    path("delete/", patient.ask_deletion, name="delete"),
    path("requests/<uuid:request_id>/", patient.request_page, name="request"),
    path("requests/<uuid:request_id>/withdraw/", patient.withdraw, name="withdraw"),
    path("copies/<uuid:copy_id>/download/", patient.download, name="download"),
    path("who-looked/", looks.who_looked, name="who_looked"),
    path("who-looked/<uuid:event_id>/wrong/", looks.report, name="look_report"),
    path("reports/<uuid:report_id>/", looks.report_page, name="report"),
    path("promises/", public.promises, name="promises"),
]

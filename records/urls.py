"""Addresses of the records app."""

from django.urls import path

from records.views import patient

app_name = "records"
urlpatterns = [
    path("", patient.record, name="record"),
    path("of/<uuid:patient_id>/", patient.record, name="record_of"),
    path("photos/<uuid:photo_id>/<slug:variant>/", patient.photo, name="photo"),
    path("contact/", patient.contact, name="contact"),
]

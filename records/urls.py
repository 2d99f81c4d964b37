"""Addresses of the records app."""

from django.urls import path

from records.views import patient, photos

app_name = "records"
urlpatterns = [
    path("", patient.record, name="record"),
    path("of/<uuid:patient_id>/", patient.record, name="record_of"),
    path("photos/", photos.timeline, name="photos"),
    path("photos/compare/", photos.compare, name="compare"),
    path("of/<uuid:patient_id>/photos/", photos.timeline, name="photos_of"),
    path("of/<uuid:patient_id>/photos/compare/", photos.compare, name="compare_of"),
    path("photos/<uuid:photo_id>/<slug:variant>/", patient.photo, name="photo"),
    path("contact/", patient.contact, name="contact"),
]

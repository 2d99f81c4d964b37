"""Addresses for apps that read FHIR. They are the standard's, hence without a slash at the end."""

from django.urls import path, register_converter

from records.fhir import views
from records.fhir.services import KINDS

app_name = "fhir"


class KindConverter:
    """A kind of resource that is offered; no other word is one."""

    regex = "|".join(KINDS)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(KindConverter, "fhir_kind")
urlpatterns = [
    path("metadata", views.metadata, name="metadata"),
    path("Patient/$everything", views.everything, name="everything"),
    path("Patient/<uuid:patient_id>/$everything", views.everything, name="everything_of"),
    path("<fhir_kind:kind>", views.search, name="search"),
    path("<fhir_kind:kind>/<uuid:resource_id>", views.resource, name="resource"),
]

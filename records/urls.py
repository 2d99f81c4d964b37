"""Addresses of the records app."""

from django.urls import path, register_converter

from records.history.models import Section
from records.views import answers, changes, documents, patient, photos, record, sections

app_name = "records"


class SectionConverter:
    """A section of the record in an address; no other word is one."""

    regex = "|".join(Section.values)

    def to_python(self, value: str) -> Section:
        return Section(value)

    def to_url(self, value: str) -> str:
        return Section(value).value


register_converter(SectionConverter, "section")
urlpatterns = [
    path("", record.record, name="record"),
    path("of/<uuid:patient_id>/", record.record, name="record_of"),
    path("print/", record.print_view, name="print"),
    path("of/<uuid:patient_id>/print/", record.print_view, name="print_of"),
    path("photos/", photos.timeline, name="photos"),
    path("photos/compare/", photos.compare, name="compare"),
    path("of/<uuid:patient_id>/photos/", photos.timeline, name="photos_of"),
    path("of/<uuid:patient_id>/photos/compare/", photos.compare, name="compare_of"),
    path("photos/<uuid:photo_id>/<slug:variant>/", patient.photo, name="photo"),
    path("contact/", patient.contact, name="contact"),
    path("changes/", changes.changes, name="changes"),
    path("of/<uuid:patient_id>/changes/", changes.changes, name="changes_of"),
    path("documents/", documents.documents, name="documents"),
    path("of/<uuid:patient_id>/documents/", documents.documents, name="documents_of"),
    path("documents/<uuid:document_id>/", documents.document, name="document"),
    path("documents/<uuid:document_id>/change/", documents.document_change, name="document_change"),
    path("documents/<uuid:document_id>/remove/", documents.document_take_back, name="document_take_back"),
    path("documents/<uuid:document_id>/<slug:variant>/<int:page>/", documents.document_file, name="document_file"),
    path("<section:section>/", sections.section, name="section"),
    path("of/<uuid:patient_id>/<section:section>/", sections.section, name="section_of"),
    path("of/<uuid:patient_id>/<section:section>/add/", sections.entry_add, name="entry_add"),
    path("of/<uuid:patient_id>/<section:section>/answers/", answers.answers, name="answers"),
    path("of/<uuid:patient_id>/<section:section>/none/", sections.section_none, name="section_none"),
    path("of/<uuid:patient_id>/<section:section>/checked/", sections.section_checked, name="section_checked"),
    path("of/<uuid:patient_id>/removed/<int:event_id>/", sections.entry_restore, name="entry_restore"),
    path("entries/<uuid:entry_id>/", sections.entry, name="entry"),
    path("entries/<uuid:entry_id>/remove/", sections.entry_remove, name="entry_remove"),
    path("entries/<uuid:entry_id>/show/", sections.entry_reveal, name="entry_reveal"),
]

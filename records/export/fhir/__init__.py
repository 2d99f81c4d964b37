"""The record as FHIR R4 (4.0.1), in plain dictionaries: one builder a resource (RULES 9).

Every code stands in ``codes``. Ids are the record's own and times are when things happened, so the
same record gives the same resources.
"""

from records.export.fhir import codes
from records.export.fhir.base import Resource
from records.export.fhir.bundle import record_bundle, record_resources, search_set
from records.export.fhir.episode import FileRef

__all__ = ["FileRef", "Resource", "codes", "record_bundle", "record_resources", "search_set"]

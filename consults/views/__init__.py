"""The patient's pages. The clinician's desk stands in ``consults.desk``."""

"""The record at an address of its own, for apps that read FHIR; nothing can be written there (P16, P32)."""

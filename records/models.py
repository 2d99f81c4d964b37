"""All models of the vault, from its rooms."""

from records.documents.models import Document, DocumentKind, DocumentPage
from records.emergency.models import Emergency, EmergencyReason, ReviewDecision
from records.encounters.models import Answer, Concern, Encounter
from records.history.models import Entry, Section
from records.messages.models import Message
from records.people.models import AccessGrant, GrantKind, GrantScope, Patient
from records.people.search_models import Merge, SearchToken, TokenKind, ToldApart
from records.photos.models import REQUIRED_VIEWS, Photo, PhotoState, PhotoView
from records.plans.models import Assessment, Plan

__all__ = [
    "REQUIRED_VIEWS", "AccessGrant", "Answer", "Assessment", "Concern", "Document", "DocumentKind", "DocumentPage",
    "Emergency", "EmergencyReason", "Encounter", "Entry", "GrantKind", "GrantScope", "Merge", "Message",
    "Patient", "Photo", "PhotoState", "PhotoView", "Plan", "ReviewDecision",
    "SearchToken", "Section", "TokenKind", "ToldApart",
]

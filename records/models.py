"""All models of the vault, from its rooms."""

from records.amendments.models import AmendmentPaper, PaperKind, PartKind, Telling
from records.contact.models import ContactChoice
from records.disclosures.models import Disclosure, DisclosureBasis, StatementKind, Suspension
from records.documents.models import Document, DocumentKind, DocumentPage
from records.emergency.models import Emergency, EmergencyReason, ReviewDecision
from records.encounters.models import Answer, Concern, Encounter
from records.freezing.models import Freeze, FreezeReason
from records.history.models import Entry, Section
from records.messages.models import Message
from records.people.models import AccessGrant, GrantKind, GrantScope, Patient
from records.people.search_models import Merge, SearchToken, TokenKind, ToldApart
from records.photos.models import REQUIRED_VIEWS, Photo, PhotoState, PhotoView
from records.plans.models import Assessment, Plan
from records.releases.models import ConsentKind, ReleaseConsent
from records.restrictions.models import EndReason, RecipientKind, Restriction, RestrictionBasis, RestrictionOverride
from records.withholding.models import Withheld

__all__ = [
    "REQUIRED_VIEWS", "AccessGrant", "AmendmentPaper", "Answer", "Assessment", "Concern", "ConsentKind",
    "ContactChoice", "Disclosure", "DisclosureBasis", "Document", "DocumentKind", "DocumentPage",
    "Emergency", "EmergencyReason", "Encounter", "EndReason", "Entry", "Freeze", "FreezeReason", "GrantKind",
    "GrantScope", "Merge",
    "Message", "PaperKind", "PartKind", "Patient", "Photo", "PhotoState", "PhotoView", "Plan",
    "RecipientKind", "ReleaseConsent", "Restriction", "RestrictionBasis", "RestrictionOverride",
    "ReviewDecision", "SearchToken", "Section", "StatementKind", "Suspension", "Telling", "TokenKind",
    "ToldApart", "Withheld",
]

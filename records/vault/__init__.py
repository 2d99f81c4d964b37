"""The only way to read health information: access, then the committed trace, then the content.

Every function takes the actor first and a purpose of the closed list (P11, P21), and returns
frozen copies (``content``). Where the trace cannot be written, nothing is read.
"""

from records.vault.content import (
    UNREADABLE,
    AddressView,
    AnswerView,
    AssessmentView,
    CaseCard,
    CaseView,
    ChangeView,
    EncounterView,
    MessageView,
    PatientView,
    PersonCard,
    PlanView,
    RecordView,
    RoutineView,
    StepView,
)
from records.vault.entries import open_section, open_sections, reveal_identifier
from records.vault.files import VARIANTS, FileUnreadable, open_photo
from records.vault.find import Hit, SearchView, same_person_hints, search_patients
from records.vault.given import ConsentView, GivenView, open_consents, open_disclosures
from records.vault.history import open_changes
from records.vault.lists import open_case_cards, open_person_cards
from records.vault.notes import open_notes
from records.vault.rooms import (
    open_assessment,
    open_case,
    open_encounter,
    open_patient,
    open_plan,
    open_record,
    open_routine,
    open_thread,
    photo_list,
)
from records.vault.sections import (
    AllergyView,
    ConditionView,
    IdentifierView,
    MedicationView,
    SectionsView,
    TopicView,
)
from records.vault.timeline import Shelf, Shot, TimelineView, open_timeline

__all__ = [
    "UNREADABLE",
    "VARIANTS",
    "AddressView",
    "AllergyView",
    "AnswerView",
    "AssessmentView",
    "CaseCard",
    "CaseView",
    "ChangeView",
    "ConditionView",
    "ConsentView",
    "EncounterView",
    "FileUnreadable",
    "GivenView",
    "Hit",
    "IdentifierView",
    "MedicationView",
    "MessageView",
    "PatientView",
    "PersonCard",
    "PlanView",
    "RecordView",
    "RoutineView",
    "SearchView",
    "SectionsView",
    "Shelf",
    "Shot",
    "StepView",
    "TimelineView",
    "TopicView",
    "open_assessment",
    "open_case",
    "open_case_cards",
    "open_changes",
    "open_consents",
    "open_disclosures",
    "open_encounter",
    "open_notes",
    "open_patient",
    "open_person_cards",
    "open_photo",
    "open_plan",
    "open_record",
    "open_routine",
    "open_section",
    "open_sections",
    "open_thread",
    "open_timeline",
    "photo_list",
    "reveal_identifier",
    "same_person_hints",
    "search_patients",
]

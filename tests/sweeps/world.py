"""One of everything, made through the product's own services, for the sweeps to point at."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps

from billing.models import WebhookEvent
from billing.services import refund_start, webhook_store
from portal.accounts.models import User
from portal.agreements.models import PolicyKind
from portal.agreements.selectors import current
from portal.audit.models import LOOKS, AccessEvent
from portal.context import SYSTEM
from portal.dates import today
from portal.evidence.services import evidence_record
from portal.jobs.runner import run_job
from portal.outbox.models import OutgoingMail
from portal.permissions import Role
from privacy.archive import archive_encounter
from privacy.keeping.services import hold_place
from privacy.looks.services import report_make
from privacy.models import ArchiveReason, Destruction, RecordCopy, RequestKind
from privacy.requests.services import request_open
from records.access import patients_of
from records.emergency.models import EmergencyReason
from records.emergency.services import emergency_open
from records.freezing.services import freeze
from records.history.services import entry_remove, version_of
from records.models import FreezeReason, Patient, Photo
from tests.conftest import account
from tests.consults import building
from tests.documents.building import a_document
from tests.records.building import allergy, identifier
from tests.sweeps import corrected as correcting
from tests.sweeps import disclosed, handed_over, reported, safeguarded, written
from tests.sweeps.routes import Route

# Pages of a consult that is being filled in; the others are shown with the answered one.
OF_THE_DRAFT = (
    "step", "stop", "photos", "photo", "photo_send", "photo_status", "photo_remove", "review", "revise", "withdraw",
)
OF_THE_TAKEN = ("take", "release", "message", "ask", "decline", "fill", "save", "sign")
_PART = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")


@dataclass
class World:
    """``people`` by persona (the visitor is None); ``things`` are ids by the name of a URL's part."""

    people: dict[str, User | None]
    things: dict[str, Any] = field(default_factory=dict)

    def thing(self, route: Route, name: str) -> str:
        """The value of one part of this route's address: the route's own, else the common one."""
        own = route.pattern.split("<")[0] if name == "object_id" else f"{route.name}.{name}"
        found = self.things[own] if own in self.things else self.things[name]
        return str(getattr(found, "pk", found))


def address_of(route: Route, world: World) -> str:
    """A full path of this route, with ids of things that exist (they are Ana's)."""
    if route.name in world.things:
        return str(world.things[route.name])
    return "/" + _PART.sub(lambda part: world.thing(route, part["name"]), route.pattern)


def build(people: dict[str, User | None], paid_order: Any, news: bytes) -> World:
    """Ana has one of everything; Ben has a record of his own, so that "mine" exists for him too."""
    ana, ben, clinician = people["ana"], people["ben"], people["clinician"]
    assert ana and ben and clinician
    bens = building.ready(ben, building.person(ben, given="Ben", family="Tran"))
    answered = building.answered(ana, clinician)
    draft = building.ready(ana, answered.patient)
    taken = building.taken(_another_patient("Cleo"), clinician)
    evidence = evidence_record(kind="sweep.made", passed=True, facts={"n": 1}, valid_for=dt.timedelta(days=1))
    wish = request_open(
        by=ana.actor, kind=RequestKind.ACCESS, subject_id=answered.patient_id, account_id=ana.pk, form_key=uuid4()
    )
    run_job(wish.job_id)
    deletion = request_open(
        by=ana.actor, kind=RequestKind.DELETION, subject_id=answered.patient_id, account_id=ana.pk, form_key=uuid4(),
        details="a note",
    )
    archived = archive_encounter(encounter=answered.encounter, reason=ArchiveReason.NIGHTLY)
    refund = refund_start(
        by=SYSTEM, payment=paid_order.payments.get(), amount_cents=100, reason_code="goodwill", once_key="sweep"
    )
    webhook_store(news)
    event = WebhookEvent.objects.get()
    photo = Photo.objects.filter(encounter=answered.encounter).first()
    policy = current(PolicyKind.PRIVACY_POLICY)
    mail = OutgoingMail.objects.first()
    assert photo and mail
    by_table = {
        "evidence/evidence": evidence.pk, "audit/accessevent": AccessEvent.objects.first(), "jobs/job": wish.job_id,
        "outbox/outgoingmail": mail.pk, "accounts/user": ana.pk, "billing/order": paid_order.pk,
        "billing/payment": paid_order.payments.get().pk, "billing/refund": refund.pk,
        "billing/webhookevent": event.pk, "privacy/archivecopy": archived.pk,
        "privacy/destruction": _certificate(archived).pk,
    }
    gone = allergy(ana, answered.patient, substance="Latex")
    entry_remove(by=ana.actor, entry_id=gone.pk, seen=version_of(gone))
    removed = apps.get_model("records", "EntryEvent")._default_manager.get(pgh_label="delete")
    look = AccessEvent.objects.filter(subject_id=answered.patient_id, action__in=list(LOOKS)).first()
    assert look
    report, _new = report_make(by=ana.actor, event_id=look.event_id, words="Who is this?", form_key=uuid4())
    edda = _another_patient("Edda")
    corrected = correcting.build(
        ana, answered.patient, edda, Patient.objects.get(pk=patients_of(edda.pk)[0]), _officer(people),
        answered.encounter_id,
    )
    return World(people, {
        "denial_id": corrected.denial, "telling_id": corrected.telling, "restriction_id": corrected.restriction,
        **{f"privacy:{page}.request_id": corrected.refused for page in ("review", "disagree")},
        "privacy:tell.request_id": corrected.granted, "privacy:limit_end.request_id": corrected.limit_request,
        **{f"admin:privacy_{page}.request_id": corrected.in_hand for page in ("part", "amend", "rebut")},
        **{f"admin:privacy_{page}.request_id": corrected.limit_request for page in ("limit_enter", "limit_stop")},
        "admin:privacy_reach_enter.request_id": corrected.reach_request,
        "privacy:look_report.event_id": look.event_id, "report_id": report.pk,
        "old_id": bens.patient_id, "new_id": answered.patient_id,
        "emergency_id": _emergency(people["other_clinician"], taken.patient_id),
        "hold_id": _hold(people["officer"], taken.patient_id),
        "section": "allergies", "records:answers.section": "private", "event_id": removed.pk,
        "records:section_none.section": "conditions",
        "entry_id": allergy(ana, answered.patient).pk,
        "records:entry_reveal.entry_id": identifier(ana, answered.patient).pk,
        "slug": "privacy-policy", "version": policy.version, "order_id": paid_order.pk, "job_id": wish.job_id,
        "mail_id": mail.pk, "name": "20260101T000000000000-" + "0" * 32, "pk": 1,
        "request_id": deletion.pk, "main_id": deletion.pk, "privacy:request.request_id": wish.pk,
        "copy_id": RecordCopy.objects.get(request=wish).pk,
        "consult_id": answered.pk, "patient_id": answered.patient_id, "photo_id": photo.pk, "variant": "thumb",
        "wish": "stop", "freeze_id": _freeze(people["officer"]),
        "kind": "question", "fhir:search.kind": "Patient", "fhir:resource.kind": "Patient",
        "resource_id": answered.patient_id,
        "document_id": a_document(answered.patient, seen=True).pk, "page": 1,
        "admin:view_on_site": f"/admin/r/1/{ana.pk}/", "admin:app_list": "/admin/billing/",
        "admin/(?P<url>.*)$": "/admin/nothing/here/",
        **{f"admin/{table}/": row for table, row in by_table.items()},
        "view": "front", "screen_id": "urgent",
        "consults:photo_remove.photo_id": Photo.objects.filter(encounter=draft.encounter).first(),
        **{f"consults:{page}.consult_id": draft.pk for page in OF_THE_DRAFT},
        **{f"admin:consults_{deed}.consult_id": taken.pk for deed in OF_THE_TAKEN},
        **reported.things(_officer(people), taken.patient_id),
        **written.things(people["officer"], ana, answered.patient_id),
        **handed_over.things(people["officer"]),
        **safeguarded.things(_officer(people), clinician),
        **disclosed.things(people["officer"], ana, answered.patient_id, taken.patient_id),
        "draft": draft.pk, "taken": taken.pk, "bens": bens.pk,
    })


def _officer(people: dict[str, User | None]) -> User:
    officer = people["officer"]
    assert officer
    return officer


def _emergency(clinician: User | None, patient_id: UUID) -> UUID:
    assert clinician
    return emergency_open(
        by=clinician.actor, patient_id=patient_id, reason=EmergencyReason.DANGER, words="It burns.", form_key=uuid4()
    ).pk


def _another_patient(name: str) -> User:
    other = account(f"{name.lower()}@example.org", Role.PATIENT, f"{name} Marsh")
    building.person(other, given=name, family="Marsh")
    return other


def _certificate(copy: Any) -> Destruction:
    """Of some other copy, long gone: one that the world still has is not due for years."""
    day = dt.date(2026, 1, 2)
    return Destruction.objects.create(
        copy_id=uuid4(), subject_id=copy.subject_id, name="archive/gone.tar.age", version="1", sha256="0" * 64, size=1,
        sealed_at=dt.datetime(2018, 1, 2, tzinfo=dt.UTC), retain_until=day, method="FolderStore",
        destroyed_at=dt.datetime(2026, 1, 4, tzinfo=dt.UTC), filed_name="certificates/gone.json", filed_version="1",
        filed_sha256="0" * 64,
    )


def _freeze(officer: User | None) -> UUID:
    """Of a patient of its own: a frozen record opens to nobody who works with it."""
    assert officer
    patient = building.person(account("dora@example.org", Role.PATIENT, "Dora Marsh"), given="Dora", family="Marsh")
    return freeze(by=officer.actor, patient_id=patient.pk, reason=FreezeReason.STOP_USING, reference=uuid4()).pk


def _hold(officer: User | None, patient_id: Any) -> Any:
    assert officer
    day = today() + dt.timedelta(days=90)
    return hold_place(by=officer.actor, subject_id=patient_id, reason="District court, file 27", review_on=day).pk

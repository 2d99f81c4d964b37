"""screenshots, copied into tests/ for one run"""
import pytest, time, datetime as dt
from uuid import uuid4
from django.utils import timezone
from tests.sweeps.conftest import *  # noqa
from tests.conftest import *  # noqa
from django.urls import reverse
from tests.conftest import account
from portal.permissions import Role, Purpose

@pytest.mark.django_db(transaction=True)
def test_shots(live_server, chromium, settings, ana, ben, guardian, clinician, other_clinician, officer, as_):
    settings.POKE_ENABLED=False
    from portal.agreements.services import policies_publish
    policies_publish()
    from tests.consults import building
    from tests.records.building import allergy, identifier
    from records.people.services import patient_update
    from records.emergency.services import emergency_open, emergency_end
    from records import vault
    from privacy.looks.services import report_make, report_answer, report_take
    from portal.audit.models import AccessEvent
    from records.access import grant_open
    from records.models import GrantKind, Photo
    from portal.context import SYSTEM
    import time_machine
    c=building.answered(ana, clinician)
    pid=c.patient_id
    allergy(ana, c.patient); identifier(ana, c.patient)
    patient_update(by=ana.actor, patient_id=pid, phone="(320) 555-0142", address={"street":"12 Birch Lane","city":"Clear Lake","state":"MN","postal_code":"55319"})
    patient_update(by=ana.actor, patient_id=pid, phone="(320) 555-0177")
    for _ in range(4):
        vault.open_case(by=clinician.actor, encounter_id=c.encounter_id, purpose=Purpose.CARE)
    ph=Photo.objects.filter(encounter=c.encounter).first()
    vault.open_photo(by=clinician.actor, photo_id=ph.pk, variant="image", purpose=Purpose.CARE)
    grant_open(by=SYSTEM, patient_id=pid, kind=GrantKind.GUARDIAN, account_id=guardian.pk)
    vault.open_record(by=guardian.actor, patient_id=pid, purpose=Purpose.CARE)
    e=emergency_open(by=other_clinician.actor, patient_id=pid, reason="danger", words="He called, short of breath, and Karin could not be reached.", form_key=uuid4())
    vault.open_record(by=other_clinician.actor, patient_id=pid, purpose=Purpose.CARE)
    vault.open_photo(by=other_clinician.actor, photo_id=ph.pk, variant="image", purpose=Purpose.CARE)
    ev=AccessEvent.objects.filter(actor_id=other_clinician.pk, action="view").first()
    ev2=AccessEvent.objects.filter(actor_id=clinician.pk, action="view").first()
    rep,_=report_make(by=ana.actor, event_id=ev.event_id, words="I was not at any appointment that evening. Who is this?", form_key=uuid4())
    rep2,_=report_make(by=ana.actor, event_id=ev2.event_id, words="Why so often?", form_key=uuid4())
    report_answer(by=officer.actor, report_id=rep2.pk, answer="Karin Lind answers your consult. She opened the case four times while she wrote your plan.\n\nNothing is wrong here.")
    ben_p=building.person(ben, given="Ben", family="Tran")
    old=emergency_open(by=other_clinician.actor, patient_id=ben_p.pk, reason="called", words="x", form_key=uuid4()); emergency_end(by=other_clinician.actor, emergency_id=old.pk)
    from records.emergency.models import Emergency
    Emergency.objects.filter(pk=old.pk).update(review_due_on=dt.date(2026,11,20))
    pages={
     "ana":[("who",reverse("privacy:who_looked")),("who-filter",reverse("privacy:who_looked")+"?who=staff&did=read"),("wrong",reverse("privacy:look_report",args=[ev2.event_id])),("report",reverse("privacy:report",args=[rep.pk])),("answered",reverse("privacy:report",args=[rep2.pk])),("changes",reverse("records:changes"))],
     "other":[("rec",reverse("admin:patient_record",args=[pid])),("glass",reverse("admin:break_glass",args=[ben_p.pk]))],
     "officer":[("ems",reverse("admin:privacy_emergencies")),("em",reverse("admin:privacy_emergency",args=[old.pk])),("em2",reverse("admin:privacy_emergency",args=[e.pk])),("reps",reverse("admin:privacy_reports")),("rep",reverse("admin:privacy_report",args=[rep.pk]))],
    }
    people={"ana":ana,"other":other_clinician,"officer":officer}
    bad=[]
    for who,lst in pages.items():
        cl=as_(people[who])
        for w,scheme in ((375,"light"),(1280,"light"),(375,"dark"),(1280,"dark")):
            ctx=chromium.new_context(viewport={"width":w,"height":800},color_scheme=scheme)
            ctx.add_cookies([{"name":k,"value":v.value,"url":live_server.url} for k,v in cl.cookies.items()])
            pg=ctx.new_page()
            for name,url in lst:
                r=pg.goto(live_server.url+url)
                over=pg.evaluate("document.documentElement.scrollWidth - innerWidth")
                if r.status!=200 or over>0: bad.append((name,w,r.status,over))
                pg.screenshot(path=f"/tmp/h/c5shots/{name}-{w}-{scheme}.png",full_page=True)
            ctx.close()
    print("BAD",bad)
    assert not bad, bad

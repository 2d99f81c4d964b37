"""Addresses of the privacy desk's public and patient pages, below ``/privacy/``."""

from django.urls import path

from privacy.corrections.views import patient as corrections
from privacy.denials.views import patient as denials
from privacy.disclosing.views import patient as disclosing
from privacy.fees.views import patient as fees
from privacy.guardians import views as guardians
from privacy.incidents.views import public as incidents
from privacy.leaving import views as leaving
from privacy.letters.views import patient as letters
from privacy.limits import views as limits
from privacy.requests.views import patient as requests
from privacy.views import looks, patient, public

app_name = "privacy"
urlpatterns = [
    path("", patient.home, name="home"),
    path("papers/", patient.papers, name="papers"),
    path("copy/", requests.ask_copy, name="copy"),
    path("delete/", requests.ask_deletion, name="delete"),
    path("ask/<slug:kind>/", requests.ask, name="ask"),
    path("requests/<uuid:request_id>/", requests.request_page, name="request"),
    path("requests/<uuid:request_id>/withdraw/", requests.withdraw, name="withdraw"),
    path("requests/<uuid:request_id>/review/", denials.ask_review, name="review"),
    path("requests/<uuid:request_id>/disagree/", corrections.disagree, name="disagree"),
    path("requests/<uuid:request_id>/tell/", corrections.tell, name="tell"),
    path("requests/<uuid:request_id>/limit/end/", limits.limit_end, name="limit_end"),
    path("correct/", corrections.correct, name="correct"),
    path("correct/<uuid:patient_id>/", corrections.correct, name="correct_of"),
    path("limit/", limits.limit, name="limit"),
    path("reach/", limits.reach, name="reach"),
    path("leave/", leaving.leave, name="leave"),
    path("left/", leaving.left, name="left"),
    path("children/", guardians.children, name="children"),
    path("children/<uuid:patient_id>/<slug:wish>/", guardians.wish, name="child_wish"),
    path("copies/<uuid:copy_id>/download/", patient.download, name="download"),
    path("letters/<uuid:letter_id>/", letters.letter, name="letter"),
    path("letters/<uuid:letter_id>/file/", letters.letter_file, name="letter_file"),
    path("fees/<uuid:quote_id>/accept/", fees.accept, name="fee_accept"),
    path("fees/<uuid:quote_id>/decline/", fees.decline, name="fee_decline"),
    path("who-received/", disclosing.received, name="received"),
    path("consents/", disclosing.consents, name="consents"),
    path("consents/<uuid:consent_id>/back/", disclosing.consent_back, name="consent_back"),
    path("who-looked/", looks.who_looked, name="who_looked"),
    path("who-looked/<uuid:event_id>/wrong/", looks.report, name="look_report"),
    path("reports/<uuid:report_id>/", looks.report_page, name="report"),
    path("report/", incidents.report, name="incident_report"),
    path("report/child/", incidents.child, name="incident_child"),
    path("report/state/", incidents.state, name="incident_state"),
    path("complaint/", incidents.complaint, name="complaint"),
    path("printed/", incidents.printed, name="printed"),
    path("notices/<uuid:notice_id>/", incidents.notice, name="public_notice"),
    path("promises/", public.promises, name="promises"),
]

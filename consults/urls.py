"""Addresses of the patient's consults. The clinician's desk lies in the admin."""

from django.urls import path

from consults.views import draft, patient, photos

app_name = "consults"
ONE = "consults/<uuid:consult_id>/"

urlpatterns = [
    path("home/", patient.home, name="home"),
    path("welcome/", patient.welcome, name="welcome"),
    path("consults/start/", draft.start, name="start"),
    path(ONE, patient.consult, name="consult"),
    path(f"{ONE}steps/<slug:screen_id>/", draft.step, name="step"),
    path(f"{ONE}stop/", draft.stop, name="stop"),
    path(f"{ONE}photos/", photos.overview, name="photos"),
    path(f"{ONE}photos/<slug:view>/", photos.photo, name="photo"),
    path(f"{ONE}photos/<slug:view>/send/", photos.send, name="photo_send"),
    path(f"{ONE}photos/<slug:view>/status/", photos.status, name="photo_status"),
    path(f"{ONE}photos/<uuid:photo_id>/remove/", photos.remove, name="photo_remove"),
    path(f"{ONE}review/", draft.review, name="review"),
    path(f"{ONE}revise/", draft.revise, name="revise"),
    path(f"{ONE}withdraw/", patient.withdraw, name="withdraw"),
    path(f"{ONE}messages/", patient.thread, name="thread"),
    path(f"{ONE}plan/", patient.plan, name="plan"),
    path("messages/", patient.messages_list, name="messages"),
]

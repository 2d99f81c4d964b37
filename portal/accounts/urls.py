"""Addresses of the accounts app. Sign-up stands here, before allauth's own, to be one transaction."""

from django.urls import path

from portal.accounts import views

app_name = "accounts"
urlpatterns = [
    path("start/", views.start, name="start"),
    path("accounts/signup/", views.sign_up, name="sign_up"),
    path("account/", views.profile, name="profile"),
    path("account/notices/", views.notices, name="notices"),
    path("account/close/", views.close, name="close"),
    path("account/closed/", views.closed, name="closed"),
    path("account/resume/", views.resume_form, name="resume"),
]

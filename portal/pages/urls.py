"""Addresses of the public pages."""

from django.urls import path

from portal.pages import views

app_name = "pages"
urlpatterns = [
    path("", views.home, name="home"),
    path("how-it-works/", views.how_it_works, name="how_it_works"),
    path("questions/", views.questions, name="questions"),
    path("policies/<slug:slug>/", views.policy, name="policy"),
    path("policies/<slug:slug>/<str:version>/", views.policy_version, name="policy_version"),
    path("stay-signed-in/", views.stay, name="stay"),
    path("robots.txt", views.robots, name="robots"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
]

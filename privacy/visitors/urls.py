"""Addresses about cookies and counting."""

from django.urls import path

from privacy.visitors.views import public

app_name = "visitors"
urlpatterns = [
    path("cookies/", public.cookies, name="cookies"),
    path("cookies/choice/", public.choose, name="choose"),
    path("cookies/visit/", public.count, name="count"),
    path("cookies/partner/", public.partner_frame, name="partner_frame"),
    path(".well-known/gpc.json", public.gpc, name="gpc"),
]

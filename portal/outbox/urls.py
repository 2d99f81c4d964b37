"""The local inbox: where a demo's mail can be read. Not there in production."""

from django.urls import path

from portal.outbox import views

app_name = "outbox"
urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("<str:name>/", views.inbox_message, name="inbox_message"),
]

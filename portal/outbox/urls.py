"""The local inbox: where a demo's mail can be read. Not there in production."""

from django.urls import path

from portal.outbox.views import inbox

app_name = "outbox"
urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("<str:name>/", inbox.inbox_message, name="inbox_message"),
]

from django.urls import path

from billing import views

app_name = "billing"

urlpatterns = [
    path("", views.payments, name="payments"),
    path("pay/<uuid:order_id>/", views.pay, name="pay"),
    path("pay/<uuid:order_id>/return/", views.pay_return, name="return"),
    path("receipts/<uuid:order_id>/", views.receipt, name="receipt"),
    path("square/webhook/", views.webhook, name="webhook"),
]

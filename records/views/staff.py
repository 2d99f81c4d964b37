"""The whole record for staff, read only: open to whoever holds a whole grant, and to nobody else."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from portal.errors import NotVisible
from portal.guards import AuthRequest
from records import vault
from records.access import usual_purpose
from records.contact.selectors import reach_of
from records.emergency.models import Emergency
from records.restrictions.selectors import limits_of
from records.views.record import page_of

JUST_NOW = dt.timedelta(hours=12)


@require_GET
def patient_record(request: AuthRequest, patient_id: UUID) -> HttpResponse:
    """Everything held. Where an emergency has just run out, the way to ask anew instead of "not found"."""
    try:
        whole = vault.open_record(by=request.actor, patient_id=patient_id, purpose=usual_purpose(request.actor))
    except NotVisible:
        ended = Emergency.objects.filter(
            patient_id=patient_id, account_id=request.account_id, ends_at__gt=timezone.now() - JUST_NOW
        )
        if not ended.exists():
            raise
        messages.warning(request, _("The time is over, and the record is closed again."))
        return redirect("admin:break_glass", patient_id=patient_id)
    context = {
        **admin.site.each_context(request), "title": whole.patient.full_name or _("Record"),
        **page_of(whole, own=False), "staff": True, "reach": reach_of(patient_id), "limits": limits_of(patient_id),
    }
    return render(request, "records/staff/record.html", context)

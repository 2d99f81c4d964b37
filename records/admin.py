"""Pages of the vault in the clinic's admin; none of its models is listed.

A generic list would show rows without the vault's access check and without its trace.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Group, site
from portal.permissions import Permission
from records.views import emergency, find, staff

site.page(
    "patients/", find.find, Permission.PATIENTS_FIND, name="patients_find", title=_("Find a patient"),
    menu=_("Find a patient"), hint=_("By name, date of birth, phone, address or patient number"),
    group=Group.PATIENTS,
)
site.page("patients/apart/", find.apart, Permission.PATIENTS_FIND, name="patients_apart", title=_("Find a patient"))
site.page(
    "patients/<uuid:patient_id>/record/", staff.patient_record, Permission.RECORD_OPEN, name="patient_record",
    title=_("Record"),
)
site.page(
    "patients/<uuid:patient_id>/emergency/", emergency.break_glass, Permission.BREAK_GLASS, name="break_glass",
    title=_("Open a record in an emergency"),
)
site.page(
    "patients/<uuid:patient_id>/give-out/", emergency.give_out, Permission.BREAK_GLASS, name="give_out",
    title=_("Give something out in an emergency"),
)
site.page(
    "emergencies/<uuid:emergency_id>/end/", emergency.end, Permission.BREAK_GLASS, name="emergency_end",
    title=_("Close the record"),
)

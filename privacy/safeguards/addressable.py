"""The addressable items of the Security Rule: "addressable" is not "optional" (RULES 2.10).

A closed list. To each the clinic does it, does something equal, or says why not.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Item:
    """One item: its ``code`` here, the ``section`` of 45 CFR, and what it asks for in plain words."""

    code: str
    section: str
    asks: str | Promise


ITEMS: tuple[Item, ...] = (
    Item("supervision", "164.308(a)(3)(ii)(A)", _("Say who may work with health information, or watch over it")),
    Item("clearance", "164.308(a)(3)(ii)(B)", _("Make sure that each person’s access fits the work")),
    Item("termination", "164.308(a)(3)(ii)(C)", _("End access when somebody leaves")),
    Item("granting", "164.308(a)(4)(ii)(B)", _("Rules for giving access")),
    Item("changing", "164.308(a)(4)(ii)(C)", _("Rules for changing and looking over access")),
    Item("reminders", "164.308(a)(5)(ii)(A)", _("Remind staff of security now and then")),
    Item("malware", "164.308(a)(5)(ii)(B)", _("Guard against harmful software")),
    Item("sign_ins", "164.308(a)(5)(ii)(C)", _("Watch sign-ins that fail")),
    Item("passwords", "164.308(a)(5)(ii)(D)", _("Rules for passwords")),
    Item("plan_tests", "164.308(a)(7)(ii)(D)", _("Try out the plans for an emergency")),
    Item("criticality", "164.308(a)(7)(ii)(E)", _("Know which programs and data matter most")),
    Item("emergency_site", "164.310(a)(2)(i)", _("Get into the building in an emergency")),
    Item("building", "164.310(a)(2)(ii)", _("Keep strangers out of the building and away from machines")),
    Item("visitors", "164.310(a)(2)(iii)", _("Know who comes in, visitors too")),
    Item("repairs", "164.310(a)(2)(iv)", _("Write down repairs of doors and locks")),
    Item("media_moves", "164.310(d)(2)(iii)", _("Know where machines and media go, and who has them")),
    Item("media_copies", "164.310(d)(2)(iv)", _("Make a copy before a machine is moved")),
    Item("logoff", "164.312(a)(2)(iii)", _("Sign people out after a time without use")),
    Item("at_rest", "164.312(a)(2)(iv)", _("Encrypt what is kept")),
    Item("integrity", "164.312(c)(2)", _("Show that data was not changed or lost")),
    Item("sent_whole", "164.312(e)(2)(i)", _("Notice when something is changed on its way")),
    Item("on_its_way", "164.312(e)(2)(ii)", _("Encrypt what is sent")),
)
BY_CODE: dict[str, Item] = {item.code: item for item in ITEMS}

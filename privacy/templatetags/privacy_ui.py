"""Words for the access log on patients' pages."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal.audit.models import Action

register = template.Library()

# Every kind of thing that the log names about a patient; a test fails for one that is missing.
WORDS: dict[str, str | Promise] = {
    "records.patient": _("your contact details"),
    "records.encounter": _("your consult"),
    "records.answer": _("an answer of yours"),
    "records.entry": _("your health history"),
    "records.identifier": _("an ID number of yours"),
    "records.photo": _("a photo"),
    "records.freeze": _("whether your record may be used"),
    "records.document": _("a document of yours"),
    "records.message": _("your messages"),
    "records.assessment": _("the finding"),
    "records.plan": _("your plan"),
    "records.record": _("your whole record"),
    "records.history": _("what your record held before"),
    "records.statistics": _("your consult, to count it without your name"),
    "records.emergency": _("your whole record"),
    "records.accessgrant": _("who may open your record"),
    "records.search": _("the patients of the clinic"),
    "records.toldapart": _("that you and another patient are two people"),
    "records.merge": _("two records of yours into one"),
    "consults.consult": _("a consult"),
    "privacy.request": _("a privacy request"),
    "privacy.lookreport": _("your report about a look"),
    "privacy.incident": _("a report that something went wrong"),
    "privacy.hold": _("a legal hold on your record"),
    "privacy.copy": _("a copy of your record"),
    "privacy.process": _("a legal paper about your record"),
    "privacy.vendor": _("the clinic’s list of companies"),
    "privacy.binder": _("the clinic’s binder of proofs"),
    "privacy.sanction": _("the clinic’s list of sanctions"),
    "privacy.decision": _("how the clinic keeps a rule of security"),
    "privacy.assignment": _("the passing of the clinic to a new owner"),
    "records.disclosure": _("who received something of your record"),
    "records.suspension": _("what is left out for a time"),
    "records.releaseconsent": _("what you allowed us to give"),
    "privacy.printcopy": _("your record, to be printed"),
    "privacy.letter": _("a letter to you"),
    "privacy.fee": _("what a copy costs"),
    "records.amendment": _("a correction of your record"),
    "records.withheld": _("which parts of your record you are shown"),
    "records.restriction": _("a limit on what we share of your record"),
    "records.contactchoice": _("how you want to be reached"),
    "privacy.denial": _("a request that was refused"),
    "privacy.archive": _("the archive’s copy of your record"),
    "billing.order": _("a bill"),
    "billing.refund": _("a refund"),
    "outbox.mail": _("a mail to you"),
    "outbox.leftaddress": _("that you want no more mail"),
    "privacy.handover": _("the records for a new owner of the clinic"),
}
VERBS: dict[str, str | Promise] = {
    Action.VIEW: _("Read"),
    Action.LIST: _("Saw in a list:"),
    Action.SEARCH: _("Found in a search:"),
    Action.REVEAL: _("Uncovered"),
    Action.EXPORT: _("Made a copy of"),
    Action.DOWNLOAD: _("Downloaded"),
    Action.PRINT: _("Printed"),
    Action.SEND: _("Sent"),
    Action.DISCLOSE: _("Gave out"),
    Action.BREAK_GLASS: _("Opened in an emergency:"),
}
# Where verb and thing together say it badly.
PHRASES: dict[tuple[str, str], str | Promise] = {
    (Action.SEND, "records.message"): _("Sent a message"),
    (Action.GRANT, "records.accessgrant"): _("Gave access to your record"),
    (Action.REVOKE, "records.accessgrant"): _("Ended access to your record"),
    (Action.SEND, "outbox.mail"): _("Sent a mail to you once more"),
    (Action.DISCLOSE, "records.disclosure"): _("Gave something of your record to somebody outside"),
    (Action.LIST, "records.disclosure"): _("Read who received something of your record"),
    (Action.SEND, "privacy.process"): _("Sent you a letter about a legal paper"),
    (Action.LIST, "records.releaseconsent"): _("Read what you allowed us to give"),
}
PHRASES_SHOWN = 3


def thing(object_kind: str) -> str | Promise:
    """The words for a kind of thing; ``records.photo.thumb`` is a photo, and an unknown kind "your record"."""
    general = ".".join(object_kind.split(".")[:2])
    return WORDS.get(object_kind) or WORDS.get(general) or _now("your record")


def phrase(action: str, object_kind: str) -> str:
    """One look in plain words: "Read your plan". A kind without words of its own is "your record"."""
    if (action, object_kind) in PHRASES:
        return str(PHRASES[action, object_kind])
    verb = VERBS.get(action) or Action(action).label
    return _now("%(verb)s %(what)s") % {"verb": verb, "what": thing(object_kind)}


@register.filter
def look_words(event: object) -> str:
    """``phrase`` of a row of the log."""
    return phrase(event.action, event.object_kind)  # type: ignore[attr-defined]


@register.filter
def looks_words(what: Iterable[tuple[str, str]]) -> str:
    """Several looks in one line: the first three, and how many kinds more."""
    phrases = [phrase(action, kind) for action, kind in what]
    shown = phrases[:1] + [text[:1].lower() + text[1:] for text in phrases[1:PHRASES_SHOWN]]
    more = len(phrases) - len(shown)
    if more:
        shown.append(ngettext("%(count)d thing more", "%(count)d things more", more) % {"count": more})
    return ", ".join(shown)


@register.filter
def initials(name: str) -> str:
    """Up to two first letters of a name: "Karin Lind" is "KL"."""
    parts = [part for part in name.split() if part]
    return "".join(part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)).upper()

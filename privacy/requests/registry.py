"""What each kind of request is: its clock, its grounds, how it is carried out and how it looks.

The room that owns a kind registers it once, from ``AppConfig.ready``; the engine knows no kind by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from django.utils.functional import Promise

from portal.permissions import Role
from privacy.requests.models import RequestKind, RightsRequest

if TYPE_CHECKING:
    from portal.context import Actor
    from privacy.requests.forms import AskForm

Text: TypeAlias = str | Promise
Context: TypeAlias = "Callable[[RightsRequest, Actor], Mapping[str, Any]]"


@dataclass(frozen=True, slots=True)
class Ground:
    """One ground of the closed list on which a request may be refused.

    ``reviewable`` is the law's flag (RULES 1.14, 1.15); the clinic offers a review of every denial (P37).
    """

    code: str
    label: Text
    reviewable: bool


@dataclass(frozen=True)
class KindRules:
    """One kind of request. Names of settings, never numbers; see ``portal/rules.py``.

    ``fulfil`` is called inside the transaction in which the officer has it carried out (or in which
    it is asked for, when ``at_once``): it does the deed or starts a job, and ends with
    ``request_complete`` now or from the job. Without one, carrying out completes it. ``failed`` hears
    when a job was given up, ``stopped`` when the request is refused, taken back or put back to the desk.
    ``grounds``: the closed list; empty means that it cannot be refused. ``extension_allowed``: name
    of a setting that may forbid the extension; "" means allowed where ``extension_days`` is named.
    ``is_free`` tells that the law lets nothing be asked for this one, though the kind may cost something.
    ``staff_context`` and ``patient_context`` get the request and who looks, and give the panel's context;
    ``panels_tell`` says that both panels show what the ask form was told, so that the page need not.
    ``ask_form`` is the form of the engine's own ask page, ``ask_page`` the name of a page of the room.
    ``wish`` is the line under which the patient finds it on the privacy page, "" hides it there;
    ``wish_about`` says in a sentence what one gets. ``sure`` is a sentence to tick before it is carried out.
    ``roles`` are offered it there, also who has no record where it is ``for_anybody``; ``own_only`` leaves out
    who only looks after others. ``deed`` is the button of "carry out", ``deed_about`` says what follows;
    ``recallable`` lets it be taken back while it is carried out: what waits to be posted has not gone yet.
    ``deed_page`` names the page of the desk where it is done (with ``request_id``), for a deed that needs the record
    and more than a press.
    ``refuse_page`` names the page of the desk for saying no (with ``request_id``). ``answered`` wants the
    officer's answer in words before it is done, with one of ``outcomes``.
    """

    kind: RequestKind
    due_days: str
    extension_days: str = ""
    extension_allowed: str = ""
    grounds: tuple[Ground, ...] = ()
    needs_identity: bool = True
    about_record: bool = True
    fee: bool = False
    is_free: Callable[[RightsRequest], bool] | None = None
    fulfil: Callable[[RightsRequest, Actor], None] | None = None
    at_once: bool = False
    staff_panel: str = ""
    staff_context: Context | None = None
    patient_panel: str = ""
    patient_context: Context | None = None
    panels_tell: bool = False
    failed: Callable[[RightsRequest], None] | None = None
    stopped: Callable[[RightsRequest], None] | None = None
    ask_form: type[AskForm] | None = None
    ask_page: str = ""
    ask_about: str = ""
    wish: Text = ""
    wish_about: Text = ""
    for_anybody: bool = False
    own_only: bool = False
    deed: Text = ""
    deed_about: Text = ""
    deed_page: str = ""
    recallable: bool = False
    sure: Text = ""
    roles: frozenset[Role] = frozenset({Role.PATIENT, Role.GUARDIAN})
    refuse_page: str = "admin:privacy_refuse"
    answered: bool = False
    outcomes: tuple[tuple[str, Text], ...] = ()

    def ground(self, code: str) -> Ground | None:
        """The listed ground with this code."""
        return next((ground for ground in self.grounds if ground.code == code), None)


_KINDS: dict[str, KindRules] = {}


def register(rules: KindRules) -> None:
    """Add a kind, from ``AppConfig.ready``. Raises ``ValueError`` where two rooms claim the same."""
    there = _KINDS.get(rules.kind)
    if there is not None and there != rules:
        raise ValueError(f"two rooms register the kind {rules.kind}")
    _KINDS[RequestKind(rules.kind).value] = rules


def rules_of(kind: str) -> KindRules:
    """The rules of a kind. Raises ``LookupError`` for one that nobody registered."""
    return _KINDS[kind]


def with_panel(page: Mapping[str, Any], panel: Mapping[str, Any]) -> dict[str, Any]:
    """The context of a request's page with that of its kind's panel. Raises ``ValueError`` where both use a name.

    A panel that took a name of the page's would hide what the page says, such as the person's own words.
    """
    if shared := page.keys() & panel.keys():
        raise ValueError(f"a panel renames {sorted(shared)}")
    return {**page, **panel}


def kinds() -> Iterable[KindRules]:
    """Every registered kind, in the order of ``RequestKind``."""
    return [_KINDS[kind.value] for kind in RequestKind if kind.value in _KINDS]

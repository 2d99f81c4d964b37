"""The closed lists of grounds on which a request may be refused, with the words of the letter (P37).

``reviewable`` is the law's flag. The clinic offers a review of every denial all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from privacy.requests.models import DenialGround, RequestKind
from privacy.requests.registry import Ground, Text


@dataclass(frozen=True, slots=True)
class Listed:
    """One ground: code, what the officer picks, what the letter says, and what the law says of it.

    ``judged``: a licensed clinician has to judge it (RULES 1.15). ``rest``: everything else is
    given all the same, so it can only be refused in part (RULES 1.16).
    """

    code: str
    label: Text
    words: Text
    reviewable: bool = False
    judged: bool = False
    rest: bool = False


# RULES 1.14: no review by law.
ACCESS_FINAL = (
    Listed(
        "excluded", _("Psychotherapy notes, or papers made for a court case"),
        _("The law keeps two things out of this right: notes of a therapist that are kept apart, and papers that "
          "were made for a court case. What we leave out is one of these."), rest=True,
    ),
    Listed(
        "inmate", _("Asked by an inmate, and a copy would endanger somebody in custody"),
        _("You asked while in custody, and the place that holds you told us that a copy would put somebody in "
          "danger. You can still look at your record."),
    ),
    Listed(
        "research", _("Research still runs, and the patient agreed to wait"),
        _("You agreed to wait for this part of your record until the research you take part in is over. You get it "
          "then."), rest=True,
    ),
    Listed(
        "privacy_act", _("The federal Privacy Act forbids it"),
        _("The federal Privacy Act does not let us give out this part."), rest=True,
    ),
    Listed(
        "confidential_source", _("Told in confidence by somebody who is no provider, whom it would reveal"),
        _("Somebody who is not a health care provider told us this in confidence, and giving it to you would show "
          "who it was."), rest=True,
    ),
)
# RULES 1.15: a licensed clinician judges, and the law gives a review. Being upset is no ground.
ACCESS_JUDGED = (
    Listed(
        "endangers", _("It would likely endanger somebody’s life or body"),
        _("A licensed clinician judged that giving you this part would likely put your life or body, or somebody "
          "else’s, in danger."), reviewable=True, judged=True, rest=True,
    ),
    Listed(
        "harms_other", _("It speaks of another person, whom it would likely harm badly"),
        _("This part speaks of another person. A licensed clinician judged that giving it to you would likely do "
          "that person serious harm."), reviewable=True, judged=True, rest=True,
    ),
    Listed(
        "representative", _("Asked by a representative, and it would likely harm somebody badly"),
        _("You asked for somebody else. A licensed clinician judged that giving you this part would likely do that "
          "person, or another one, serious harm."), reviewable=True, judged=True, rest=True,
    ),
)
# Only of what goes to somebody else: there must be a signature and a name (RULES 1.9).
UNSIGNED = Listed(
    "not_signed", _("The signature or the recipient is missing"),
    _("To send your record to somebody else we need your signature, and the name and address of who gets it. One of "
      "these is missing."), reviewable=True,
)
# RULES 1.22: the four, and no other.
AMENDMENT = (
    Listed(
        "not_ours", _("We did not write it, and whoever did can still be asked"),
        _("We did not write this part of the record. Whoever wrote it can still be asked to correct it."),
    ),
    Listed(
        "not_in_record", _("It is not part of the record we use to decide about care"),
        _("What you want to have corrected is not part of the record that we use to decide about your care."),
    ),
    Listed(
        "not_open", _("It is something the patient may not look at by law"),
        _("The law does not open this part to you, so it does not let us change it on your request either."),
    ),
    Listed(
        "accurate", _("It is right and complete as it stands"),
        _("We looked at it again, and we think that the record is right and complete as it stands."),
    ),
)
# RULES 1.37: the clinic may refuse what the law does not demand.
RESTRICTION = (
    Listed(
        "care", _("We need to share it to care for the patient safely"),
        _("We could not care for you safely if we kept this from the people who treat you."),
    ),
    Listed(
        "cannot", _("We have no way to keep this limit for sure"),
        _("We have no way to make sure that this limit is kept, and we do not promise what we cannot keep."),
    ),
    Listed(
        "law", _("A law makes us share it"), _("A law makes us share this, and we cannot promise not to."),
    ),
)
DELETION = (
    Listed(
        DenialGround.RETENTION_LAW.value, DenialGround.RETENTION_LAW.label,
        _("A law makes us keep this for now. We delete it when that time is over."),
    ),
    Listed(
        DenialGround.LEGAL_HOLD.value, DenialGround.LEGAL_HOLD.label,
        _("A court or an authority told us to keep this. We delete it when that is lifted."),
    ),
    Listed(
        DenialGround.IDENTITY.value, DenialGround.IDENTITY.label,
        _("We could not make sure that it was you who asked, and we do not delete a record for a stranger."),
        reviewable=True,
    ),
)
# RULES 4.14, 1.45: what the minor may decide alone is not the parent's to see or to delete.
MINORS_OWN = Listed(
    "minors_own", _("The law lets the young person decide about this"),
    _("For some kinds of care the law lets a young person decide alone, also about who sees what. We cannot do what "
      "you ask without them, and we cannot say whether there is any such care here."), reviewable=True, rest=True,
)
OF_AGE = Listed(
    "of_age", _("The patient is of age now and asks for themselves"),
    _("The patient is of age now. From the 18th birthday on only they can ask for this, and we do it when they ask."),
)
_ACCESS = (*ACCESS_FINAL, *ACCESS_JUDGED)
BY_KIND: dict[str, tuple[Listed, ...]] = {
    RequestKind.ACCESS: _ACCESS, RequestKind.ACCESS_PAPER: _ACCESS,
    RequestKind.ACCESS_THIRD_PARTY: (*_ACCESS, UNSIGNED),
    RequestKind.GUARDIAN_REVIEW: (*_ACCESS, MINORS_OWN, OF_AGE),
    RequestKind.AMENDMENT: AMENDMENT, RequestKind.RESTRICTION: RESTRICTION,
    RequestKind.DELETION: DELETION, RequestKind.GUARDIAN_DELETION: (*DELETION, MINORS_OWN, OF_AGE),
}

# Of these a "no" in part leaves parts of the record out of what is given.
COPIES = frozenset(
    {RequestKind.ACCESS, RequestKind.ACCESS_PAPER, RequestKind.ACCESS_THIRD_PARTY, RequestKind.GUARDIAN_REVIEW}
)


def grounds_for(kind: str) -> tuple[Ground, ...]:
    """As the register of kinds takes them; empty where a kind cannot be refused."""
    return tuple(Ground(one.code, one.label, reviewable=one.reviewable) for one in BY_KIND.get(kind, ()))


def listed(kind: str, code: str) -> Listed | None:
    """The ground of a kind with this code."""
    return next((one for one in BY_KIND.get(kind, ()) if one.code == code), None)

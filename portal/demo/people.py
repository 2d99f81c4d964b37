"""The made-up people of the demo who can be signed in as. No face, no name of a real person."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "a long walk by the lake"  # noqa: S105 - printed by the demo on purpose


@dataclass(frozen=True)
class Person:
    """One sign-in of the demo."""

    email: str
    name: str
    role: str
    about: str


SIGN_INS = (
    Person("ana@demo.example", "Ana Okafor", "patient", "has a plan, an old consult and messages"),
    Person("gwen@demo.example", "Gwen Okafor", "guardian", "looks after two children"),
    Person("karin@demo.example", "Karin Lind", "clinician", "has cases in work"),
    Person("omar@demo.example", "Omar Haddad", "clinician", "has cases in work"),
    Person("mia@demo.example", "Mia Soto", "officer", "has requests on the desk"),
    Person("sue@demo.example", "Sue Park", "support", "sees account state, no health data"),
    Person("olga@demo.example", "Olga Berg", "owner", "owns the clinic: risks, training, numbers"),
)

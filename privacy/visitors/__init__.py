"""Visitors of the site: what they chose about cookies, how visits are counted, old browsers, the one ad hook.

Nothing here knows a person. ``middleware`` puts a ``Visitor`` on each request, pages ask it, and
``services`` adds one to a counter; no row stands for a visit (P09, P42 to P44).
"""

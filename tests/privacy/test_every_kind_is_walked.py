"""Each kind of request is walked in a browser, from the wish to its end; each walk says in ``WALKS`` which it walks."""

from __future__ import annotations

import ast
from pathlib import Path

from privacy.requests.models import RequestKind
from privacy.requests.registry import kinds

WALKS = sorted(Path(__file__).parent.glob("test_walk_*.py"))


def walked(source: str) -> set[RequestKind]:
    """The kinds that a file's ``WALKS = {RequestKind.X, ...}`` names; read, not imported: no browser is needed."""
    found: set[RequestKind] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and [ast.unparse(one) for one in node.targets] == ["WALKS"]:
            assert isinstance(node.value, ast.Set), "WALKS is a set of kinds"
            found |= {RequestKind[ast.unparse(one).removeprefix("RequestKind.")] for one in node.value.elts}
    return found


def test_every_kind_has_a_walk_from_the_wish_to_its_end() -> None:
    found = set().union(*(walked(path.read_text()) for path in WALKS))
    assert found == set(RequestKind), f"not walked in a browser: {sorted(set(RequestKind) - found)}"
    assert found == {rules.kind for rules in kinds()}


def test_every_walk_says_what_it_walks_and_runs_in_a_browser() -> None:
    for path in WALKS:
        source = path.read_text()
        assert walked(source), f"{path.name} names no kind in WALKS"
        assert "pytest.mark.browser" in source, path.name

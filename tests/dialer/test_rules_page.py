"""docs/dialing-rules.md tells the truth about where rules are decided and which tests show them: everything that it names is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/dialing-rules.md").read_text(encoding="utf-8")
ROWS = [line.split(" | ") for line in PAGE.splitlines() if ".py:" in line and line.startswith("| ")]
NAMED = re.compile(r"`([\w/.]+\.(?:py|sql)):(\w+)`")


def names_of_tests(path: str) -> set[str]:
    """Names of the test functions of a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")}


def test_every_rule_names_where_it_is_decided_and_a_test() -> None:
    assert len(ROWS) > 60
    for _, decided, shown in ROWS:
        assert NAMED.findall(decided), decided
        assert NAMED.findall(shown), shown


def test_every_test_that_the_page_names_exists() -> None:
    named = [found for *_, shown in ROWS for found in NAMED.findall(shown)]
    assert [f"{path}:{name}" for path, name in named if name not in names_of_tests(path)] == []


def test_every_place_that_the_page_names_exists() -> None:
    named = [found for _, decided, _ in ROWS for found in NAMED.findall(decided)]
    texts = {path: (ROOT / path).read_text(encoding="utf-8") for path, _ in named}
    assert [f"{path}:{name}" for path, name in named if not re.search(rf"\b{name}\b", texts[path])] == []

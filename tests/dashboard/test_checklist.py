"""docs/dashboard.md names a test for each thing that operators can do, and each of them exists."""

from pathlib import Path

from tests.dialer.test_rules_page import NAMED, names_of_tests

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/dashboard.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| what", "| |", "| !"))]


def test_everything_on_the_list_has_a_test() -> None:
    assert len(ROWS) > 45
    assert [row for row in ROWS if not NAMED.search(row)] == []


def test_every_test_on_the_list_exists() -> None:
    assert [f"{path}:{name}" for path, name in NAMED.findall(PAGE) if name not in names_of_tests(path)] == []

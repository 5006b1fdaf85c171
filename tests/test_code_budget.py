"""The code stays readable: short functions, short files, few handlers that catch everything, each with its reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ["mediaserver", "dialer", "dashboard", "agent_runtime", "db"]
EVERYTHING = [*PRODUCT, "tests", "benchmarks"]
BROAD = {"Exception", "BaseException"}


def sources(folders: list[str]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text()


def p95(values: list[int]) -> int:
    ordered = sorted(values)
    return ordered[int(len(ordered) * 0.95)]


def functions(text: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def broad_handlers(text: str) -> tuple[int, list[int]]:
    """How many handlers there are, and the lines of those that catch everything."""
    handlers = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ExceptHandler)]
    broad = [h.lineno for h in handlers if h.type is None or (isinstance(h.type, ast.Name) and h.type.id in BROAD)]
    return len(handlers), broad


def test_no_function_is_longer_than_80_lines() -> None:
    long = [
        f"{name}: {function} has {lines} lines" for name, text in sources(EVERYTHING) for function, lines in functions(text) if lines > 80
    ]
    assert not long


def test_no_file_is_longer_than_600_lines() -> None:
    long = [f"{name} has {text.count(chr(10))} lines" for name, text in sources(EVERYTHING) if text.count("\n") > 600]
    assert not long


def test_most_functions_and_files_are_far_below_that() -> None:
    texts = [text for _, text in sources(PRODUCT)]
    assert p95([lines for text in texts for _, lines in functions(text)]) <= 40
    assert p95([text.count("\n") for text in texts]) <= 400


def test_few_handlers_catch_everything_and_each_says_why() -> None:
    handlers, unexplained, broad_total = 0, [], 0
    for name, text in sources(PRODUCT):
        count, broad = broad_handlers(text)
        handlers, broad_total = handlers + count, broad_total + len(broad)
        lines = text.splitlines()
        unexplained += [f"{name}:{line}" for line in broad if "#" not in lines[line - 1] and "#" not in lines[line]]
    assert not unexplained
    assert broad_total <= handlers * 0.10, f"{broad_total} of {handlers} handlers catch everything"


@pytest.mark.parametrize("text", ["try:\n    pass\nexcept Exception:\n    pass\n", "try:\n    pass\nexcept:\n    pass\n"])
def test_the_check_itself_sees_a_broad_handler(text: str) -> None:
    assert broad_handlers(text) == (1, [3])

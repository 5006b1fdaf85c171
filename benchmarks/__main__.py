"""`make bench`: every figure against its goal, as a table for people and as JSON lines for programs."""

import importlib
import sys
from collections.abc import Callable, Iterable

from rich.console import Console
from rich.table import Table

from mediaserver.figure import Figure

GROUPS = ("demo", "dialer", "switch", "dashboard", "live")


def main(arguments: list[str]) -> int:
    """Runs the groups that `arguments` name (all, without any); returns 0 where every goal is met."""
    unknown = [name for name in arguments if name not in (*GROUPS, "soak")]
    if unknown:
        print(f"there is no group {', '.join(unknown)}: choose from {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    found: list[Figure] = []
    for name in arguments or GROUPS:
        measure: Callable[[int], Iterable[Figure]] = importlib.import_module(f"benchmarks.{name}").figures
        for figure in measure(3):
            print(figure.json(), flush=True)
            found.append(figure)
    table = Table("figure", "value", "goal", "met", "notes")
    for figure in found:
        table.add_row(*figure.row())
    Console().print(table)
    return 0 if all(figure.met for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

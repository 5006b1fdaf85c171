"""The dialer's figures, on the embedded PostgreSQL with fsync on."""

from collections.abc import Iterable
from types import ModuleType

from benchmarks.dialer import attempts, imports, reading, seeds
from mediaserver.figure import Figure

PARTS: tuple[ModuleType, ...] = (imports, attempts, reading, seeds)


def figures(runs: int) -> Iterable[Figure]:
    for part in PARTS:
        yield from part.figures(runs)

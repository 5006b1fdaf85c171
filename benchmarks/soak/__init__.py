"""What takes long: hundreds of calls through the whole system."""

from collections.abc import Iterable

from benchmarks.soak import calls
from mediaserver.figure import Figure

PARTS = (calls,)


def figures(runs: int) -> Iterable[Figure]:
    for part in PARTS:
        yield from part.figures(runs)

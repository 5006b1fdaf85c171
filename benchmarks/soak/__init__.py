"""What takes long: hundreds of calls through the whole system, and hundreds while its processes are killed."""

from collections.abc import Iterable

from benchmarks.soak import calls, kills
from mediaserver.figure import Figure

PARTS = (calls, kills)


def figures(runs: int) -> Iterable[Figure]:
    for part in PARTS:
        yield from part.figures(runs)

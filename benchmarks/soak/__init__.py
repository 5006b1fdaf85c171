"""What takes long: hundreds of calls through the whole system, hundreds while its processes are killed, and thousands of simulated
worlds."""

from collections.abc import Iterable

from benchmarks.dialer import seeds
from benchmarks.soak import calls, kills
from mediaserver.figure import Figure

PARTS = (calls, kills, seeds)


def figures(runs: int) -> Iterable[Figure]:
    for part in PARTS:
        yield from part.figures(runs)

"""Figures of live calls: what listeners cost the calls, and what a supervisor's page plays, and when."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from benchmarks.live import house, listeners, page
from mediaserver.figure import Figure

PARTS: tuple[ModuleType, ...] = (listeners, page)


def figures(runs: int) -> Iterable[Figure]:
    """One database for all parts."""
    with tempfile.TemporaryDirectory(prefix="callwright-bench-") as folder, house.opened(Path(folder)) as opened:
        for part in PARTS:
            yield from part.figures(opened, runs)

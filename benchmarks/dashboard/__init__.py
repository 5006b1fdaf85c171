"""The dashboard's figures: a large house on the embedded PostgreSQL, its pages in a real browser."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from benchmarks.dashboard import audio, axe, house, pages, tables
from mediaserver.figure import Figure

PARTS: tuple[ModuleType, ...] = (pages, tables, axe, audio)


def figures(runs: int) -> Iterable[Figure]:
    """One load of the data for all parts."""
    with tempfile.TemporaryDirectory(prefix="callwright-bench-") as folder, house.large(Path(folder)) as large:
        for part in PARTS:
            yield from part.figures(large, runs)

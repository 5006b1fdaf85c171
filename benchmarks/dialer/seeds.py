"""Thousands of simulated worlds with faults (docs/simulation.md): how many ran, and how many promises they broke."""

import time
from collections.abc import Iterable

from mediaserver.figure import Figure
from tests.simulation.runner import run_seeds

SEEDS, PROCESSES = 5000, 2
NAMED_AT_MOST = 10


def figures(_runs: int) -> Iterable[Figure]:
    """Each seed once: the same seed tells the same story every time."""
    began = time.monotonic()
    verdicts = list(run_seeds(range(SEEDS), PROCESSES))
    each_s = (time.monotonic() - began) / len(verdicts)
    failed = sorted(verdict.seed for verdict in verdicts if verdict.violations)
    replay = f"replay with python -m tests.simulation SEED: {', '.join(map(str, failed[:NAMED_AT_MOST]))}" if failed else None
    yield Figure.measured(
        "dialer.simulated_seeds", [len(verdicts)], "seeds", f">= {SEEDS}", f"{each_s:.2f} s a seed in {PROCESSES} processes"
    )
    yield Figure.measured("dialer.simulated_violations", [sum(verdict.violations for verdict in verdicts)], "", "== 0", replay)

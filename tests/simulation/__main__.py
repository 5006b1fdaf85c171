"""`python -m tests.simulation 1234`: one seed with its story. `--seeds 0:5000 --jobs 2`: many. `--fault NAME`: with a planted fault."""

import argparse
import signal
import sys
from collections.abc import Sequence

from tests.simulation.faults import FAULTS
from tests.simulation.runner import judged, opened, run_seeds, server, show_progress, told


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where every promise was kept, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="The dialer in virtual time, by the seed.")
    parser.add_argument("seed", nargs="?", type=int, help="one seed: prints its story and the verdict")
    parser.add_argument("--seeds", metavar="FROM:TO", help="many seeds: stops at the first that breaks a promise")
    parser.add_argument("--jobs", type=int, default=2, help="processes that share them (default: 2)")
    parser.add_argument("--fault", choices=sorted(FAULTS), help="plant this fault in the dialer first (with one seed)")
    options = parser.parse_args(arguments)
    if (options.seed is None) == (options.seeds is None) or (options.fault and options.seed is None):
        parser.error("give one seed, with or without --fault, or --seeds FROM:TO")
    return _one(options.seed, options.fault) if options.seeds is None else _many(options.seeds, options.jobs)


def _one(seed: int, fault: str | None) -> int:
    with server() as url, opened(url) as postgres:
        if fault is None:
            history, violations = judged(seed, postgres)
        else:
            with FAULTS[fault].planted(postgres):
                history, violations = judged(seed, postgres)
    print(told(history, violations))
    return 1 if violations else 0


def _many(seeds: str, jobs: int) -> int:
    first, _, last = seeds.partition(":")
    chosen = range(int(first), int(last))
    failed = show_progress(run_seeds(chosen, jobs), len(chosen))
    if failed is not None:
        print(f"\n{failed.story}")
    return 1 if failed is not None else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the database is taken down with us
    sys.exit(main())

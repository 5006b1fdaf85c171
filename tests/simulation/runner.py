"""Runs seeds: one to look at, or many over several processes; the first that breaks a promise stops the run with its story."""

import asyncio
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from db.embedded import EmbeddedPostgres
from db.migrate import migrate
from tests.simulation.checker import Violation, check
from tests.simulation.history import History
from tests.simulation.postgres import Postgres
from tests.simulation.simulation import simulate

_FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}  # nothing of it outlives the run
_TEMPLATE = "simulated"
_PROGRESS_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a seed. `story`: of one that broke a promise; empty where it kept them all."""

    seed: int
    violations: int
    story: str
    seconds: float


def judged(seed: int, postgres: Postgres) -> tuple[History, Sequence[Violation]]:
    """A seed's history, and every promise that it broke."""
    history = simulate(seed, postgres)
    return history, check(history)


def told(history: History, violations: Sequence[Violation]) -> str:
    """The whole history of a seed with its verdict below it."""
    replay = f"replay it: python -m tests.simulation {history.seed}"
    verdict = (
        [f"{len(violations)} promises broken:", *(f"  {each}" for each in violations), replay] if violations else ["every promise kept"]
    )
    return "\n".join([history.story(), "", *verdict])


@contextmanager
def server() -> Iterator[str]:
    """A PostgreSQL of our own in a temporary folder: the address of a database with the newest schema."""
    with tempfile.TemporaryDirectory(prefix="callwright-simulation-") as folder, asyncio.Runner() as runner:
        postgres = EmbeddedPostgres(Path(folder), _FAST)
        url = runner.run(postgres.start())
        try:
            runner.run(copy_database(url, "template1", _TEMPLATE))
            made = sibling(url, _TEMPLATE)
            runner.run(migrate(made))
            yield made
        finally:
            runner.run(postgres.destroy())


@contextmanager
def opened(url: str) -> Iterator[Postgres]:
    """The database at `url`, ready for simulated worlds."""
    postgres = Postgres(url)
    postgres.open()
    try:
        yield postgres
    finally:
        postgres.close()


def run_seeds(seeds: Sequence[int], jobs: int) -> Iterator[Verdict]:
    """The verdict on each seed, as they come; `jobs` processes share them."""
    context = multiprocessing.get_context("spawn")
    with server() as url, context.Pool(jobs, _begin_worker, (url,)) as pool:
        yield from pool.imap_unordered(_judge, seeds, chunksize=5)


def show_progress(verdicts: Iterable[Verdict], of: int) -> Verdict | None:
    """Read verdicts with a line of progress; the first that broke a promise, None where all kept theirs."""
    began = shown = time.monotonic()
    for count, verdict in enumerate(verdicts, start=1):
        if verdict.violations:
            return verdict
        if count == of or time.monotonic() - shown > _PROGRESS_EVERY_S:
            shown = time.monotonic()
            print(f"\r{count} of {of} seeds, {(shown - began) / count:.2f} s each, 0 violations", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return None


_worker: Postgres | None = None


def _begin_worker(url: str) -> None:
    global _worker  # a pool's worker has no other place for what it keeps between its tasks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    name = f"simulated_{os.getpid()}"
    asyncio.run(copy_database(url, _TEMPLATE, name))
    _worker = Postgres(sibling(url, name))
    _worker.open()


def _judge(seed: int) -> Verdict:
    assert _worker is not None
    began = time.monotonic()
    history, violations = judged(seed, _worker)
    return Verdict(seed, len(violations), told(history, violations) if violations else "", time.monotonic() - began)


async def copy_database(url: str, template: str, name: str) -> None:
    """A new database on the server of `url`, as `template` is."""
    connection = await asyncpg.connect(sibling(url, "postgres"))
    try:
        await connection.execute(f"create database {name} template {template} strategy file_copy")
    finally:
        await connection.close()


def sibling(url: str, name: str) -> str:
    """Another database of the same server."""
    return f"{url.rpartition('/')[0]}/{name}"

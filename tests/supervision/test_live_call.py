"""Supervisors see a call as it is, one at a time may take it over, and none of them can harm it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from agent_runtime.calls import Speaker
from agent_runtime.supervision import AgentState, Caption, NextStep, NotPossible
from mediaserver.supervision.live_call import LiveCall
from mediaserver.supervision.protocol import (
    CaptionTold,
    HeldTold,
    ListenersTold,
    NextTold,
    NoteTold,
    OverTold,
    StateTold,
    Told,
)
from mediaserver.supervision.tone import TONE
from mediaserver.switch import mulaw
from mediaserver.switch.switch import Switch
from mediaserver.switch.voice import SpeechModel
from tests.supervision.conversations import FACTS, Conversation, joined
from tests.supervision.pages import Pages, audio_next, serving, told_next
from tests.switch.line import Line, hand_driven, silence, speech, tone


@dataclass
class House:
    """A call with its line, and pages that can join it."""

    switch: Switch
    line: Line
    conversation: Conversation
    pages: Pages
    noted: list[NoteTold] = field(default_factory=list)

    def call(self, *, began: bool = True, tone_every_s: float = 0.0, give_back_after_s: float = 60.0) -> LiveCall:
        call = LiveCall(
            7,
            self.line.leg,
            self.switch,
            FACTS,
            tone_every_s=tone_every_s,
            give_back_after_s=give_back_after_s,
            noted=self.noted.append,
        )
        if began:
            call.began(self.conversation)
        return call


@pytest.fixture
async def house(model: SpeechModel) -> AsyncIterator[House]:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    async with serving() as pages:
        yield House(switch, line, Conversation(line.leg), pages)
    await switch.stop()


def agent_says(call: LiveCall, turn: int, text: str, *, final: bool = True) -> None:
    call.caption(Caption(turn, Speaker.AGENT, text, 0, final))


def callee_says(call: LiveCall, turn: int, text: str, *, final: bool = True) -> None:
    call.caption(Caption(turn, Speaker.CALLEE, text, 0, final))


async def test_a_page_is_welcomed_with_all_that_was_told(house: House) -> None:
    call = house.call()
    agent_says(call, 0, "Hello,", final=False)
    callee_says(call, 2, "hm", final=False)
    callee_says(call, 1, "Yes?")
    agent_says(call, 0, "Hello, this is Ada.")
    callee_says(call, 2, "", final=True)
    call.state_is(AgentState.THINKING)
    call.next_is(NextStep("offer", "Shall I book it?", (("yes", "book"),)))
    call.mark("Bo", "listen to this")
    async with joined(house.pages, call, "name=Cleo") as (connection, _):
        call.take_over("Cleo", connection)
        welcome = call.welcome("mine", "Ada", ["listen"])
    assert welcome.captions == [CaptionTold(0, "agent", "Hello, this is Ada.", 0, True), CaptionTold(1, "callee", "Yes?", 0, True)]
    assert (welcome.connection, welcome.name, welcome.may, welcome.call) == ("mine", "Ada", ["listen"], FACTS)
    assert (welcome.state, welcome.next) == ("thinking", NextTold("offer", "Shall I book it?", [("yes", "book")]))
    assert (welcome.held, welcome.listeners) == (HeldTold("Cleo", connection), ["Cleo"])
    assert [(note.kind, note.by, note.text) for note in welcome.notes] == [("mark", "Bo", "listen to this"), ("take_over", "Cleo", "")]


async def test_pages_are_told_what_happens_and_who_is_there(house: House) -> None:
    call = house.call()
    assert not call.reading
    async with joined(house.pages, call) as (_, page), joined(house.pages, call, "name=Bo") as (_, other):
        assert call.reading
        assert (await told_next(page, ListenersTold)).names == ["Ada"]
        assert (await told_next(page, ListenersTold)).names == ["Ada", "Bo"]
        callee_says(call, 4, "Who is", final=False)
        call.state_is(AgentState.LISTENING)
        call.next_is(NextStep("", "to book a meeting"))
        for each in (page, other):
            assert await told_next(each, CaptionTold) == CaptionTold(4, "callee", "Who is", 0, False)
            assert (await told_next(each, StateTold)).state == "listening"
            assert (await told_next(each, NextTold)).asks == "to book a meeting"
    assert not call.reading


async def test_both_sides_are_given_out_while_somebody_listens_and_nothing_else_runs(house: House) -> None:
    call = house.call()
    house.line.says(speech())
    house.line.run(500, call.feed)
    assert not call.heard
    async with joined(house.pages, call, "audio") as (_, page), joined(house.pages, call, "") as (_, reader):
        assert call.heard
        house.line.leg.play(tone(1000, 440).tobytes())
        house.line.run(500, call.feed)
        pieces = [await audio_next(page) for _ in range(10)]
        assert [at for at, _, _ in pieces] == list(range(4000, 4000 + 10 * 320, 320))
        assert b"".join(callee for _, callee, _ in pieces) == mulaw.encode(speech().tobytes())[4000:7200]
        assert b"".join(agent for _, _, agent in pieces) == mulaw.encode(tone(1000, 440).tobytes())[:3200]
        call.state_is(AgentState.THINKING)
        assert (await told_next(reader, StateTold)).state == "thinking"
    assert not call.heard


async def test_a_page_may_turn_the_audio_off_and_on(house: House) -> None:
    call = house.call()
    async with house.pages.page("audio") as (listener, _):
        call.join(listener)
        call.listen(listener, False)
        assert not call.heard
        call.listen(listener, True)
        assert call.heard
        call.leave(listener)
        assert not call.heard


async def test_who_takes_over_is_heard_by_the_callee_and_by_the_conversation(house: House) -> None:
    call = house.call()
    voice = mulaw.encode(speech().tobytes())
    async with joined(house.pages, call) as (connection, page), joined(house.pages, call, "name=Bo") as (other, _):
        call.microphone(connection, voice[:160])
        assert house.line.leg.queued_up_to() == 0
        call.take_over("Ada", connection)
        assert (await told_next(page, HeldTold)) == HeldTold("Ada", connection)
        assert (await told_next(page, NoteTold)).kind == "take_over"
        said = iter(range(0, len(voice) - 160, 160))

        def speak() -> None:
            at = next(said, None)
            if at is not None:
                call.microphone(connection, voice[at : at + 160])
                call.microphone(other, bytes(160))

        house.line.run(3500, speak)
        assert mulaw.encode(mulaw.decode(voice[:16000]).tobytes()) in house.line.carrier.played
        assert house.conversation.ear.kinds("heard")[0] == "voice_started"
        assert house.switch.counters.legs == 2
        assert call.status().held_by == "Ada"
        call.give_back("Ada")
        assert (await told_next(page, HeldTold)) == HeldTold(None, None)
        assert (await told_next(page, NoteTold)).kind == "give_back"
    assert house.conversation.given_back.is_set()
    assert house.conversation.ear.kinds("heard")[-1] == "line_closed"
    assert house.switch.counters.legs == 1
    assert house.conversation.taken_by == ["Ada"]


async def test_one_supervisor_at_a_time_has_the_call(house: House) -> None:
    call = house.call()
    async with joined(house.pages, call) as (connection, _), joined(house.pages, call, "name=Bo") as (other, _):
        with pytest.raises(NotPossible, match="not connected"):
            call.take_over("Ada", "a connection of yesterday")
        with pytest.raises(NotPossible, match="the agent has the call already"):
            call.give_back("Ada")
        call.take_over("Ada", connection)
        for forbidden in (lambda: call.take_over("Bo", other), lambda: call.give_back("Bo")):
            with pytest.raises(NotPossible, match="Ada has taken the call over"):
                forbidden()
        call.give_back("Ada")
        call.take_over("Bo", other)
        assert call.status().held_by == "Bo"


async def test_a_call_whose_supervisor_is_lost_goes_back_to_its_agent(house: House) -> None:
    call = house.call(give_back_after_s=0.0)
    async with joined(house.pages, call, "name=Bo") as (_, page):
        async with joined(house.pages, call) as (connection, _):
            call.take_over("Ada", connection)
        assert await told_next(page, HeldTold) == HeldTold("Ada", connection)
        assert await told_next(page, HeldTold) == HeldTold("Ada", None)
        assert await told_next(page, HeldTold) == HeldTold(None, None)
        await house.conversation.given_back.wait()
        assert call.status().held_by is None
    assert [note.kind for note in house.noted] == ["take_over", "give_back"]


async def test_who_comes_back_soon_still_has_the_call(house: House) -> None:
    call = house.call(give_back_after_s=0.0)
    async with joined(house.pages, call) as (connection, _), joined(house.pages, call) as (again, page):
        call.take_over("Ada", connection)
        call.connection_lost(connection)
        call.take_over("Ada", again)
        call.connection_lost(connection)
        call.mark("Ada", "back")
        assert (await told_next(page, NoteTold)).kind == "take_over"
        assert (await told_next(page, NoteTold)).kind == "mark"
        assert call.status().held_by == "Ada"
        assert not house.conversation.given_back.is_set()
        assert house.conversation.taken_by == ["Ada"]
        call.microphone(connection, bytes(160))
        assert house.line.leg.queued_up_to() == 0
        call.microphone(again, bytes(160))
        assert house.line.leg.queued_up_to() == 160


async def test_what_supervisors_do_is_told_to_all_and_passed_on(house: House) -> None:
    call = house.call()
    async with joined(house.pages, call) as (_, page):
        house.line.run(2000)
        assert await call.whisper("Ada", "offer Tuesday") == "goes to: offer"
        call.hang_up("Ada")
        assert call.mark("Ada", "here") == 2000
        assert call.mark("Ada", "earlier", 500) == 500
        assert call.mark("Ada", "not yet", 99_000) == 2000
        expected = [
            NoteTold("whisper", "Ada", 2000, "offer Tuesday", "goes to: offer"),
            NoteTold("hang_up", "Ada", 2000),
            NoteTold("mark", "Ada", 2000, "here"),
            NoteTold("mark", "Ada", 500, "earlier"),
            NoteTold("mark", "Ada", 2000, "not yet"),
        ]
        assert [await told_next(page, NoteTold) for _ in expected] == expected
    assert house.noted == expected
    assert (house.conversation.whispered, house.conversation.hung_up_by) == (["offer Tuesday"], ["Ada"])
    with pytest.raises(NotPossible, match="no step"):
        await call.whisper("Ada", "sing")
    assert house.noted == expected


async def test_what_is_not_possible_is_said_in_words(house: House) -> None:
    early = house.call(began=False)
    over = house.call()
    over.state_is(AgentState.OVER)
    closed = house.call()
    closed.close()
    for call, why in ((early, "only just begun"), (over, "the call is over"), (closed, "the call is over")):
        for ask in (
            lambda call=call: call.hang_up("Ada"),
            lambda call=call: call.take_over("Ada", "x"),
            lambda call=call: call.give_back("Ada"),
        ):
            with pytest.raises(NotPossible, match=why):
                ask()
        with pytest.raises(NotPossible, match=why):
            await call.whisper("Ada", "hurry")
    with pytest.raises(NotPossible, match="over"):
        closed.mark("Ada", "too late")


async def test_when_the_call_is_over_pages_are_told_and_closed(house: House) -> None:
    call = house.call()
    async with joined(house.pages, call, "audio&name=Ada") as (connection, page):
        call.take_over("Ada", connection)
        call.close()
        call.close()
        assert await told_next(page, OverTold) == OverTold("")
        await page.wait_closed()
        assert page.close_code == 1000
        assert not call.reading
        assert not call.heard
        assert house.switch.counters.legs == 1
        async with joined(house.pages, call, "audio") as (_, late):
            assert await told_next(late, OverTold) == OverTold("")


async def test_a_page_that_fails_is_let_go_and_the_others_go_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    call = house.call()

    def fails(_what: Told | bytes) -> None:
        raise RuntimeError("a fault of the page's")

    async with joined(house.pages, call, "audio") as (_, page), house.pages.page("audio&name=Bo") as (bad, _):
        monkeypatch.setattr(bad, "offer", fails)
        call.join(bad)
        house.line.run(200, call.feed)
        assert (await audio_next(page))[0] == 0
        assert bad.closed  # not left alone with a page that says it is live
    async with joined(house.pages, call, "audio") as (_, page), house.pages.page("audio&name=Bo") as (bad, _):
        monkeypatch.setattr(bad, "tell", fails)
        call.join(bad)
        call.state_is(AgentState.ENDING)
        assert (await told_next(page, StateTold)).state == "ending"
        assert call.status().listeners == 1
        assert bad.closed


async def test_a_call_whose_supervisors_page_fails_goes_back_to_its_agent(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    call = house.call(give_back_after_s=0.0)

    def fails(_what: Told) -> None:
        raise RuntimeError("a fault of the page's")

    async with house.pages.page("name=Ada") as (bad, _):
        call.join(bad)
        call.take_over("Ada", bad.connection)
        monkeypatch.setattr(bad, "tell", fails)
        call.state_is(AgentState.AWAY)
        await house.conversation.given_back.wait()
        call.leave(bad)
    assert call.status().held_by is None


async def test_who_may_not_be_here_any_more_loses_the_call_at_once(house: House) -> None:
    call = house.call(give_back_after_s=60.0)
    async with house.pages.page("name=Ada") as (listener, _), joined(house.pages, call, "name=Bo") as (other, page):
        call.join(listener)
        call.take_over("Ada", listener.connection)
        call.dismiss(listener)
        assert house.conversation.given_back.is_set()
        call.microphone(listener.connection, bytes(160))
        assert house.line.leg.queued_up_to() == 0
        assert await told_next(page, HeldTold) == HeldTold("Ada", listener.connection)
        assert await told_next(page, HeldTold) == HeldTold(None, None)
        call.take_over("Bo", other)
        call.dismiss(listener)  # and again: it is Bo's call now
        assert call.status().held_by == "Bo"
    assert [note.kind for note in house.noted] == ["take_over", "give_back", "take_over"]


async def test_where_a_microphone_can_not_be_heard_the_agent_keeps_the_call(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    call = house.call()

    def fails(*_: object) -> None:
        raise RuntimeError("no room for another leg")

    async with joined(house.pages, call) as (connection, _):
        monkeypatch.setattr(house.switch, "add", fails)
        with pytest.raises(RuntimeError, match="no room"):
            call.take_over("Ada", connection)
        assert (call.status().held_by, house.conversation.taken_by) == (None, [])


async def test_a_takeover_that_the_conversation_refuses_leaves_no_leg_behind(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    call = house.call()

    def over(_by: str) -> None:
        raise NotPossible("the call is over")

    async with joined(house.pages, call) as (connection, _):
        monkeypatch.setattr(house.conversation, "take_over", over)
        with pytest.raises(NotPossible, match="over"):
            call.take_over("Ada", connection)
        assert house.switch.counters.legs == 1
        assert call.status().held_by is None


async def test_the_board_is_told_what_the_call_is_like(house: House) -> None:
    call = house.call()
    house.line.says(silence(60_000))
    status = call.status()
    assert (status.line_speaker, status.line_text, status.line_final, status.quiet_since, status.sentiment) == (None, "", True, None, None)
    agent_says(call, 0, "This is a wonderful, great day!")
    call.next_is(NextStep("offer", "Shall I?"))
    assert (call.status().step, call.status().sentiment) == ("offer", None)
    callee_says(call, 1, "This is horrible, I hate", final=False)
    assert (call.status().line_text, call.status().line_final) == ("This is horrible, I hate", False)
    assert call.status().sentiment is None
    callee_says(call, 1, "This is horrible, I hate it")
    assert (call.status().sentiment or 0.0) < -0.4
    assert call.status().quiet_since is None
    house.line.run(31_000)
    status = call.status()
    assert status.quiet_since is not None
    assert status.stuck == "nobody has spoken for 30 s"
    house.line.leg.play(tone(5000, 440).tobytes())
    house.line.run(1000)
    status = call.status()
    assert (status.quiet_since, status.stuck) == (None, "")
    callee_says(call, 1, "")
    assert call.status().sentiment is None
    assert call.status().line_speaker == "agent"


async def test_a_call_without_audio_from_the_callee_or_an_answer_is_stuck(house: House) -> None:
    call = house.call()
    house.line.says(silence(7_000))
    call.state_is(AgentState.THINKING)
    house.line.run(6_500)
    assert call.status().stuck == "the agent has been thinking for more than 6 s"
    call.state_is(AgentState.LISTENING)
    assert call.status().stuck == ""
    house.line.run(6_000)
    assert call.status().stuck == "no audio comes from the callee's line"


def tones_heard(line: Line) -> int:
    return bytes(line.carrier.played).count(TONE[400:1200])


async def test_the_callee_hears_that_somebody_listens(house: House) -> None:
    call = house.call(tone_every_s=10)
    house.line.run(1000, call.feed)
    assert tones_heard(house.line) == 0
    async with joined(house.pages, call, "audio") as (_, page):
        house.line.run(500, call.feed)
        assert tones_heard(house.line) == 1
        heard = b"".join([(await audio_next(page))[2] for _ in range(8)])
        assert TONE[400:1200] in heard
        house.line.run(9000, call.feed)
        assert tones_heard(house.line) == 1
        house.line.run(1000, call.feed)
        assert tones_heard(house.line) == 2
        assert house.line.leg.queued_up_to() == 0
    house.line.run(15_000, call.feed)
    assert tones_heard(house.line) == 2


async def test_the_tone_waits_until_nobody_speaks(house: House) -> None:
    call = house.call(tone_every_s=10)
    async with joined(house.pages, call, "audio"):
        call.state_is(AgentState.SPEAKING)
        house.line.run(200, call.feed)
        call.state_is(AgentState.LISTENING)
        spoken = tone(1000, 440)
        house.line.leg.play(spoken.tobytes())
        house.line.run(900, call.feed)
        assert tones_heard(house.line) == 0
        house.line.run(500, call.feed)
        assert tones_heard(house.line) == 1
    assert mulaw.encode(spoken.tobytes()) in house.line.carrier.played
    assert house.line.leg.heard_up_to() == len(spoken)


async def test_no_tone_where_none_is_wanted(house: House) -> None:
    call = house.call()
    async with joined(house.pages, call, "audio"):
        house.line.run(2000, call.feed)
    assert tones_heard(house.line) == 0

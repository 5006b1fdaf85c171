"""One leg's faults stay its own; the clock goes on; what a call took is given back."""

import asyncio
import gc
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from mediaserver.switch import mulaw
from mediaserver.switch.garbage import CALLS, Garbage
from mediaserver.switch.switch import Switch
from mediaserver.switch.voice import SpeechModel
from tests.switch.line import Line, PlainCodec, Told, hand_driven, silence, speech, tone

AUDIO = tone(1000, 440).tobytes()


class Faulty(Told):
    """A conversation that fails when the callee speaks."""

    def voice_started(self, at_ms: int, pre_roll: bytes) -> None:
        raise ValueError("a fault of the conversation")


def test_a_listener_that_fails_ends_its_own_leg_only(model: SpeechModel, caplog: pytest.LogCaptureFixture) -> None:
    switch, clock = hand_driven(model)
    bad, good = Line(switch, clock), Line(switch, clock)
    faulty = Faulty()
    bad.leg.listen(faulty)
    good.leg.listen(good.told)
    bad.says(silence(500), speech())
    good.says(silence(500), speech())
    good.leg.play(AUDIO)
    bad.run(4000)
    good.run(4000)
    assert bad.leg.closed
    assert faulty.kinds() == ["line_closed"]
    assert not good.leg.closed
    assert good.leg.heard_up_to() == 8000
    assert "voice_started" in good.told.kinds()
    assert "a fault of the conversation" in caplog.text


def test_a_socket_that_fails_ends_its_own_leg(model: SpeechModel) -> None:
    switch, _ = hand_driven(model)

    def broken(text: str) -> None:
        raise ConnectionResetError("the peer is gone")

    leg = switch.add(PlainCodec(), broken)
    told = Told()
    leg.listen(told)
    assert leg.play(AUDIO) == 0
    assert leg.closed
    assert told.kinds() == ["line_closed"]


def test_a_tap_that_fails_is_taken_off_and_the_call_goes_on(model: SpeechModel) -> None:
    class Tap:
        def __init__(self, *, fails: bool) -> None:
            self.fails, self.told = fails, []

        def callee(self, at: int, mulaw: bytes) -> None:
            self.told.append(("callee", at, len(mulaw)))
            if self.fails:
                raise ValueError("a fault of the tap")

        def agent(self, at: int, mulaw: bytes) -> None:
            self.told.append(("agent", at, len(mulaw)))

        def agent_cut(self, at: int) -> None:
            self.told.append(("cut", at))

        def ended(self, at: int) -> None:
            self.told.append(("ended", at))

    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    bad, good, gone = Tap(fails=True), Tap(fails=False), Tap(fails=False)
    for tap in (bad, good, gone):
        line.leg.add_tap(tap)
    line.leg.remove_tap(gone)
    line.leg.remove_tap(gone)
    line.says(speech())
    line.run(40)
    line.leg.play(AUDIO)
    line.run(200)
    line.leg.cut()
    line.leg.close()
    assert gone.told == []
    assert bad.told == [("callee", 0, 160)]
    assert good.told[:3] == [("callee", 0, 160), ("callee", 160, 160), ("agent", 320, 800)]
    assert good.told[-2:] == [("cut", 240 * 8), ("ended", 240 * 8)]


def test_a_leg_has_one_listener(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.listen(line.told)
    with pytest.raises(RuntimeError, match="one conversation for each leg"):
        line.leg.listen(Told())


def test_a_listener_that_fails_while_its_leg_closes_is_told_of_the_end(model: SpeechModel) -> None:
    class FailsWhenHeard(Told):
        def heard(self, offset: int) -> None:
            raise ValueError("a fault of the conversation")

    switch, clock = hand_driven(model)
    line, told = Line(switch, clock), FailsWhenHeard()
    line.leg.listen(told)
    line.leg.play(AUDIO)
    clock.ms += 40
    line.leg.close()
    assert told.kinds() == ["line_closed"]
    assert Line(switch, clock).leg.row != Line(switch, clock).leg.row


def test_closing_is_told_once_and_nothing_after_it(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.listen(line.told)
    line.leg.play(AUDIO)
    line.says(silence(200), speech())
    line.run(400)
    line.leg.close()
    line.leg.close()
    line.leg.digit("1")
    line.run(3000)
    assert line.told.kinds().count("line_closed") == 1
    assert line.told.kinds()[-1] == "line_closed"
    assert switch.counters.legs == 0


def test_a_leg_that_another_legs_listener_closes_in_mid_tick_is_left_alone(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    lines = [Line(switch, clock) for _ in range(3)]

    class Closer(Told):
        def voice_started(self, at_ms: int, pre_roll: bytes) -> None:
            for line in lines:
                line.leg.close()

    closers = [Closer() for _ in lines]
    for line, closer in zip(lines, closers, strict=True):
        line.leg.listen(closer)
        line.says(silence(100), speech())
    for _ in range(100):
        clock.ms += 20
        for line in lines:
            frame, line._to_say = line._to_say[:160], line._to_say[160:]
            line.leg.audio_received(frame)
        switch.tick()
    assert [closer.kinds() for closer in closers] == [["line_closed"]] * 3


def test_rows_of_the_model_are_used_again(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    lines = [Line(switch, clock) for _ in range(40)]
    rows = {line.leg.row for line in lines}
    assert len(rows) == 40
    for line in lines:
        line.leg.close()
    assert {Line(switch, clock).leg.row for _ in range(40)} == rows


async def test_without_a_start_there_is_no_leg() -> None:
    with pytest.raises(RuntimeError, match="await start"):
        Switch().add(PlainCodec(), print)


def own_threads() -> set[str]:
    """Names of all threads but those that the event loop keeps for itself."""
    return {thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}


async def test_a_call_on_the_real_clock(tmp_path: Path) -> None:
    """Audio flows in both directions on an event loop, and everything is gone afterwards."""
    tasks, threads = asyncio.all_tasks(), own_threads()
    switch = Switch()
    await switch.start()
    await switch.start()
    heard_all, spoke = asyncio.Event(), asyncio.Event()

    class Conversation(Told):
        def heard(self, offset: int) -> None:
            if offset == 8000:
                heard_all.set()

        def voice_started(self, at_ms: int, pre_roll: bytes) -> None:
            spoke.set()

    sent: list[str] = []
    leg = switch.add(PlainCodec(), sent.append, record_to=tmp_path / "1.wav")
    assert own_threads() > threads
    leg.listen(Conversation())
    leg.play(AUDIO)
    said = mulaw.encode(np.concatenate([silence(1000), speech()]).tobytes())
    leg.audio_received(said)
    await asyncio.gather(heard_all.wait(), spoke.wait())
    assert b"".join(bytes.fromhex(text[6:]) for text in sent if text.startswith("media ")) == mulaw.encode(AUDIO)
    await switch.stop()
    await switch.stop()
    assert leg.closed
    assert (tmp_path / "1.wav").stat().st_size > 16_000
    assert asyncio.all_tasks() == tasks
    assert own_threads() == threads


def test_500_short_calls_leave_nothing_behind(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)

    def short_call() -> None:
        line = Line(switch, clock)
        line.leg.listen(line.told)
        line.says(silence(40))
        line.leg.play(AUDIO)
        line.run(100)
        line.leg.close()

    short_call()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(500):
        short_call()
    gc.collect()
    assert len(gc.get_objects()) - before < 50
    assert switch.counters.legs == 0


def test_the_garbage_of_ended_calls_is_collected_while_others_go_on(model: SpeechModel) -> None:
    class Cycle:
        def __init__(self) -> None:
            self.me = self

    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    gc.disable()
    try:
        cycle = weakref.ref(Cycle())
        for _ in range(CALLS):
            assert cycle() is not None
            line.run(20)
            Line(switch, clock).leg.close()
        line.run(20)
    finally:
        gc.enable()
    assert cycle() is None


@pytest.mark.parametrize(
    ("ended", "live", "idle_s", "due"),
    [(0, 0, 60, False), (1, 0, 4.9, False), (1, 0, 5, True), (1, 1, 60, False), (49, 9, 60, False), (50, 9, 0, True)],
)
def test_when_garbage_is_due(ended: int, live: int, idle_s: float, due: bool) -> None:
    garbage = Garbage()
    for _ in range(ended):
        garbage.call_ended(100.0)
    assert garbage.due(live, 100.0 + idle_s) is due

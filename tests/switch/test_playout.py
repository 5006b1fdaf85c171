"""How far the callee has heard us is never overstated, and what is played arrives without a hole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.switch import mulaw
from mediaserver.switch.playout import PIECE, Lateness, Playout
from mediaserver.switch.switch import Switch
from mediaserver.switch.voice import SpeechModel
from tests.switch.line import HandClock, Line, hand_driven, tone

AUDIO = tone(3000, 440)


def test_the_first_piece_goes_out_at_once_and_the_line_is_filled_ahead(model: SpeechModel) -> None:
    switch, clock = hand_driven(model, ahead_ms=300)
    line = Line(switch, clock)
    assert line.leg.play(AUDIO.tobytes()) == len(AUDIO) == line.leg.queued_up_to()
    assert len(line.carrier.messages("media")) == 3


def test_what_is_played_is_heard_whole_and_without_a_hole(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.listen(line.told)
    line.leg.play(AUDIO.tobytes())
    line.run(3200)
    assert bytes(line.carrier.played[: len(AUDIO)]) == mulaw.encode(AUDIO.tobytes())
    assert line.leg.heard_up_to() == line.told.events[-1][1] == len(AUDIO)
    assert switch.counters.late.messages == 0


def test_a_stall_of_250_ms_is_not_heard(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.play(AUDIO.tobytes())
    line.run(1010)
    for _ in range(3):
        line.run(260, ticking=False)
        line.run(200)
    line.run(1500)
    assert bytes(line.carrier.played[: len(AUDIO)]) == mulaw.encode(AUDIO.tobytes())
    assert switch.counters.late.messages == 0


def test_audio_that_comes_after_the_line_ran_dry_is_counted_as_late(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.play(AUDIO.tobytes())
    line.run(1000, ticking=False)
    line.run(20)
    assert switch.counters.late.messages == 1
    assert switch.counters.late.worst_ms == 1020 - 300


def test_a_pause_of_the_voice_engine_is_not_late(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.play(AUDIO[:4000].tobytes())
    line.run(800)
    line.leg.play(AUDIO[4000:8000].tobytes())
    line.run(800)
    assert switch.counters.late.messages == 0
    assert line.leg.heard_up_to() == 8000


def test_a_clock_that_moves_while_audio_is_handed_over_makes_nothing_late(model: SpeechModel) -> None:
    class MovingClock(HandClock):
        def __call__(self) -> float:
            self.ms += 1
            return super().__call__()

    clock = MovingClock()
    switch = Switch(clock=clock, model=model)
    line = Line(switch, clock)
    for _ in range(5):
        line.leg.play(AUDIO[:800].tobytes())
        line.run(500)
    assert switch.counters.late.messages == 0


def test_marks_come_every_200_ms_and_at_the_end(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.play(AUDIO[:4400].tobytes())
    line.run(1000)
    assert line.carrier.messages("mark") == ["mark 0:1600", "mark 0:3200", "mark 0:4400"]


def test_a_cut_clears_the_line_and_keeps_only_what_was_heard(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.listen(line.told)
    line.leg.play(AUDIO.tobytes())
    line.run(1000)
    heard = line.leg.cut()
    assert heard == 8000
    assert line.carrier.sent[-1] == "clear"
    assert line.leg.queued_up_to() == heard
    line.run(500)
    assert line.leg.heard_up_to() == heard
    assert set(line.carrier.played[heard:]) == {mulaw.SILENCE}


def test_marks_that_a_clear_returns_prove_nothing(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.play(AUDIO.tobytes())
    line.run(500)
    heard = line.leg.cut()
    line.leg.play(AUDIO[:4000].tobytes())
    for stale in ("0:1600", "0:24000", "1:99999", "1:", "", "nonsense", "1:-5"):
        line.leg.mark_reached(stale)
    assert line.leg.heard_up_to() == heard
    line.run(700)
    assert line.leg.heard_up_to() == heard + 4000


def test_a_cut_on_a_silent_line_sends_nothing(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    assert line.leg.cut() == 0
    assert line.carrier.sent == []


def test_a_line_with_delay_is_heard_later_by_that_delay(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock, delay_ms=160)
    line.leg.play(AUDIO.tobytes())
    line.run(1000)
    assert line.leg.heard_up_to() == 8000 - 160 * 8
    line.run(3000)
    assert line.leg.heard_up_to() == len(AUDIO)


def test_without_answers_to_marks_the_clock_alone_counts(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock, answers_marks=False)
    line.leg.play(AUDIO.tobytes())
    line.run(1000)
    assert line.leg.heard_up_to() == 8000
    line.run(2200)
    assert line.leg.heard_up_to() == len(AUDIO)


def test_audio_for_a_closed_line_is_dropped(model: SpeechModel) -> None:
    switch, clock = hand_driven(model)
    line = Line(switch, clock)
    line.leg.play(AUDIO.tobytes())
    line.run(500)
    line.leg.close()
    sent = list(line.carrier.sent)
    assert line.leg.play(AUDIO.tobytes()) == line.leg.heard_up_to() == 4000
    line.run(500)
    assert line.carrier.sent == sent


STEPS = st.one_of(
    st.tuples(st.just("play"), st.integers(1, 6000)),
    st.tuples(st.just("pass"), st.integers(1, 8000)),
    st.tuples(st.just("cut"), st.just(0)),
    st.tuples(st.just("mark"), st.integers(0, 7)),
)


@given(st.lists(STEPS, max_size=60))
def test_heard_never_goes_back_nor_beyond_what_was_sent_and_a_cut_freezes_it(steps: list[tuple[str, int]]) -> None:
    playout, now, heard, marks = Playout(300, Lateness()), 0, 0, ["0:1"]
    given_out = 0
    for step, size in steps:
        match step:
            case "play":
                playout.play(bytes(size), now)
            case "pass":
                now += size
            case "mark":
                playout.mark_reached(marks[-1 - size % len(marks)], now)
            case "cut":
                playout.cut(now)
                given_out = playout.heard(now)
                assert playout.queued == playout.sent == given_out
        pieces = playout.due(now)
        assert all(0 < len(piece.mulaw) <= PIECE for piece in pieces)
        given_out += sum(len(piece.mulaw) for piece in pieces)
        marks += [piece.mark for piece in pieces if piece.mark]
        assert playout.sent == given_out
        assert heard <= playout.heard(now) <= playout.sent <= playout.queued
        heard = playout.heard(now)


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=30), st.integers(100, 400))
def test_all_that_is_played_goes_out_in_order_and_is_heard(sizes: list[int], ahead_ms: int) -> None:
    late = Lateness()
    playout, audio, sent, now = Playout(ahead_ms, late), np.random.default_rng(len(sizes)), b"", 0
    whole = b""
    for size in sizes:
        chunk = audio.bytes(size)
        whole += chunk
        playout.play(chunk, now)
        sent += b"".join(piece.mulaw for piece in playout.due(now))
        now += 160
    while not playout.done:
        sent += b"".join(piece.mulaw for piece in playout.due(now))
        playout.heard(now)
        now += 160
    assert sent == whole
    assert late.messages == 0

"""The life of a call on the network, as our side is told of it."""

from collections import Counter
from pathlib import Path

import pytest

from agent_runtime.engines import EngineUnavailable, Spoken
from mediaserver.carriers.simulated.callbacks import draw_way
from mediaserver.carriers.simulated.calls import Call, Order
from mediaserver.carriers.simulated.directory import Directory
from mediaserver.carriers.simulated.journal import read
from mediaserver.carriers.simulated.settings import NetworkSettings
from mediaserver.carriers.simulated.speech import Tones
from mediaserver.carriers.simulated.story import chance_of, draw_fortune
from tests.simulated.conftest import SetStage
from tests.simulated.our_side import (
    QUICK,
    TO_AGREES,
    TO_BUSY,
    TO_NO_ANSWER,
    TO_SILENT,
    TO_UNREACHABLE,
    Stream,
)


async def test_every_request_of_an_answered_call_is_signed_and_numbered(stage: SetStage) -> None:
    at = await stage()
    sid = await at.api.call(TO_AGREES)
    await at.ours.until(lambda ours: bool(ours.streams))
    await at.api.hang_up(sid)
    journal = await at.curtain()
    callbacks = sorted(at.ours.callbacks, key=lambda each: int(each.fields["SequenceNumber"]))
    assert [each.fields["CallStatus"] for each in callbacks] == ["initiated", "ringing", "in-progress", "completed"]
    assert [each.fields["SequenceNumber"] for each in callbacks] == ["0", "1", "2", "3"]
    assert {each.fields["CallbackSource"] for each in callbacks} == {"call-progress-events"}
    assert all(each.signed for each in [*callbacks, *at.ours.fetched])
    assert at.ours.streams[0].signed
    assert int(callbacks[-1].fields["CallDuration"]) >= 1
    assert {each.fields["CallSid"] for each in [*callbacks, *at.ours.fetched]} == {sid}
    assert (journal.status, journal.ended_by, journal.stop) == ("completed", "api", "before")
    assert (await at.api.show(sid))["status"] == "completed"


@pytest.mark.parametrize(
    ("to", "status", "sip_code"), [(TO_BUSY, "busy", "486"), (TO_UNREACHABLE, "failed", "503"), (TO_NO_ANSWER, "no-answer", "487")]
)
async def test_a_call_that_nobody_answers_ends_as_the_carrier_says(stage: SetStage, to: str, status: str, sip_code: str) -> None:
    at = await stage()
    sid = await at.api.call(to, Timeout="1")
    await at.curtain()
    last = max(at.ours.callbacks, key=lambda each: int(each.fields["SequenceNumber"])).fields
    assert (last["CallStatus"], last["SipResponseCode"], last["CallDuration"]) == (status, sip_code, "0")
    assert (await at.api.show(sid))["status"] == status
    assert not at.ours.fetched


async def test_a_number_that_rings_too_long_is_no_answer(stage: SetStage) -> None:
    at = await stage(ring_ms=60_000)
    await at.api.call(TO_AGREES, Timeout="1")
    assert (await at.curtain()).status == "no-answer"


async def test_what_is_over_the_calls_per_second_waits_and_can_be_cancelled(stage: SetStage) -> None:
    at = await stage(calls_per_second=0.001)
    first, second = await at.api.call(TO_SILENT), await at.api.call(TO_AGREES)
    await at.ours.until(lambda ours: bool(ours.streams))
    assert (await at.api.show(second))["status"] == "queued"
    await at.api.hang_up(second, "canceled")
    await at.ours.until(lambda ours: "canceled" in ours.events())
    told = [each.fields for each in at.ours.callbacks if each.fields["CallSid"] == second]
    assert [(each["CallStatus"], each["SequenceNumber"]) for each in told] == [("canceled", "0")]
    assert (await at.api.show(first))["status"] == "in-progress"


async def test_a_ringing_call_is_cancelled_and_an_answered_one_is_not(stage: SetStage) -> None:
    at = await stage()
    ringing, answered = await at.api.call(TO_NO_ANSWER), await at.api.call(TO_SILENT)
    await at.ours.until(lambda ours: bool(ours.streams) and "ringing" in ours.events())
    await at.api.hang_up(ringing, "canceled")
    await at.api.hang_up(answered, "canceled")
    await at.ours.until(lambda ours: "canceled" in ours.events())
    assert (await at.api.show(answered))["status"] == "in-progress"
    await at.api.hang_up(answered)
    await at.curtain()
    assert (await at.api.show(ringing))["status"] == "canceled"


@pytest.mark.parametrize(
    ("shares", "stop", "stops"),
    [
        ({}, "before", 1),
        ({"stop_late_share": 1.0}, "after", 1),
        ({"stop_missing_share": 1.0}, "never", 0),
    ],
)
async def test_the_stream_stops_before_or_after_the_end_or_never(stage: SetStage, shares: dict[str, float], stop: str, stops: int) -> None:
    at = await stage(**shares)
    told_before: list[bool] = []

    async def listens_for_the_stop(stream: Stream) -> None:
        await stream.until_closed()
        told_before.append("completed" in at.ours.events())

    at.ours.agent = listens_for_the_stop
    sid = await at.api.call(TO_SILENT)
    await at.ours.until(lambda ours: bool(ours.streams))
    await at.api.hang_up(sid)
    journal = await at.curtain()
    await at.ours.streams[0].until_closed()
    assert journal.stop == stop
    assert len(at.ours.streams[0].events("stop")) == stops
    if stop == "after":
        assert told_before == [True]


async def test_when_our_side_closes_the_socket_what_follows_connect_runs(stage: SetStage) -> None:
    at = await stage()
    at.ours.documents["/answer"] = (
        '<Response><Say>Hello</Say><Connect><Stream url="{stream}"/></Connect><Pause length="0"/>'
        '<Redirect method="GET">/again?n=1</Redirect><Hangup/></Response>'
    )
    at.ours.documents["/again"] = "<Response><Hangup/><Redirect>/never</Redirect></Response>"

    async def gives_up(stream: Stream) -> None:
        assert not stream.closed

    at.ours.agent = gives_up
    await at.api.call(TO_SILENT)
    journal = await at.curtain()
    assert (journal.documents, journal.ended_by, journal.status) == (2, "document", "completed")
    assert at.ours.fetched[1].signed
    assert at.ours.fetched[1].fields["n"] == "1"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (None, "status 500"),
        ("<Response>", "not XML"),
        ("<Hello/>", "not <Response>"),
        ('<!DOCTYPE Response [<!ENTITY a "b">]><Response>&a;</Response>', "document type"),
        ('<Response><Connect><Stream url="https://elsewhere"/></Connect></Response>', "wss://"),
        (
            '<Response><Connect><Stream url="{stream}"><Parameter name="t" value="' + "v" * 500 + '"/></Stream></Connect></Response>',
            "too long",
        ),
        ("<Response><Redirect>/answer</Redirect></Response>", "redirecting"),
    ],
)
async def test_a_document_that_can_not_be_followed_ends_the_call(stage: SetStage, document: str | None, says: str) -> None:
    at = await stage()
    at.ours.documents = {"/answer": document} if document else {}
    await at.api.call(TO_SILENT)
    journal = await at.curtain()
    assert (journal.status, journal.ended_by) == ("completed", "network")
    assert says in journal.problems[0]
    assert not at.ours.streams


async def test_a_stream_that_can_not_be_opened_is_passed_over(stage: SetStage) -> None:
    at = await stage()
    at.ours.documents["/answer"] = '<Response><Connect><Stream url="{stream}/nowhere"/></Connect><Hangup/></Response>'
    await at.api.call(TO_SILENT)
    journal = await at.curtain()
    assert journal.ended_by == "document"
    assert "could not be opened" in journal.problems[0]


async def test_a_call_may_bring_its_document_with_it(stage: SetStage) -> None:
    at = await stage()
    await at.api.call(TO_SILENT, Url="", Twiml="<Response><Hangup/></Response>")
    assert (await at.curtain()).ended_by == "document"
    assert not at.ours.fetched


async def test_only_the_callbacks_that_were_asked_for_come(stage: SetStage) -> None:
    at = await stage()
    data = {"To": TO_BUSY, "From": "+15005550006", "Url": f"{at.ours.url}/answer", "StatusCallback": f"{at.ours.url}/status"}
    await at.api.request("POST", "/Calls.json", data=data)
    await at.curtain()
    assert at.ours.events() == ["busy"]


async def test_a_callback_that_fails_comes_again(stage: SetStage) -> None:
    at = await stage()
    at.ours.failing = 2
    await at.api.call(TO_BUSY)
    await at.curtain()
    assert sorted(at.ours.events()) == ["busy", "initiated"]


async def test_a_callback_that_always_fails_is_given_up(stage: SetStage) -> None:
    at = await stage(callback_tries=2)
    at.ours.failing = 1000
    await at.api.call(TO_BUSY)
    await at.curtain()
    assert at.ours.failing == 1000 - 2 * 2


async def test_callbacks_come_twice_with_the_same_number(stage: SetStage) -> None:
    at = await stage(doubled_callback_share=1.0, late_callback_ms=20)
    await at.api.call(TO_BUSY)
    await at.curtain()
    assert Counter(each.fields["SequenceNumber"] for each in at.ours.callbacks) == {"0": 2, "1": 2}


async def test_late_callbacks_are_overtaken(stage: SetStage) -> None:
    at = await stage(late_callback_share=0.5, late_callback_ms=3000, seed=3)
    for _ in range(8):
        await at.api.call(TO_BUSY)
    await at.curtain()
    arrived = [(each.fields["CallSid"], int(each.fields["SequenceNumber"])) for each in at.ours.callbacks]
    firsts = {sid: [number for other, number in arrived if other == sid] for sid, _ in arrived}
    assert {tuple(numbers) for numbers in firsts.values()} == {(0, 1), (1, 0)}


def test_the_same_seed_number_and_count_draw_the_same_fortune() -> None:
    def drawn(seed: int, to: str, nth: int) -> object:
        settings = NetworkSettings(**{**QUICK, "seed": seed, "late_callback_share": 0.5, "stop_late_share": 0.5})
        call = Call(settings.account_sid, Order(to, "+15005550006"), Directory().at(to), nth)
        ways = chance_of(settings, call, "callbacks")
        return draw_fortune(settings, call), [draw_way(ways, settings) for _ in range(8)]

    assert drawn(1, TO_AGREES, 0) == drawn(1, TO_AGREES, 0)
    others = [drawn(2, TO_AGREES, 0), drawn(1, TO_BUSY, 0), drawn(1, TO_AGREES, 1)]
    assert drawn(1, TO_AGREES, 0) not in others


class Mute(Tones):
    """People whose voice is gone."""

    def __init__(self) -> None:
        self.voice = self

    async def speak(self, text: str, voice: str) -> Spoken:
        raise EngineUnavailable("voice is unavailable: a worker died")


async def test_when_people_can_not_speak_the_call_fails_and_says_why(stage: SetStage) -> None:
    at = await stage(speech=Mute())
    await at.api.call(TO_AGREES)
    journal = await at.curtain()
    assert (journal.status, journal.ended_by) == ("failed", "network")
    assert "a worker died" in journal.problems[0]


async def test_a_call_that_is_too_long_is_ended_by_the_network(stage: SetStage) -> None:
    at = await stage(longest_call_s=0.5)
    await at.api.call(TO_SILENT)
    journal = await at.curtain()
    assert (journal.status, journal.ended_by) == ("completed", "network")


async def test_the_record_is_kept_before_anybody_is_told_of_the_end(stage: SetStage, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    at = await stage(journal=path, stop_late_share=1.0)
    await at.api.call(TO_BUSY)
    await at.ours.until(lambda ours: "busy" in ours.events())
    assert [call.status for call in read(path)] == ["busy"]


async def test_a_network_that_is_switched_off_breaks_off_and_says_nothing(stage: SetStage) -> None:
    at = await stage()
    await at.api.call(TO_SILENT)
    await at.ours.until(lambda ours: bool(ours.streams))
    await at.exchange.stop()
    await at.ours.streams[0].until_closed()
    assert not at.ours.streams[0].events("stop")
    assert "completed" not in at.ours.events()

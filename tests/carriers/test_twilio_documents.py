"""Answer documents, read by a parser and by the simulated network, which shares no code with them."""

import xml.etree.ElementTree as ET

import pytest

from mediaserver.carriers.simulated.documents import Connect, Hangup, Redirect, read
from mediaserver.carriers.twilio import documents

STREAM, AGAIN = "wss://calls.example.com/carriers/twilio/stream", "https://calls.example.com/carriers/twilio/answer/7?a=1&b=2"


def test_an_answer_opens_the_stream_with_its_token_and_then_asks_again() -> None:
    assert read(documents.connect(STREAM, "abc", AGAIN), AGAIN) == [Connect(STREAM, {"token": "abc"}), Redirect(AGAIN, "POST")]


@pytest.mark.parametrize("odd", ['"', "'", "<>", "&amp;", "]]>", "a\"b'c&<"])
def test_nothing_in_a_value_can_leave_its_place(odd: str) -> None:
    root = ET.fromstring(documents.connect(STREAM + odd, odd, AGAIN + odd))
    [stream], [parameter], [redirect] = (list(root.iter(name)) for name in ("Stream", "Parameter", "Redirect"))
    assert (stream.get("url"), parameter.get("value"), redirect.text) == (STREAM + odd, odd, AGAIN + odd)


def test_a_token_that_the_carrier_would_not_carry_is_refused() -> None:
    documents.connect(STREAM, "x" * 494, AGAIN)
    with pytest.raises(ValueError, match="495 characters"):
        documents.connect(STREAM, "x" * 495, AGAIN)


def test_a_call_whose_attempt_has_ended_is_hung_up() -> None:
    assert read(documents.hang_up(), AGAIN) == [Hangup()]

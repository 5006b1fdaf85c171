"""Nothing that was said in a call gets into a log."""

import logging

import pytest
from loguru import logger as loguru

from agent_runtime.pipeline import quiet_pipecat_logs
from tests.agent.test_conversation import CONFIRMED, GREETING, answered, hear_out


async def test_no_log_holds_what_was_said(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    quiet_pipecat_logs()
    caplog.set_level(logging.DEBUG)
    call, recognition, _ = answered("Yes I can.")
    await hear_out(call)
    call.leg.says()
    await call.leg.agent_speaks()
    recognition.dead = True
    call.leg.says()
    await call.result()
    written = caplog.text + "".join(capfd.readouterr())
    for said in ("Yes I can", *GREETING.split(". "), *CONFIRMED.split(". ")):
        assert said not in written


def test_an_error_inside_pipecat_is_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    quiet_pipecat_logs()
    loguru.error("could not speak: my secret")
    assert "an error at" in caplog.text
    assert "secret" not in caplog.text

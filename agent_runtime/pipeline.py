"""One Pipecat pipeline per call, on a leg.

    CallIn -> stt -> callee's turns -> gate -> brain -> tts -> CallOut -> agent's turns

Audio goes no further than the speech recognition; everything is 8 kHz; each call has a worker and a runner of its own, so
that nothing is shared that a call could leave behind.
"""

import asyncio
import contextlib
import gc
import logging
from dataclasses import dataclass
from typing import Any, Protocol

from loguru import logger as loguru
from pipecat.frames.frames import EndFrame, ErrorFrame, InterruptionFrame, TTSSpeakFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregator,
    LLMUserAggregatorParams,
    UserTurnStoppedMessage,
)
from pipecat.services.llm_service import LLMService
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pipecat.turns.user_stop import BaseUserTurnStopStrategy, SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from agent_runtime.engines import EngineUnavailable
from agent_runtime.guidance import Guided
from agent_runtime.leg import SAMPLE_RATE
from agent_runtime.sentiment import sentiment
from agent_runtime.transport import CallIn, CallOut, SpeechListener
from agent_runtime.turns import CalleeBegins, Gate, NothingSaid, TurnListener

log = logging.getLogger(__name__)

SETUP_S = 10.0  # a service that has not connected by then has failed


class CallListener(SpeechListener, TurnListener, Protocol):
    """Who is told what happens in the pipeline."""

    def service_failed(self, error: str, *, voice: bool) -> None:
        """A service reported an error; the message holds no words of the conversation. `voice`: it was the one that speaks."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The services of one call and the context that the brain sees. `guided`: the brain, as a supervisor guides it."""

    stt: STTService
    brain: LLMService[Any]
    guided: Guided
    tts: TTSService
    context: LLMContext


@dataclass(frozen=True, slots=True)
class TurnTiming:
    """Seconds. `pause`: how long the callee may pause within a turn, counted from the detector's stop. `patience`: a turn without
    words and without voice ends after that."""

    pause: float = 0.5
    patience: float = 2.0


class CallPipeline:
    """The pipeline of one call: assembled, run, ended. `call_in` and `call_out` are its ends on the leg."""

    def __init__(self, call_out: CallOut, parts: Parts, listener: CallListener, timing: TurnTiming) -> None:
        self._listener = listener
        self._tts, self.guided = parts.tts, parts.guided
        self.call_in, self.call_out = CallIn(), call_out
        stops: list[BaseUserTurnStopStrategy] = [
            SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=timing.pause),
            NothingSaid(),
        ]
        pair = LLMContextAggregatorPair(
            parts.context,
            user_params=LLMUserAggregatorParams(
                user_turn_strategies=UserTurnStrategies(start=[CalleeBegins(listener)], stop=stops),
                user_turn_stop_timeout=timing.patience,
                empty_user_turn=None,
            ),
            realtime_service_mode=False,
        )
        pair.user().add_event_handler("on_user_turn_stopped", self._turn_stopped)
        gate = Gate(listener)
        self.worker = PipelineWorker(
            Pipeline([self.call_in, parts.stt, pair.user(), gate, parts.brain, parts.tts, self.call_out, pair.assistant()]),
            params=PipelineParams(audio_in_sample_rate=SAMPLE_RATE, audio_out_sample_rate=SAMPLE_RATE),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
            setup_timeout_secs=SETUP_S,
            check_dangling_tasks=False,
        )
        self.worker.add_event_handler("on_pipeline_error", self._failed)
        self._run: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Run in a task of its own. Say and end work from now on."""
        self._run = asyncio.create_task(self._run_worker(), name="call pipeline")

    @property
    def running(self) -> asyncio.Task[None]:
        """The task that ends with the pipeline."""
        if self._run is None:
            raise RuntimeError("the pipeline is not started")
        return self._run

    def say(self, text: str) -> None:
        """Speak `text` after what is on its way."""
        self.call_in.push_soon(TTSSpeakFrame(text))

    def say_meanwhile(self, text: str) -> None:
        """Speak `text` while the brain is busy: it does not wait behind the brain."""
        self._tts.create_task(self._tts.queue_frame(TTSSpeakFrame(text)), "say meanwhile")

    def silence(self) -> None:
        """Stop speaking and thinking, as if the callee had interrupted."""
        self.call_in.push_soon(InterruptionFrame())

    async def end(self, within_s: float = 3.0) -> None:
        """End in order: what was said last is still recognised. After `within_s` it is cancelled. Nothing runs when this returns."""
        await self.worker.queue_frame(EndFrame())
        for last in (False, True):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self.running), within_s)
                return
            await self.worker.cancel()
            if last:
                log.warning("a call's pipeline did not end by itself and is torn down")
        self.running.cancel()
        await asyncio.wait([self.running])

    async def _run_worker(self) -> None:
        runner = WorkerRunner(handle_sigint=False, check_dangling_tasks=False)
        await runner.add_workers(self.worker)
        await runner.run()

    def _turn_stopped(self, _aggregator: LLMUserAggregator, _strategy: object, message: UserTurnStoppedMessage) -> None:
        if not (message.content or "").strip():
            self._listener.turn_was_empty()

    def _failed(self, _worker: PipelineWorker, frame: ErrorFrame) -> None:
        source = frame.processor
        if isinstance(frame.exception, EngineUnavailable):
            error = str(frame.exception)
        elif frame.exception is not None:  # its message may quote what was said: the kind must do
            error = f"{type(source).__name__}: {type(frame.exception).__name__}"
        elif source is not None and not source.is_usable:
            error = f"{type(source).__name__} can no longer do its work"
        else:
            return
        self._listener.service_failed(error, voice=isinstance(source, TTSService))


def quiet_pipecat_logs() -> None:
    """Keep Pipecat's own log out: it holds transcripts. Only where an error occurred goes to the standard log, never its words.

    Loguru's handlers are removed, because even a disabled trace costs microseconds at every hop of every frame.
    """
    loguru.remove()
    loguru.add(_to_standard_log, level="ERROR", format="an error at {name}:{line}")


def _to_standard_log(message: str) -> None:
    logging.getLogger("pipecat").error("%s", message.strip().splitlines()[0])


def warm_up() -> None:
    """Call once when the process has loaded everything and before its first call.

    What lives as long as the process is taken out of the garbage collector's sight, and full collections, which stop the process for
    a quarter of a second at 200 calls, are made rare.
    """
    sentiment(["hello"])
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 1000)

"""A worker process: one model, one thread, requests from stdin, answers to stdout, in order.

Started by `agent_runtime.local.pool` as `python -m agent_runtime.local.worker KIND`. It ends when its stdin does, which is when
its parent is gone, however that came about; Ctrl-C is its parent's affair.
"""

import argparse
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from agent_runtime.engines import EngineUnavailable
from agent_runtime.local.frames import (
    Answer,
    Ready,
    Refusal,
    Reply,
    Request,
    Unusable,
    encode,
    read_request,
)


class Engine(Protocol):
    """What a worker runs."""

    version: str

    def warm_up(self) -> None: ...

    def serve(self, request: Request) -> object:
        """The result for `request`, as msgpack can hold it."""


# Imported when a worker of that kind starts: the other kinds' libraries take memory and may not be installed.
ENGINES = {
    "recognition": ("agent_runtime.local.recognition", "WhisperRecognition"),
    "voice": ("agent_runtime.local.voice", "PiperVoice"),
    "understanding": ("agent_runtime.local.understanding", "MiniLm"),
}


def load(kind: str, folder: Path | None) -> Engine:
    """The engine of `kind` with its model, warm.

    Raises:
        EngineUnavailable: a library or a model file is missing or altered.
    """
    module, name = ENGINES[kind]
    try:
        engine: Engine = getattr(importlib.import_module(module), name)(folder)
    except ImportError as error:
        raise EngineUnavailable(f'{error.name} is not installed: run pip install "callwright[local]"') from error
    engine.warm_up()
    return engine


def serve(engine: Engine, requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer until the parent is gone."""
    while (request := read_request(requests)) is not None:
        _write(replies, _answer(engine, request))


def _answer(engine: Engine, request: Request) -> Reply:
    try:
        return Answer(request.id, msgspec.Raw(msgspec.msgpack.encode(engine.serve(request))))
    except EngineUnavailable as error:
        return Refusal(request.id, str(error))
    except Exception as error:  # noqa: BLE001 - one bad request must not end the worker; the type only: a message may quote speech
        return Refusal(request.id, f"the engine failed on this request ({type(error).__name__})")


def _write(replies: BinaryIO, reply: Reply) -> None:
    replies.write(encode(reply))
    replies.flush()


def _own_stdout() -> BinaryIO:
    """Stdout for replies alone: what a library prints goes to stderr instead."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parser = argparse.ArgumentParser(description="One local engine, spoken to over stdin and stdout.")
    parser.add_argument("kind", choices=sorted(ENGINES))
    parser.add_argument("--nice", type=int, default=5, help="added to the priority, so that real-time audio wins on a busy machine")
    parser.add_argument("--models", type=Path, help="folder to find the model packages in, instead of the installed ones")
    arguments = parser.parse_args()
    os.nice(arguments.nice)
    replies = _own_stdout()
    try:
        engine = load(arguments.kind, arguments.models)
    except EngineUnavailable as error:
        _write(replies, Unusable(str(error)))
        return 1
    try:
        _write(replies, Ready(engine.version))
        serve(engine, sys.stdin.buffer, replies)
    except BrokenPipeError:  # the parent died while we computed
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())

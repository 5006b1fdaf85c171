"""What is made once of each script and shared by all calls of a process."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

import msgspec

from agent_runtime.agent import Script
from agent_runtime.engines import Understanding

Made = TypeVar("Made")


class PerScript(Generic[Made]):
    """`build` makes it of a script; that takes a second, so it is made once."""

    def __init__(self, build: Callable[[Script, Understanding], Coroutine[Any, Any, Made]]) -> None:
        self._build = build
        self._made: dict[bytes, asyncio.Task[Made]] = {}

    async def of(self, script: Script, understanding: Understanding) -> Made:
        """What was made of `script`; calls that ask at the same time wait for the same one.

        Raises:
            EngineUnavailable: it can't be made now; the next that asks tries again.
        """
        key = msgspec.msgpack.encode(script)
        making = self._made.get(key)
        if making is None or (making.done() and making.exception() is not None):
            making = self._made[key] = asyncio.create_task(self._build(script, understanding), name="made of a script")
        return await asyncio.shield(making)

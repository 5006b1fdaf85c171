"""The process's side of time: how it waits. What is kept and compared is the database's time, by `callwright_now()`."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that only ever grow, and waiting on them; a simulation brings its own."""

    def seconds(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class RealClock:
    def seconds(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

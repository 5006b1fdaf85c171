"""The waits of one call, by name: starting one again replaces it, and none outlives the call."""

import asyncio
from collections.abc import Callable


class Timers:
    """Each runs its callback once, on the event loop."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.TimerHandle] = {}

    def start(self, name: str, seconds: float, then: Callable[[], None]) -> None:
        self.stop(name)

        def run() -> None:
            self._running.pop(name, None)
            then()

        self._running[name] = asyncio.get_running_loop().call_later(seconds, run)

    def stop(self, *names: str) -> None:
        """Those that do not run are no error."""
        for name in names:
            if (timer := self._running.pop(name, None)) is not None:
                timer.cancel()

    def stop_all(self) -> None:
        self.stop(*list(self._running))

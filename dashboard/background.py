"""The one background event loop of a dashboard process: all sessions share its database pool and its HTTP session.

Streamlit runs each page in a thread of its own, without an event loop; asyncpg and aiohttp need one that stays.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    """An event loop in a daemon thread. `run` may be called from any other thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="dashboard-background", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], within_s: float) -> T:
        """What `work` returns or raises.

        Raises:
            TimeoutError: it took longer than `within_s` and was cancelled.
        """
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, within_s), self._loop).result()

    def stop(self) -> None:
        """Ends the loop and its thread; nothing may run on it any more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

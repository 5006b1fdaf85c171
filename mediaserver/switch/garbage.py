"""When the garbage of ended calls is collected.

A pipeline leaves some thousand objects in cycles when its call ends, which only a full collection frees. A full collection stops
the process for 2 to 3 ms for each of them, and some 200 ms when 200 calls are live: inaudible right after the lines were filled,
so the switch chooses the moment, while the collector's own thresholds (`agent_runtime.pipeline.warm_up`) keep it from choosing
one.
"""

import gc
import logging
import time

log = logging.getLogger(__name__)

CALLS = 50  # so many ended calls are collected together at the latest
IDLE_S = 5.0  # without any call for so long, what is left is collected


class Garbage:
    """Counts ended calls. Times in seconds of one monotonic clock. `worst_s`: the longest stop so far."""

    def __init__(self) -> None:
        self._ended = 0
        self._last = 0.0
        self.worst_s = 0.0

    def call_ended(self, now: float) -> None:
        self._ended += 1
        self._last = now

    def due(self, live: int, now: float) -> bool:
        """Whether to collect now, with `live` calls in progress."""
        return self._ended >= CALLS or (self._ended > 0 and live == 0 and now - self._last >= IDLE_S)

    def collect(self) -> None:
        began = time.perf_counter()
        found = gc.collect()
        took = time.perf_counter() - began
        log.debug("collected %d objects of %d ended calls in %.0f ms", found, self._ended, took * 1000)
        self._ended = 0
        self.worst_s = max(self.worst_s, took)

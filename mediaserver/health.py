"""Whether this process lives, whether it can take calls, and its figures for a monitor."""

import asyncio
from collections.abc import Iterable

import asyncpg
import psutil
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from db.database import LOST, Database
from mediaserver.media import LiveCalls
from mediaserver.switch.switch import Switch

READY_WITHIN_S = 2.0


class _Figures:
    """Read at each scrape; nothing is counted twice."""

    def __init__(self, live: LiveCalls, switch: Switch) -> None:
        self._live, self._switch = live, switch
        self._process = psutil.Process()

    def collect(self) -> Iterable[Metric]:
        counters = self._switch.counters
        yield GaugeMetricFamily("callwright_calls", "Calls in progress in this process", len(self._live))
        yield GaugeMetricFamily("callwright_legs", "Media streams in progress in this process", counters.legs)
        yield CounterMetricFamily("callwright_late_audio", "Audio that came after the callee had run out of it", counters.late.messages)
        yield CounterMetricFamily("callwright_voice_windows", "Windows of 32 ms scored for voice activity", counters.windows)
        yield CounterMetricFamily("callwright_voice_seconds", "Seconds spent on voice activity", counters.voice_s)
        yield GaugeMetricFamily("callwright_memory_bytes", "Resident memory of this process", self._process.memory_info().rss)


def setup_health(app: web.Application, *, database: Database, live: LiveCalls, switch: Switch) -> None:
    """Add `/health/live`, `/health/ready` and `/metrics`."""
    registry = CollectorRegistry()
    registry.register(_Figures(live, switch))

    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def ready(_request: web.Request) -> web.Response:
        if live.draining:
            return web.json_response({"ready": False, "reason": "stopping: calls in progress finish"}, status=503)
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await database.pool.fetchval("select 1")
        except (*LOST, asyncpg.PostgresError):
            return web.json_response({"ready": False, "reason": "the database does not answer"}, status=503)
        return web.json_response({"ready": True})

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/health/live", alive)
    app.router.add_get("/health/ready", ready)
    app.router.add_get("/metrics", metrics)

"""The figures of reading: the overview of a campaign of a million contacts, pages of a log of a million calls, and words said in them.

Each is asked as people and programs ask it: the API over HTTP, and the dashboard's own reads, all that one refresh of the Overview needs.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import web

from dashboard.background import Background
from dashboard.data import CallFilter, Data
from dashboard.source import Source
from db.database import Database
from db.embedded import EmbeddedPostgres
from db.migrate import migrate
from mediaserver.administration import make_token
from mediaserver.api import setup_api
from mediaserver.api_client import Api
from mediaserver.figure import Figure
from mediaserver.seeding import FREQUENT, RARE, Plan, fill
from mediaserver.settings import Settings

ROWS = 1_000_000
WARM, ASKED = 3, 15  # requests of each kind: the first of them are not counted

Ask = Callable[[], Awaitable[object]]


def figures(runs: int) -> Iterable[Figure]:
    """One load of the data; a run asks each kind of page `ASKED` times, and its value is the median of the worst kind."""
    with tempfile.TemporaryDirectory(prefix="callwright-bench-") as folder:
        yield from asyncio.run(_measure(Path(folder), runs))


async def _measure(folder: Path, runs: int) -> list[Figure]:
    server = EmbeddedPostgres(folder)
    try:
        url = await server.start()
        await migrate(url)
        database = await Database.connect(url)
        campaign = (await fill(database, Plan(contacts=ROWS, calls=ROWS))).campaign_id
        source = Source(Background(), url)
        data = Data(source)
        async with _api(database, url, folder) as api:
            found = [
                await _figure("dialer.overview_1m_ms", "<= 20", _overviews(api, data, campaign), runs),
                await _figure("dialer.call_log_page_1m_ms", "<= 50", await _pages(api, data, database, campaign), runs),
                await _figure("dialer.call_log_words_1m_ms", "<= 150", _words(api, campaign), runs),
            ]
        await asyncio.to_thread(source.close)
        await database.close()
        return found
    finally:
        await server.destroy()


@asynccontextmanager
async def _api(database: Database, url: str, folder: Path) -> AsyncIterator[Api]:
    """The API alone, on a port of its own."""
    app = web.Application()
    setup_api(app, database=database, settings=Settings(data_dir=folder))
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with Api(f"http://127.0.0.1:{runner.addresses[0][1]}", await make_token(url, "benchmark", "operator")) as api:
            yield api
    finally:
        await runner.cleanup()


def _overviews(api: Api, data: Data, campaign: int) -> dict[str, Ask]:
    async def by_api() -> None:
        for part in ("", "/stats", "/waiting"):
            await api.get(f"/campaigns/{campaign}{part}")

    def refresh() -> None:
        data.campaign(campaign)
        data.call_figures(campaign)
        data.running_calls(campaign)
        data.waiting(campaign)
        data.outcomes(campaign)

    return {"API": by_api, "dashboard": lambda: asyncio.to_thread(refresh)}


async def _pages(api: Api, data: Data, database: Database, campaign: int) -> dict[str, Ask]:
    """First and deep pages by every filter, values that are frequent, rare, or never met together."""
    middle, moment = await _row(database, campaign, ROWS // 2)
    deep = {"cursor": str(middle)}
    day = {"since": moment.isoformat(), "until": (moment + timedelta(days=1)).isoformat()}
    number = await database.pool.fetchval("select number from calls where id = $1", middle)
    asked: dict[str, dict[str, str]] = {
        "all": {},
        "outcome": {"outcome": "no_answer"},
        "one in a million": {"outcome": "callback"},
        "who": {"who": "human"},
        "goal": {"goal": "met"},
        "sentiment": {"sentiment": "negative"},
        "four filters": {"outcome": "person", "who": "human", "goal": "not_met", "sentiment": "negative"},
        "filters that exclude each other": {"outcome": "no_answer", "goal": "met"},
        "date": day,
        "date and goal": day | {"goal": "met"},
        "number": {"number": str(number)},
    }
    kinds = {name: _page(api, campaign, query) for name, query in asked.items()}
    kinds |= {f"{name}, deep": _page(api, campaign, asked[name] | deep) for name in ("all", "outcome", "who", "goal", "sentiment")}
    wanted = CallFilter(outcome="person", sentiment="negative")
    return kinds | {"dashboard": lambda: asyncio.to_thread(data.calls, campaign, wanted, middle)}


def _words(api: Api, campaign: int) -> dict[str, Ask]:
    asked: dict[str, dict[str, str]] = {
        "frequent": {"words": FREQUENT},
        "rare": {"words": RARE},
        "both": {"words": f"{FREQUENT} {RARE}"},
        "frequent, by a filter that it never meets": {"words": FREQUENT, "outcome": "no_answer"},
        "rare, by goal": {"words": RARE, "goal": "met"},
        "a phrase": {"words": '"place for my wheelchair"'},
        "never said": {"words": "xylophone"},
    }
    return {name: _page(api, campaign, query) for name, query in asked.items()}


def _page(api: Api, campaign: int, query: Mapping[str, str]) -> Ask:
    return lambda: api.get(f"/campaigns/{campaign}/calls", **query)


async def _row(database: Database, campaign: int, place: int) -> tuple[int, datetime]:
    statement = "select id, planned_at from calls where campaign_id = $1 order by id offset $2 limit 1"
    row = await database.pool.fetchrow(statement, campaign, place)
    assert row is not None
    return row["id"], row["planned_at"]


async def _figure(name: str, goal: str, kinds: Mapping[str, Ask], runs: int) -> Figure:
    """The worst kind's median, ms; `detail` names it, and every kind's."""
    medians: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(runs):
        for kind, ask in kinds.items():
            medians[kind].append(await _median_ms(ask))
    by_kind = {kind: statistics.median(values) for kind, values in medians.items()}
    worst = max(by_kind, key=by_kind.__getitem__)
    told = ", ".join(f"{kind} {value:.1f}" for kind, value in sorted(by_kind.items(), key=lambda each: -each[1]))
    return Figure.measured(name, medians[worst], "ms", goal, f"worst: {worst}; medians: {told}")


async def _median_ms(ask: Ask) -> float:
    taken = []
    for _ in range(WARM + ASKED):
        began = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken[WARM:])

"""The table of all routes, and how they come into the application."""

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from db.database import Database
from mediaserver.api import (
    agents,
    browser_calls,
    calls,
    campaigns,
    contacts,
    forecast,
    greeting,
    live,
    people,
    phone_numbers,
    retention,
    sign_in,
    suppressions,
    webhooks,
)
from mediaserver.api.openapi import document
from mediaserver.api.routes import PREFIX, BrowserCalls, House, PlaceTestCall, Route, SpeakGreeting, nothing_here, served
from mediaserver.settings import Settings
from mediaserver.supervision.desk import Desk

ROUTES: tuple[Route, ...] = (
    *agents.ROUTES,
    *browser_calls.ROUTES,
    *greeting.ROUTES,
    *phone_numbers.ROUTES,
    *campaigns.ROUTES,
    *forecast.ROUTES,
    *contacts.ROUTES,
    *calls.ROUTES,
    *live.ROUTES,
    *suppressions.ROUTES,
    *webhooks.ROUTES,
    *people.ROUTES,
    *retention.ROUTES,
)


def setup_api(
    app: web.Application,
    *,
    database: Database,
    settings: Settings,
    nudge: Callable[[], None] = lambda: None,
    place_test_call: PlaceTestCall | None = None,
    speak_greeting: SpeakGreeting | None = None,
    browser: BrowserCalls | None = None,
    desk: Desk | None = None,
) -> None:
    """Add /api/v1, its OpenAPI document and the pages for signing in and out to `app`.

    `nudge` is called after each command: the dialer loop may have something to do. `place_test_call`: of that loop, where it has a carrier.
    `speak_greeting`: with the voice that calls have, where this process has one. `browser`: how calls in the browser are begun.
    `desk`: for the calls in progress that this process holds, and the way to the others.
    """
    house = House(
        database,
        settings.data_dir,
        settings.public_url,
        settings.dashboard_url,
        nudge,
        place_test_call,
        speak_greeting,
        browser,
        desk,
        settings.webhooks_private,
    )
    sign_in.setup_sign_in(app, house)
    for route in ROUTES:
        app.router.add_route(route.method, route.pattern, served(route, house))
    app.router.add_get(f"{PREFIX}/openapi.json", _document())
    app.router.add_route("*", PREFIX + "/{rest:.*}", nothing_here)


def _document() -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    body = msgspec.json.encode(document(ROUTES))

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    return answer

"""The carrier-facing doors of one process, wired into its application: answer, status and stream of the Twilio room, and the stream of
calls in the browser.
"""

import secrets

from aiohttp import web

from mediaserver.calls import CallHouse
from mediaserver.carriers.browser.wire import BrowserStream
from mediaserver.carriers.twilio.wire import TwilioStream
from mediaserver.media import LiveCalls, MediaDoor
from mediaserver.recordings import FOLDER
from mediaserver.switch.switch import Switch
from mediaserver.webhooks import Webhooks

BROWSER_STREAM = "/carriers/browser/stream"
_ATTEMPT = r"{attempt:\d{1,18}}"


def setup_carrier_doors(app: web.Application, *, house: CallHouse, switch: Switch, webhooks: Webhooks | None, drain_s: float) -> LiveCalls:
    """Add the doors to `app`; `webhooks`: None where there is no carrier but the browser. Returns the calls in progress: drain them before
    `app` is cleaned up, which closes its doors and is deaf to what still comes in. Those that are left when it shuts down go on for
    `drain_s` seconds; the switch, the database and the HTTP session must outlive that.
    """
    (house.data_dir / FOLDER).mkdir(parents=True, exist_ok=True)
    live = LiveCalls()
    if webhooks is not None:
        webhooks.takes_streams = lambda: not live.draining
        media = MediaDoor(TwilioStream, switch, house, live, webhooks.check_handshake)
        app.router.add_post(f"/carriers/twilio/answer/{_ATTEMPT}", webhooks.answer)
        app.router.add_post(f"/carriers/twilio/status/{_ATTEMPT}", webhooks.status)
        app.router.add_get("/carriers/twilio/stream", media.stream)
    pages = MediaDoor(  # a page signs nothing: its token is the right to its call
        lambda: BrowserStream(f"browser-{secrets.token_hex(8)}"), switch, house, live, check_handshake=lambda request: None
    )
    app.router.add_get(BROWSER_STREAM, pages.stream)

    async def drain(_app: web.Application) -> None:
        await live.drain(drain_s)
        if webhooks is not None:
            await webhooks.close()

    app.on_shutdown.append(drain)
    return live

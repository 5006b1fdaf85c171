"""The carrier-facing doors of one process, wired into its application: answer, status and stream of the Twilio room."""

import logging

from aiohttp import web

from mediaserver.calls import CallHouse
from mediaserver.carriers.twilio.wire import TwilioStream
from mediaserver.media import LiveCalls, MediaDoor
from mediaserver.switch.switch import Switch
from mediaserver.webhooks import Webhooks

log = logging.getLogger(__name__)

_ATTEMPT = r"{attempt:\d{1,18}}"


def setup_carrier_doors(app: web.Application, *, house: CallHouse, switch: Switch, webhooks: Webhooks, drain_s: float) -> LiveCalls:
    """Add the doors to `app`. When it shuts down, its calls go on for `drain_s` seconds; the switch, the database and the HTTP session must
    outlive that. Returns the calls in progress.
    """
    (house.data_dir / "recordings").mkdir(parents=True, exist_ok=True)
    live = LiveCalls()
    media = MediaDoor(TwilioStream, switch, house, live, webhooks.check_handshake)
    app.router.add_post(f"/carriers/twilio/answer/{_ATTEMPT}", webhooks.answer)
    app.router.add_post(f"/carriers/twilio/status/{_ATTEMPT}", webhooks.status)
    app.router.add_get("/carriers/twilio/stream", media.stream)

    async def drain(_app: web.Application) -> None:
        if len(live):
            log.info("%d calls go on for up to %.0f s before this process stops", len(live), drain_s)
        await live.drain(drain_s)
        await webhooks.close()

    app.on_shutdown.append(drain)
    return live

"""The pages of live calls, and the files that they load: as they lie in the folder `page`, each read once."""

import hashlib
import html
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import quote

from aiohttp import web

from db.database import Database
from mediaserver.api.access import SESSION_COOKIE
from mediaserver.identity import Role, who_by_session

_FOLDER = files("mediaserver.supervision").joinpath("page")
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self'; "
    "media-src 'self' blob:; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_NOT_ALLOWED = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Not allowed</title></head>
<body><h1>You may not open this page</h1><p>{why}</p></body></html>
"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that a page loads. `tag`: changes with its content."""

    content: bytes
    content_type: str
    tag: str


def read_assets() -> Mapping[str, Asset]:
    """By name, all files of the folder that pages may load."""
    found = {}
    for file in _FOLDER.iterdir():
        content_type = _TYPES.get("." + file.name.rpartition(".")[2])
        if content_type is not None:
            content = file.read_bytes()
            found[file.name] = Asset(content, content_type, hashlib.sha256(content).hexdigest()[:16])
    return found


def setup_pages(app: web.Application, database: Database, dashboard_url: str = "") -> None:
    """Add `/live/{call_id}`, `/talk/{call_id}` and `/live-assets/{name}` to `app`. `dashboard_url`: where calls that are over are shown;
    without it pages lead nowhere."""
    assets = read_assets()

    async def asset(request: web.Request) -> web.StreamResponse:
        return _asset(request, assets.get(request.match_info["name"]))

    app.router.add_get(r"/live/{call_id:\d{1,18}}", _page(database, _text("live.html", dashboard_url), Role.SUPERVISOR, "listens to calls"))
    app.router.add_get(r"/talk/{call_id:\d{1,18}}", _page(database, _text("talk.html", dashboard_url), Role.OPERATOR, "talks to an agent"))
    app.router.add_get("/live-assets/{name}", asset)


def _page(database: Database, text: str, needed: Role, does: str) -> Handler:
    async def show(request: web.Request) -> web.StreamResponse:
        session = request.cookies.get(SESSION_COOKIE)
        person = await who_by_session(database, session) if session else None
        if person is None:
            return web.Response(status=303, headers={"Location": f"/sign-in?next={quote(request.path)}", "Cache-Control": "no-store"})
        if not person.role.covers(needed):
            why = f"Whoever {does} needs the role {needed}, and yours is {person.role}: ask an admin, then open this page again."
            return web.Response(status=403, text=_NOT_ALLOWED.format(why=html.escape(why)), content_type="text/html", headers=_HEADERS)
        return web.Response(text=text, content_type="text/html", headers=_HEADERS)

    return show


def _text(name: str, dashboard_url: str) -> str:
    return _FOLDER.joinpath(name).read_text(encoding="utf-8").replace("<!--dashboard-->", html.escape(dashboard_url))


def _asset(request: web.Request, found: Asset | None) -> web.StreamResponse:
    """Asked for each time, and sent again only where it has changed: pages and their files are always of one version."""
    if found is None:
        raise web.HTTPNotFound(text="there is no such file\n")
    headers = {"ETag": f'"{found.tag}"', "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    if any(tag.value == found.tag for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=found.content, content_type=found.content_type, charset="utf-8", headers=headers)

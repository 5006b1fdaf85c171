"""Signing in and out: a small page for people, JSON for programs. The session is a cookie of the host, so that the dashboard, on another
port of the same host, has it too."""

import html
from collections.abc import Mapping
from importlib.resources import files
from urllib.parse import parse_qsl, urlsplit

import msgspec
from aiohttp import web

from mediaserver import identity
from mediaserver.api.access import SESSION_COOKIE
from mediaserver.api.problems import Problem, problem_of
from mediaserver.api.routes import House

_PAGE = files("mediaserver.api").joinpath("sign_in.html").read_text(encoding="utf-8")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
}
_LIMIT_BYTES = 16 * 1024


class _Credentials(msgspec.Struct):
    name: str
    password: str
    next: str = ""


def setup_sign_in(app: web.Application, house: House) -> None:
    """Add GET and POST /sign-in and POST /sign-out to `app`."""

    async def show(request: web.Request) -> web.StreamResponse:
        return _page(request.query.get("next", ""))

    async def enter(request: web.Request) -> web.StreamResponse:
        return await _enter(request, house)

    async def leave(request: web.Request) -> web.StreamResponse:
        return await _leave(request, house)

    app.router.add_get("/sign-in", show)
    app.router.add_post("/sign-in", enter)
    app.router.add_post("/sign-out", leave)


def safe_next(wanted: str, house: House) -> str:
    """Where to go after signing in: `wanted` if it is a path of ours or an address of the dashboard, else the dashboard."""
    home = house.dashboard_url or "/api/v1/me"
    if any(character < "!" or character == "\\" for character in wanted):
        return home
    if wanted.startswith("/") and not wanted.startswith("//"):
        return wanted
    try:
        parts, ours = urlsplit(wanted), urlsplit(house.dashboard_url)
    except ValueError:
        return home
    inside = parts.scheme in ("http", "https") and (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc)
    return wanted if inside else home


async def _enter(request: web.Request, house: House) -> web.StreamResponse:
    by_form = request.content_type == "application/x-www-form-urlencoded"
    given = _Credentials("", "")
    try:
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise Problem(403, "sign in from our own page")
        given = await _credentials(request, by_form)
        person, secret = await identity.sign_in(house.database, given.name, given.password, address=request.remote or "unknown")
    except Exception as error:  # the request's boundary: what was foreseen becomes its answer, the rest goes on to the log
        problem = problem_of(error)
        if problem is None:
            raise
        return _page(given.next, problem, given.name) if by_form else problem.response()
    if by_form:
        answer = web.Response(status=303, headers={"Location": safe_next(given.next, house), "Cache-Control": "no-store"})
    else:
        answer = web.json_response({"name": person.name, "role": person.role})
    answer.set_cookie(
        SESSION_COOKIE,
        secret,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=house.public_url.startswith("https:"),
        max_age=int(identity.SESSION_LASTS.total_seconds()),
    )
    return answer


async def _credentials(request: web.Request, by_form: bool) -> _Credentials:
    """Raises Problem where they can't be read."""
    content = await _read(request)
    try:
        if by_form:
            return msgspec.convert(dict(parse_qsl(content.decode(), keep_blank_values=True)), _Credentials)
        return msgspec.json.decode(content, type=_Credentials)
    except (ValueError, msgspec.ValidationError) as error:
        raise Problem(400, "send name and password, as a form or as JSON") from error


async def _read(request: web.Request) -> bytes:
    content = bytearray()
    async for part in request.content.iter_chunked(4096):
        content += part
        if len(content) > _LIMIT_BYTES:
            raise Problem(413, "that is more than a name and a password")
    return bytes(content)


async def _leave(request: web.Request, house: House) -> web.StreamResponse:
    """By SameSite the cookie comes from our own pages only, so a plain form may sign out."""
    session = request.cookies.get(SESSION_COOKIE)
    if session:
        await identity.sign_out(house.database, session)
    answer = web.Response(status=303, headers={"Location": "/sign-in", "Cache-Control": "no-store"})
    answer.del_cookie(SESSION_COOKIE, path="/")
    return answer


def _page(wanted: str, problem: Problem | None = None, name: str = "") -> web.Response:
    said = f'<p role="alert" id="problem">{html.escape(problem.detail)}</p>' if problem else ""
    filled: Mapping[str, str] = {"problem": said, "next": html.escape(wanted), "name": html.escape(name)}
    text = _PAGE
    for key, value in filled.items():
        text = text.replace(f"<!--{key}-->", value)
    return web.Response(text=text, status=problem.status if problem else 200, content_type="text/html", headers=_HEADERS)

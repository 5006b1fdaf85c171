"""Who asks: a bearer token or a session cookie, and whether that is enough."""

from aiohttp import web

from db.database import Database
from mediaserver.api.problems import Problem
from mediaserver.identity import Person, Role, who_by_session, who_by_token

SESSION_COOKIE = "callwright_session"
COMMAND_HEADER = "X-Callwright"


async def authenticated(request: web.Request, database: Database, needed: Role) -> Person:
    """Whoever asks, if that is allowed.

    A command that comes with a cookie needs the header X-Callwright, which no form and no page of another origin can send.

    Raises:
        Problem: 401 nobody, or nobody any more; 403 not with this role, or a command from elsewhere.
    """
    person = await who(request, database)
    if person is None:
        raise Problem(401, "send a bearer token, or sign in at /sign-in", headers={"WWW-Authenticate": "Bearer"})
    if person.by_cookie and request.method not in ("GET", "HEAD") and COMMAND_HEADER not in request.headers:
        raise Problem(403, f"a command in a session needs the header {COMMAND_HEADER}: 1")
    if not person.role.covers(needed):
        raise Problem(403, f"this needs the role {needed}, and yours is {person.role}: ask an admin")
    return person


async def who(request: web.Request, database: Database) -> Person | None:
    """The token's or the session's person; a token that is sent is the only thing looked at."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        return await who_by_token(database, secret.strip()) if scheme.lower() == "bearer" else None
    session = request.cookies.get(SESSION_COOKIE)
    return await who_by_session(database, session) if session else None

"""/me, /users, /tokens, /audit-log: who may do what, and who did."""

from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import Field

from db.audit import audit_log as log_of
from db.rows import UserRow
from mediaserver import identity
from mediaserver.api.access import SESSION_COOKIE
from mediaserver.api.models import Answer, Body, Id, Page, PageQuery, page_of
from mediaserver.api.problems import Problem
from mediaserver.api.routes import Asked, Route
from mediaserver.identity import Role


class MeAnswer(Answer):
    """`user_id` is null for a token."""

    name: str
    role: Role
    user_id: Id | None


class PasswordChange(Body):
    """`old_password`: the present one."""

    old_password: str
    password: str


class NewPasswordAnswer(Answer):
    """`password` is shown this once."""

    password: str


class UserAnswer(Answer):
    id: Id
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None


class NewUserAnswer(UserAnswer):
    """`password` is shown this once."""

    password: str


class NewUser(Body):
    """Without a password, a random one is made."""

    name: str = Field(min_length=1, max_length=100)
    role: Role
    password: str | None = None


class UserChange(Body):
    """What is left out stays as it is. A new password or `disabled` ends the account's sessions."""

    role: Role | None = None
    disabled: bool | None = None
    password: str | None = None


class TokenAnswer(Answer):
    id: Id
    name: str
    role: Role
    created_at: datetime
    last_used_at: datetime | None


class NewTokenAnswer(TokenAnswer):
    """`secret` is shown this once: send it as `Authorization: Bearer`."""

    secret: str


class NewToken(Body):
    name: str = Field(min_length=1, max_length=100)
    role: Role


class AuditAnswer(Answer):
    id: Id
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


async def me(asked: Asked[None, None]) -> MeAnswer:
    """Who is asking."""
    return MeAnswer.of(asked.person)


async def sign_out(asked: Asked[None, None]) -> web.StreamResponse:
    """Ends the session, for everything that uses it."""
    session = asked.request.cookies.get(SESSION_COOKIE)
    if session:
        await identity.sign_out(asked.database, session)
    answer = web.Response(status=204)
    answer.del_cookie(SESSION_COOKIE, path="/")
    return answer


async def change_password(asked: Asked[None, PasswordChange]) -> None:
    """Changes the password of whoever asks, and ends his other sessions."""
    session, body = _own_session(asked), asked.body
    await identity.change_own_password(asked.database, asked.person, body.old_password, body.password, session=session)


async def sign_out_everywhere(asked: Asked[None, None]) -> None:
    """Ends all sessions of whoever asks, this one too."""
    _own_session(asked)
    await identity.sign_out_everywhere(asked.database, asked.person)


async def list_users(asked: Asked[PageQuery, None]) -> Page[UserAnswer]:
    """All accounts, oldest first."""
    query = asked.query
    return page_of(UserAnswer, await identity.users(asked.database, query.position or 0, query.limit + 1), query.limit)


async def get_user(asked: Asked[None, None]) -> UserAnswer:
    """One account."""
    return UserAnswer.of(await _found(asked))


async def create_user(asked: Asked[None, NewUser]) -> NewUserAnswer:
    """Makes an account."""
    body = asked.body
    user, password = await identity.create_user(asked.database, body.name, body.role, actor=asked.actor, password=body.password)
    return NewUserAnswer(**UserAnswer.of(user).model_dump(), password=password)


async def change_user(asked: Asked[None, UserChange]) -> UserAnswer:
    """Changes role or password, or disables an account or enables it again."""
    user, body = await _found(asked), asked.body
    if body.password is not None:
        await identity.set_password(asked.database, user.name, actor=asked.actor, password=body.password)
    changed = await identity.change_user(asked.database, user.id, role=body.role, disabled=body.disabled, actor=asked.actor)
    return UserAnswer.of(changed)


async def reset_password(asked: Asked[None, None]) -> NewPasswordAnswer:
    """Gives an account a random password, for somebody who has forgotten his, and ends its sessions."""
    user = await _found(asked)
    password = await identity.set_password(asked.database, user.name, actor=asked.actor)
    return NewPasswordAnswer.of({"password": password})


async def disable_user(asked: Asked[None, None]) -> None:
    """Disables an account: it stays in the audit log, and nobody signs in with it."""
    user = await _found(asked)
    await identity.change_user(asked.database, user.id, role=None, disabled=True, actor=asked.actor)


async def list_tokens(asked: Asked[PageQuery, None]) -> Page[TokenAnswer]:
    """Tokens that are not revoked, oldest first."""
    query = asked.query
    return page_of(TokenAnswer, await identity.tokens(asked.database, query.position or 0, query.limit + 1), query.limit)


async def create_token(asked: Asked[None, NewToken]) -> NewTokenAnswer:
    """Makes a token for a program."""
    body, person = asked.body, asked.person
    token, secret = await identity.create_token(asked.database, body.name, body.role, actor=asked.actor, created_by=person.user_id)
    return NewTokenAnswer(**TokenAnswer.of(token).model_dump(), secret=secret)


async def revoke_token(asked: Asked[None, None]) -> None:
    """The token is refused from now on."""
    if not await identity.revoke_token(asked.database, asked.id("token_id"), actor=asked.actor):
        raise Problem(404, f"there is no token {asked.id('token_id')}")


async def audit_log(asked: Asked[PageQuery, None]) -> Page[AuditAnswer]:
    """Who did what, newest first."""
    query = asked.query
    return page_of(AuditAnswer, await log_of(asked.database, query.position, query.limit + 1), query.limit)


def _own_session(asked: Asked[Any, Any]) -> str:
    """The session that asks; a token has none."""
    if not asked.person.by_cookie:
        raise Problem(409, "a token has neither password nor sessions: sign in as a person")
    return asked.request.cookies[SESSION_COOKIE]


async def _found(asked: Asked[Any, Any]) -> UserRow:
    user = await identity.user(asked.database, asked.id("user_id"))
    if user is None:
        raise Problem(404, f"there is no account {asked.id('user_id')}")
    return user


ROUTES = (
    Route("GET", "/me", me, Role.VIEWER),
    Route("POST", "/sign-out", sign_out, Role.VIEWER, status=204),
    Route("POST", "/me/password", change_password, Role.VIEWER, status=204),
    Route("POST", "/me/sign-out-everywhere", sign_out_everywhere, Role.VIEWER, status=204),
    Route("GET", "/users", list_users, Role.ADMIN),
    Route("POST", "/users", create_user, Role.ADMIN, status=201),
    Route("GET", "/users/{user_id}", get_user, Role.ADMIN),
    Route("PATCH", "/users/{user_id}", change_user, Role.ADMIN),
    Route("DELETE", "/users/{user_id}", disable_user, Role.ADMIN),
    Route("POST", "/users/{user_id}/reset-password", reset_password, Role.ADMIN),
    Route("GET", "/tokens", list_tokens, Role.ADMIN),
    Route("POST", "/tokens", create_token, Role.ADMIN, status=201),
    Route("DELETE", "/tokens/{token_id}", revoke_token, Role.ADMIN),
    Route("GET", "/audit-log", audit_log, Role.ADMIN),
)

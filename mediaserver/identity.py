"""Who may do what: accounts with passwords, sessions of browsers, tokens of programs. Secrets are kept as hashes only."""

import asyncio
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from db.audit import audit
from db.database import Database
from db.queries import load
from db.rows import SignedIn, TokenRow, UserRow

SESSION_LASTS = timedelta(days=7)
SHORTEST_PASSWORD = 10
TRIES_PER_ACCOUNT_AND_ADDRESS = 5  # in 15 minutes
TRIES_PER_ADDRESS = 30

_queries = load("users")
_hasher = PasswordHasher()
_hashing = ThreadPoolExecutor(2, thread_name_prefix="argon2")  # each takes 64 MiB and most of a core


class Role(StrEnum):
    """What somebody may do; each may do what those before it may."""

    VIEWER = "viewer"  # sees, with phone numbers masked
    OPERATOR = "operator"  # campaigns, contacts, agents, phone numbers, do-not-call list
    SUPERVISOR = "supervisor"  # live calls
    ADMIN = "admin"  # accounts, tokens, audit log

    def covers(self, needed: "Role") -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever asks. `actor`: as the audit log names it; `user_id`: None for a token; `by_cookie`: a browser, or what acts for one."""

    name: str
    role: Role
    actor: str
    user_id: int | None = None
    by_cookie: bool = False


class SignInRefused(Exception):
    """Name or password are wrong, or the account is disabled: not told apart, so that nobody learns which names exist."""


class TooManyTries(SignInRefused):
    """So many tries failed that more are not looked at for a while."""


class NameTaken(ValueError):
    """There is an account of that name."""


class LastAdmin(Exception):
    """Nobody could administer accounts any more."""


class WeakPassword(ValueError):
    """The password is too short."""


class WrongPassword(ValueError):
    """Whoever changes his password does not know the old one."""


async def ensure_first_user(database: Database) -> str | None:
    """Where there is no account, make `admin` with a random password and return that, once; else None."""
    if await _queries.has_users(database.pool):
        return None
    password = secrets.token_urlsafe(12)
    made = await _queries.add_first_user(database.pool, name="admin", password_hash=await _hashed(password))
    return password if made is not None else None


async def create_user(database: Database, name: str, role: Role, *, actor: str, password: str | None = None) -> tuple[UserRow, str]:
    """A new account and its password, a random one unless given.

    Raises:
        NameTaken, WeakPassword
    """
    password = secrets.token_urlsafe(12) if password is None else _checked(password)
    hashed = await _hashed(password)
    async with database.transaction() as connection:
        user: UserRow | None = await _queries.add_user(connection, name=name, password_hash=hashed, role=role.value)
        if user is None:
            raise NameTaken(f"there is an account {name} already: choose another name")
        await audit(connection, actor, "user.create", f"user {user.id}", {"name": name, "role": role.value})
    return user, password


async def change_user(database: Database, user_id: int, *, role: Role | None, disabled: bool | None, actor: str) -> UserRow | None:
    """Another role, or disabled, which ends its sessions; None where there is no such account.

    Raises:
        LastAdmin
    """
    async with database.transaction() as connection:
        admins = [row["id"] async for row in _queries.lock_admins(connection)]
        stays_admin = not disabled and role in (None, Role.ADMIN)
        if admins == [user_id] and not stays_admin:
            raise LastAdmin("this is the last admin: make another account an admin first")
        value = role.value if role is not None else None
        user: UserRow | None = await _queries.change_user(connection, id=user_id, role=value, disabled=disabled)
        if user is not None:
            if disabled:
                await _queries.end_sessions(connection, user_id=user_id)
            await audit(connection, actor, "user.change", f"user {user_id}", {"role": value, "disabled": disabled})
    return user


async def set_password(database: Database, name: str, *, actor: str, password: str | None = None) -> str | None:
    """A new password, a random one unless given, and the end of the account's sessions; None where there is no such account.

    Raises:
        WeakPassword
    """
    password = secrets.token_urlsafe(12) if password is None else _checked(password)
    hashed = await _hashed(password)
    async with database.transaction() as connection:
        user_id = await _queries.set_password(connection, name=name, password_hash=hashed)
        if user_id is None:
            return None
        await _queries.end_sessions(connection, user_id=user_id)
        await audit(connection, actor, "user.password", f"user {user_id}", {})
    return password


async def change_own_password(database: Database, person: Person, old: str, new: str, *, session: str) -> None:
    """Another password for somebody who is signed in and knows the old one. His other sessions end, `session` stays.

    Raises:
        WrongPassword, WeakPassword, TooManyTries
    """
    checked, subject = _checked(new), f"password of user {person.user_id}"
    await _refuse_after_failures(database, {subject: TRIES_PER_ACCOUNT_AND_ADDRESS})
    found = await _queries.credentials(database.pool, name=person.name)
    if not await _matches(found["password_hash"] if found else None, old):
        await _queries.add_sign_in_failures(database.pool, subjects=[subject])
        raise WrongPassword("this is not your present password")
    hashed = await _hashed(checked)
    async with database.transaction() as connection:
        await _queries.forget_sign_in_failures(connection, subject=subject)
        await _queries.set_password(connection, name=person.name, password_hash=hashed)
        await _queries.end_other_sessions(connection, user_id=person.user_id, token_hash=_digest(session))
        await audit(connection, person.actor, "user.password", f"user {person.user_id}", {})


async def sign_out_everywhere(database: Database, person: Person) -> None:
    """All sessions of somebody who is signed in end, this one too."""
    async with database.transaction() as connection:
        await _queries.end_sessions(connection, user_id=person.user_id)
        await audit(connection, person.actor, "user.sign_out_everywhere", f"user {person.user_id}", {})


async def sign_in(database: Database, name: str, password: str, *, address: str) -> tuple[Person, str]:
    """Whoever has this name and password, and the secret of a new session. `address`: where the try comes from.

    Raises:
        SignInRefused, TooManyTries
    """
    pair, place = f"{name.lower()[:200]} from {address}", f"from {address}"
    await _refuse_after_failures(database, {pair: TRIES_PER_ACCOUNT_AND_ADDRESS, place: TRIES_PER_ADDRESS})
    found = await _queries.credentials(database.pool, name=name)
    if not await _matches(found["password_hash"] if found else None, password) or found is None:
        await _queries.add_sign_in_failures(database.pool, subjects=[pair, place])
        raise SignInRefused("name or password are wrong")
    secret = secrets.token_urlsafe(32)
    async with database.transaction() as connection:
        await _queries.forget_sign_in_failures(connection, subject=pair)
        await _queries.add_session(connection, token_hash=_digest(secret), user_id=found["id"], lasts=SESSION_LASTS)
        await audit(connection, found["name"], "sign_in", f"user {found['id']}", {})
    return _person(SignedIn(found["id"], found["name"], found["role"])), secret


async def who_by_session(database: Database, secret: str) -> Person | None:
    """Whose session it is; None where it has ended, or never was."""
    found: SignedIn | None = await _queries.session_user(database.pool, token_hash=_digest(secret))
    return _person(found) if found is not None else None


def session_hash(secret: str) -> bytes:
    """As a session is kept: whatever is bound to a session is bound to this."""
    return _digest(secret)


async def sign_out(database: Database, secret: str) -> None:
    """The session ends at once for everything that uses it: dashboard, live page, other processes."""
    await _queries.end_session(database.pool, token_hash=_digest(secret))


async def create_token(database: Database, name: str, role: Role, *, actor: str, created_by: int | None = None) -> tuple[TokenRow, str]:
    """A new token for a program, and its secret, which is not kept."""
    secret = f"cw_{secrets.token_urlsafe(32)}"
    async with database.transaction() as connection:
        token: TokenRow = await _queries.add_token(
            connection, name=name, token_hash=_digest(secret), role=role.value, created_by=created_by
        )
        await audit(connection, actor, "token.create", f"token {token.id}", {"name": name, "role": role.value})
    return token, secret


async def revoke_token(database: Database, token_id: int, *, actor: str) -> bool:
    """The token is refused from now on; False where there is no such token."""
    async with database.transaction() as connection:
        name = await _queries.revoke_token(connection, id=token_id)
        if name is not None:
            await audit(connection, actor, "token.revoke", f"token {token_id}", {"name": name})
    return name is not None


async def who_by_token(database: Database, secret: str) -> Person | None:
    """Which token it is; None where it was revoked, or never was."""
    found: SignedIn | None = await _queries.token_holder(database.pool, token_hash=_digest(secret))
    return Person(found.name, Role(found.role), f"token {found.id} ({found.name})") if found is not None else None


async def users(database: Database, after: int, at_most: int) -> Sequence[UserRow]:
    """Accounts after that id, oldest first."""
    return [row async for row in _queries.list_users(database.pool, after=after, at_most=at_most)]


async def user(database: Database, user_id: int) -> UserRow | None:
    found: UserRow | None = await _queries.get_user(database.pool, id=user_id)
    return found


async def tokens(database: Database, after: int, at_most: int) -> Sequence[TokenRow]:
    """Tokens after that id that are not revoked, oldest first."""
    return [row async for row in _queries.list_tokens(database.pool, after=after, at_most=at_most)]


async def _refuse_after_failures(database: Database, allowed: Mapping[str, int]) -> None:
    """Raises TooManyTries where a subject of `allowed` has failed as often as that in the last 15 minutes."""
    found = _queries.count_sign_in_failures(database.pool, subjects=list(allowed))
    if any([row["failures"] >= allowed[row["subject"]] async for row in found]):
        raise TooManyTries("too many failed tries: wait 15 minutes, or have an admin reset the password")


def _person(found: SignedIn) -> Person:
    return Person(found.name, Role(found.role), found.name, user_id=found.id, by_cookie=True)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()  # 256 random bits: nothing to guess, so nothing to slow down


def _checked(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise WeakPassword(f"the password is too short: use at least {SHORTEST_PASSWORD} characters")
    return password


async def _hashed(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_hashing, _hasher.hash, password)


async def _matches(hashed: str | None, password: str) -> bool:
    """`hashed` is None where there is no such account: that takes as long, and never matches."""
    return await asyncio.get_running_loop().run_in_executor(_hashing, _verify, hashed or _decoy(), password)


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    return _hasher.hash(secrets.token_urlsafe(12))

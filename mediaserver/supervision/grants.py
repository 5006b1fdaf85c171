"""Grants: the right to one connection to one call, for whoever has the session that asked for it, once, within half a minute."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from db.audit import audit
from db.browser_line import number_of
from db.database import Database
from db.queries import load
from db.rows import CallHolder, GrantAsItIs, GrantUsed
from dialer.errors import NotFound
from mediaserver.identity import Person, Role, session_hash

VALID_S = 30.0

_queries = load("live")


class Kind(StrEnum):
    """What a connection is for."""

    SUPERVISE = "supervise"
    TALK = "talk"  # whoever talks to an agent in the browser reads along


NEEDED = {Kind.SUPERVISE: Role.SUPERVISOR, Kind.TALK: Role.OPERATOR}
MAY: dict[Kind, list[str]] = {Kind.SUPERVISE: ["listen", "whisper", "take_over", "hang_up", "mark"], Kind.TALK: []}


class WhyNot(StrEnum):
    """Why somebody was not let in: for the log and the audit log, the page learns nothing of it."""

    NOT_SIGNED_IN = "not_signed_in"
    ROLE = "role"
    NO_GRANT = "no_grant"
    UNKNOWN = "unknown"
    OTHER_CALL = "other_call"
    OTHER_SESSION = "other_session"
    USED = "used"
    EXPIRED = "expired"
    NO_LONGER = "no_longer"  # the role, or the call, is not what it was when the grant was given


class GrantRefused(Exception):
    """Nobody is let in."""

    def __init__(self, why: WhyNot) -> None:
        super().__init__(f"a live page is refused: {why}")
        self.why = why


class NotInProgress(NotFound):
    """There is no such call in progress."""

    def __init__(self, call_id: int) -> None:
        super().__init__(f"call {call_id} is not in progress: it has ended, or was not answered yet")


@dataclass(frozen=True, slots=True)
class Issued:
    """A grant that is not kept anywhere, and when it ends."""

    grant: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who is let in, on which session, and what for."""

    call_id: int
    kind: Kind
    user_id: int
    name: str
    session_hash: bytes

    @property
    def may(self) -> list[str]:
        """What a page may offer."""
        return MAY[self.kind]


def kind_for(person: Person, holder: CallHolder) -> Kind | None:
    """What `person`, who is signed in, may come in for: a supervisor supervises, whoever talks in the browser reads along."""
    if person.user_id is None:
        return None
    if person.role.covers(NEEDED[Kind.SUPERVISE]):
        return Kind.SUPERVISE
    began_it = holder.number == number_of(person.user_id)
    return Kind.TALK if began_it and person.role.covers(NEEDED[Kind.TALK]) else None


async def issue(database: Database, call_id: int, person: Person, session: str, kind: Kind) -> Issued:
    """A new grant for the browser that has `session`.

    Raises:
        NotInProgress
    """
    grant = secrets.token_urlsafe(24)
    expires_at: datetime | None = await _queries.add_grant(
        database.pool,
        token_hash=_digest(grant),
        call_id=call_id,
        kind=kind.value,
        user_id=person.user_id,
        session_hash=session_hash(session),
        valid_s=VALID_S,
    )
    if expires_at is None:
        raise NotInProgress(call_id)
    return Issued(grant, expires_at)


async def redeem(database: Database, call_id: int, grant: str, session: str) -> Admitted:
    """Let somebody in, once. It stands in the audit log before anything is heard.

    Raises:
        GrantRefused
    """
    async with database.transaction() as connection:
        used: GrantUsed | None = await _queries.use_grant(
            connection,
            token_hash=_digest(grant),
            session_hash=session_hash(session),
            call_id=call_id,
            supervisors=_roles(Kind.SUPERVISE),
            talkers=_roles(Kind.TALK),
        )
        if used is not None:
            await audit(connection, used.name, "live.listen", f"call {call_id}", {"kind": used.kind})
            return Admitted(call_id, Kind(used.kind), used.user_id, used.name, session_hash(session))
        found: GrantAsItIs | None = await _queries.grant_as_it_is(connection, token_hash=_digest(grant))
    raise GrantRefused(_against(found, call_id, session_hash(session)))


async def holder_of(database: Database, call_id: int) -> CallHolder:
    """Who holds a call in progress.

    Raises:
        NotInProgress
    """
    found: CallHolder | None = await _queries.holder(database.pool, call_id=call_id)
    if found is None:
        raise NotInProgress(call_id)
    return found


def _roles(kind: Kind) -> list[str]:
    return [role.value for role in Role if role.covers(NEEDED[kind])]


def _against(found: GrantAsItIs | None, call_id: int, session: bytes) -> WhyNot:
    if found is None:
        return WhyNot.UNKNOWN
    if found.call_id != call_id:
        return WhyNot.OTHER_CALL
    if found.session_hash != session:
        return WhyNot.OTHER_SESSION
    if found.used:
        return WhyNot.USED
    return WhyNot.EXPIRED if found.expired else WhyNot.NO_LONGER


def _digest(grant: str) -> bytes:
    return hashlib.sha256(grant.encode()).digest()  # random bits: nothing to guess, so nothing to slow down

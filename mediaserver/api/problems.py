"""What went wrong, as problem details (RFC 9457): `title`, `status`, `detail` with what to do, and `problems`, field -> what is wrong."""

from collections.abc import Mapping

import asyncpg
import msgspec
from aiohttp import web
from pydantic import ValidationError

from agent_runtime.agent import InvalidAgent
from agent_runtime.supervision import NotPossible
from db.database import LOST, DatabaseUnavailable
from dialer.campaign_settings import InvalidCampaign
from dialer.csv_reading import NotACsv
from dialer.dialing import TrialCallRefused
from dialer.errors import NotAllowed, NotFound
from dialer.phone_numbers import InvalidNumber
from mediaserver.identity import LastAdmin, NameTaken, SignInRefused, TooManyTries, WeakPassword, WrongPassword
from mediaserver.outgoing.addresses import InvalidAddress
from mediaserver.supervision.peers import HolderAway

_TITLES = {
    400: "The request can't be read",
    401: "Sign in first",
    403: "Not allowed for this role",
    404: "Not found",
    409: "Not possible now",
    410: "Deleted",
    413: "Too large",
    415: "Wrong content type",
    422: "The values can't be used",
    429: "Too many tries",
    500: "Our fault",
    503: "Not available now",
}


class Problem(Exception):
    """Leaves a handler and becomes the answer."""

    def __init__(
        self, status: int, detail: str, problems: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.problems, self.headers = dict(problems or {}), dict(headers or {})

    def response(self) -> web.Response:
        document: dict[str, object] = {"title": _TITLES[self.status], "status": self.status, "detail": self.detail}
        if self.problems:
            document["problems"] = self.problems
        body = msgspec.json.encode(document)
        return web.Response(body=body, status=self.status, content_type="application/problem+json", headers=self.headers)


def problem_of(error: Exception) -> Problem | None:
    """The problem that an error of the layers below is; None for one that nobody foresaw."""
    match error:
        case Problem():
            return error
        case NotFound():
            return Problem(404, str(error))
        case NotAllowed() | NameTaken() | LastAdmin() | TrialCallRefused() | NotPossible():
            return Problem(409, str(error))
        case InvalidCampaign():
            return Problem(422, str(error), error.problems)
        case ValidationError():
            problems = {_field(found["loc"]): _said(found["msg"]) for found in error.errors(include_url=False, include_context=False)}
            return Problem(422, "; ".join(f"{field}: {said}" for field, said in problems.items()), problems)
        case InvalidNumber():
            return Problem(422, str(error), {"number": str(error)})
        case InvalidAddress():
            return Problem(422, str(error), {"url": str(error)})
        case NotACsv():
            return Problem(422, str(error), {"file": str(error)})
        case InvalidAgent():
            return Problem(422, str(error), {"definition": str(error)})
        case WrongPassword():
            return Problem(422, str(error), {"old_password": str(error)})
        case WeakPassword():
            return Problem(422, str(error), {"password": str(error)})
        case TooManyTries():
            return Problem(429, str(error), headers={"Retry-After": "900"})
        case SignInRefused():
            return Problem(401, str(error))
        case HolderAway():
            return Problem(503, str(error), headers={"Retry-After": "2"})
        case asyncpg.DiskFullError():
            return Problem(503, "the disk of the database is full: free some space there, then send it again")
        case _ if isinstance(error, (*LOST, DatabaseUnavailable)):
            return Problem(503, "the database does not answer: ask again in a moment", headers={"Retry-After": "2"})
        case _:
            return None


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")

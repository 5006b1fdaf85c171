"""Commands that are done once, however often they are sent: told by a key that the sender chooses (header Idempotency-Key)."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from db.database import Database
from db.queries import load
from mediaserver.api.problems import Problem, problem_of
from mediaserver.identity import Person

KEY_HEADER = "Idempotency-Key"

_queries = load("idempotency")


async def done_once(
    database: Database, request: web.Request, person: Person, key: str, do: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """What `do` answers, or answered when this person first sent this key; a refusal frees the key again.

    Raises:
        Problem: the key is that of another command, or of one that is not answered yet.
    """
    if not 1 <= len(key) <= 200:
        raise Problem(422, f"{KEY_HEADER} must have 1 to 200 characters")
    asked = f"{request.method} {request.path_qs}"
    if await _queries.claim_key(database.pool, actor=person.actor, key=key, asked=asked) is None:
        return await _kept(database, person, key, asked)
    try:
        answer = await do()
    except Exception as error:  # it goes on to the boundary; a refusal has done nothing, so the command may be sent again
        problem = problem_of(error)
        if problem is not None and problem.status < 500:
            await _queries.free_key(database.pool, actor=person.actor, key=key)
        raise
    text = answer.text if isinstance(answer, web.Response) else ""
    await _queries.keep_answer(database.pool, actor=person.actor, key=key, status=answer.status, answer=text or "")
    return answer


async def _kept(database: Database, person: Person, key: str, asked: str) -> web.Response:
    kept = await _queries.kept_answer(database.pool, actor=person.actor, key=key)
    if kept is None or kept["status"] is None:
        raise Problem(
            409, f"the first command with this {KEY_HEADER} is not answered yet: ask again in a moment, or look whether it was done"
        )
    if kept["answer"] is None:
        raise Problem(410, "this command was done, and its answer is deleted: it held data of a person who was erased since")
    if kept["asked"] != asked:
        raise Problem(422, f"this {KEY_HEADER} was used for {kept['asked']}: choose another one")
    return web.Response(text=kept["answer"], status=kept["status"], content_type="application/json")

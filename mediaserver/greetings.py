"""What is spoken ahead, while it rings: the greeting, kept in the database for whichever process gets the call, and fixed lines."""

import hashlib
import logging

from agent_runtime.agent import Agent, MissingVariable, fill
from agent_runtime.engines import EngineUnavailable, Voice
from agent_runtime.script import fixed_lines
from db.database import LOST, Database, DatabaseUnavailable
from db.queries import load
from dialer import queries as dialer_queries
from dialer.rows import CallBrief

log = logging.getLogger(__name__)

KEPT_S = 3600.0

_speech = load("speech")


class Greetings:
    """Greetings of all calls. `voice`: the local voice, None where this process has none; other voices greet when the call is answered.
    `version`: of the engine behind the local one.
    """

    def __init__(self, database: Database, voice: Voice | None, version: str) -> None:
        self._database, self._voice, self._version = database, voice, version

    async def prepare(self, call_id: int) -> None:
        """Have the greeting of a call ready before it is answered, then the lines that its agent may need.

        Raises:
            EngineUnavailable: the voice can't speak; the greeting is then spoken when the call is answered.
        """
        call: CallBrief | None = await dialer_queries.settling.brief(self._database.pool, call_id=call_id)
        if call is None or self._voice is None:
            return
        agent, variables = Agent.from_dict(call.definition), texts(call)
        if agent.tts != "local":
            return
        text = fill(agent.first_message, variables)
        spoken = await self._voice.speak(text, agent.voice)
        await _speech.keep_prepared_speech(self._database.pool, key=self._key(agent, text), pcm=spoken.pcm)
        for line in fixed_lines(agent, variables):
            await self._voice.speak(line, agent.voice)

    async def find(self, agent: Agent, call: CallBrief) -> bytes | None:
        """The prepared greeting as PCM at 8 kHz; None where there is none, and then it is spoken now."""
        try:
            text = fill(agent.first_message, texts(call))
            found: bytes | None = await _speech.prepared_speech(self._database.pool, key=self._key(agent, text))
        except (MissingVariable, *LOST, DatabaseUnavailable) as error:
            log.warning("call %d: no prepared greeting (%s)", call.call_id, type(error).__name__)
            return None
        if found is None and self._voice is not None and agent.tts == "local":
            return await self._speak_now(text, agent.voice)
        return found

    async def forget_old(self) -> None:
        """Delete what no ringing phone can need any more."""
        await _speech.forget_prepared_speech(self._database.pool, older_than_s=KEPT_S)

    async def _speak_now(self, text: str, voice: str) -> bytes | None:
        assert self._voice is not None
        try:
            return (await self._voice.speak(text, voice)).pcm
        except EngineUnavailable as error:
            log.warning("a greeting can't be spoken: %s", error)
            return None

    def _key(self, agent: Agent, text: str) -> str:
        return hashlib.sha256("\0".join((self._version, agent.voice, text)).encode()).hexdigest()


def texts(call: CallBrief) -> dict[str, str]:
    """The variables of a call as texts."""
    return {name: str(value) for name, value in call.variables.items()}

"""What is spoken ahead, while it rings: the greeting, kept in the database for whichever process gets the call, and fixed lines."""

import asyncio
import hashlib
import logging
from collections.abc import Mapping

from agent_runtime.agent import Agent, MissingVariable, fill
from agent_runtime.conversation import prepare
from agent_runtime.engines import EngineUnavailable, Voice
from agent_runtime.providers import Services
from agent_runtime.script import fixed_lines
from db.database import LOST, Database, DatabaseUnavailable
from db.queries import load
from dialer import queries as dialer_queries
from dialer.rows import CallBrief

log = logging.getLogger(__name__)

KEPT_S = 3600.0

_speech = load("speech")


class Greetings:
    """Greetings of all calls, spoken by the local voice in `services`; other voices greet when the call is answered.

    `preparing`: the same voice for what can wait; `version`: of the engine behind both. A process without local engines has neither.
    """

    def __init__(self, database: Database, services: Services, preparing: Voice | None = None, version: str = "") -> None:
        self._database, self._services, self._preparing, self._version = database, services, preparing, version
        self._ahead: asyncio.Queue[tuple[str, str]] = asyncio.Queue()  # text and voice of lines that may be needed later

    async def speak_ahead(self) -> None:
        """Speak the lines that calls may need later. Until cancelled."""
        while True:
            text, voice = await self._ahead.get()
            try:
                if self._preparing is not None:
                    await self._preparing.speak(text, voice)
            except EngineUnavailable as error:
                log.warning("a line was not spoken ahead: %s", error)

    @property
    def has_voice(self) -> bool:
        """Whether this process can speak without a call."""
        return self._preparing is not None

    async def speak(self, agent: Agent, variables: Mapping[str, str]) -> bytes:
        """The greeting as PCM at 8 kHz, for somebody who tries the agent out; it never holds up a call.

        Raises:
            MissingVariable: the greeting needs a variable that is not there.
            EngineUnavailable: the voice can't speak.
        """
        if self._preparing is None:
            raise EngineUnavailable("this process has no voice")
        return (await self._preparing.speak(fill(agent.first_message, dict(variables)), agent.voice)).pcm

    async def prepare(self, call_id: int) -> None:
        """Have the greeting of a call ready before it is answered, and the lines that its agent may need soon after.

        Raises:
            EngineUnavailable: the voice can't speak; the greeting is then spoken when the call is answered.
        """
        call: CallBrief | None = await dialer_queries.settling.brief(self._database.pool, call_id=call_id)
        engines = self._services.engines
        if call is None or engines is None:
            return
        agent, variables = Agent.from_dict(call.definition), texts(call)
        if agent.tts == "local":
            text = fill(agent.first_message, variables)
            spoken = await engines.voice.speak(text, agent.voice)
            await _speech.keep_prepared_speech(self._database.pool, key=self._key(agent, text), pcm=spoken.pcm)
            for line in fixed_lines(agent, variables):
                self._ahead.put_nowait((line, agent.voice))
        await prepare(agent, self._services)

    async def find(self, agent: Agent, call: CallBrief) -> bytes | None:
        """The prepared greeting as PCM at 8 kHz; None where there is none, and then the conversation speaks it."""
        try:
            text = fill(agent.first_message, texts(call))
            found: bytes | None = await _speech.prepared_speech(self._database.pool, key=self._key(agent, text))
        except (MissingVariable, *LOST, DatabaseUnavailable) as error:
            log.warning("call %d: no prepared greeting (%s)", call.call_id, type(error).__name__)
            return None
        else:
            return found

    async def forget_old(self) -> None:
        """Delete what no ringing phone can need any more."""
        await _speech.forget_prepared_speech(self._database.pool, older_than_s=KEPT_S)

    def _key(self, agent: Agent, text: str) -> str:
        return hashlib.sha256("\0".join((self._version, agent.voice, text)).encode()).hexdigest()


def texts(call: CallBrief) -> dict[str, str]:
    """The variables of a call as texts."""
    return {name: str(value) for name, value in call.variables.items()}

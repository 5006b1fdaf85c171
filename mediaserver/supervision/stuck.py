"""Whether a call needs somebody's help. Pure."""

from dataclasses import dataclass

from agent_runtime.supervision import AgentState

THINKS_MS = 6_000
NOBODY_SPEAKS_MS = 30_000
NO_AUDIO_MS = 5_000


@dataclass(frozen=True, slots=True)
class Condition:
    """A call just now. `state_ms`: the agent is in `state` for so long; `quiet_ms`: nobody has spoken for so long; `line_quiet_ms`: no
    audio, not even silence, has come from the callee's line for so long."""

    state: AgentState
    state_ms: int
    quiet_ms: int
    line_quiet_ms: int


def stuck(call: Condition) -> str:
    """Why the call may need help, in words for people; empty while all is well."""
    if call.state is AgentState.OVER:
        return ""
    if call.line_quiet_ms > NO_AUDIO_MS:
        return "no audio comes from the callee's line"
    if call.state is AgentState.THINKING and call.state_ms > THINKS_MS:
        return "the agent has been thinking for more than 6 s"
    if call.quiet_ms > NOBODY_SPEAKS_MS:
        return "nobody has spoken for 30 s"
    return ""

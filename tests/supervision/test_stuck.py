"""When a call needs somebody's help."""

import pytest

from agent_runtime.supervision import AgentState
from mediaserver.supervision.stuck import Condition, stuck

WELL = Condition(AgentState.LISTENING, state_ms=0, quiet_ms=0, line_quiet_ms=20)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (WELL, ""),
        (Condition(AgentState.THINKING, 6_000, 6_000, 20), ""),
        (Condition(AgentState.THINKING, 6_001, 6_001, 20), "the agent has been thinking for more than 6 s"),
        (Condition(AgentState.SPEAKING, 60_000, 0, 20), ""),
        (Condition(AgentState.LISTENING, 30_000, 30_000, 20), ""),
        (Condition(AgentState.LISTENING, 30_001, 30_001, 20), "nobody has spoken for 30 s"),
        (Condition(AgentState.MAILBOX, 40_000, 40_000, 20), "nobody has spoken for 30 s"),
        (Condition(AgentState.AWAY, 60_000, 0, 20), ""),
        (Condition(AgentState.LISTENING, 100, 100, 5_000), ""),
        (Condition(AgentState.LISTENING, 100, 100, 5_001), "no audio comes from the callee's line"),
        (Condition(AgentState.THINKING, 7_000, 40_000, 6_000), "no audio comes from the callee's line"),
        (Condition(AgentState.OVER, 60_000, 60_000, 60_000), ""),
    ],
)
def test_a_stuck_call_is_told_in_words(call: Condition, says: str) -> None:
    assert stuck(call) == says

"""What queries return. Fields are named as the columns of the statement; times have a zone, ids are the database's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent with its newest definition (`agent_runtime.agent.Agent.from_dict` reads it)."""

    id: int
    name: str
    version: int
    definition: dict[str, Any]
    created_at: datetime
    updated_at: datetime

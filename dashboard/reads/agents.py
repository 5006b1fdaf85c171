"""What the agents' pages read."""

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.data import PAGE_SIZE
from dashboard.source import escaped, source
from db.queries import load

CAMPAIGNS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class AgentLine:
    """An agent in the list. `standing`: of its `campaigns`, how many are not over; `newest`: names of three of them at most."""

    id: int
    name: str
    version: int
    updated_at: datetime
    goal: str
    campaigns: int
    standing: int
    newest: list[str]


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent with its newest definition."""

    id: int
    name: str
    version: int
    definition: dict[str, Any]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AgentVersion:
    """What an agent was from `created_at` on."""

    version: int
    definition: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AgentCampaign:
    """A campaign that uses the agent, in this version."""

    id: int
    name: str
    status: str
    agent_version: int

    @property
    def over(self) -> bool:
        """Closed for good: it keeps no agent from being deleted."""
        return self.status in ("completed", "cancelled")


_queries = load("dashboard_agents", sys.modules[__name__])


def any_agent() -> bool:
    """Whether there is any agent at all."""
    return bool(source().one(_queries.any_agent))


def agents(search: str, after: AgentLine | None = None) -> list[AgentLine]:
    """One page of agents that follows `after`, by name; one more than PAGE_SIZE where there is a next page."""
    return source().many(
        _queries.agents_page,
        search=escaped(search),
        after_name=after.name if after else None,
        after_id=after.id if after else None,
        page_size=PAGE_SIZE + 1,
    )


def agent(agent_id: int) -> Agent | None:
    """The agent, or None where there is none of that id."""
    found: Agent | None = source().one(_queries.agent, agent_id=agent_id)
    return found


def free_name(name: str) -> str:
    """`name`, or it with the first number that no agent has taken."""
    taken = {row["name"] for row in source().many(_queries.names_like, name=name)}
    number, free = 1, name
    while free.lower() in taken:
        number += 1
        free = f"{name} {number}"
    return free


def versions(agent_id: int, before: int | None = None) -> list[AgentVersion]:
    """One page of the agent's versions older than `before`, newest first; one more than PAGE_SIZE where there is a next page."""
    return source().many(_queries.versions, agent_id=agent_id, before=before, page_size=PAGE_SIZE + 1)


def campaigns_of(agent_id: int) -> list[AgentCampaign]:
    """Campaigns that use the agent, those that are not over first; CAMPAIGNS_SHOWN at most."""
    return source().many(_queries.campaigns_of_agent, agent_id=agent_id, at_most=CAMPAIGNS_SHOWN)

-- Agents and their versions. A campaign keeps the version that it started with until it is edited.

-- name: list_agents(after, at_most)
-- record_class: AgentRow
-- A page of the agents, oldest first, each with its newest definition.
select a.id, a.name, a.version, v.definition, a.created_at, a.updated_at
from agents a
join agent_versions v on v.agent_id = a.id and v.version = a.version
where a.deleted_at is null and a.id > :after
order by a.id
limit :at_most;

-- name: get_agent(id)^
-- record_class: AgentRow
-- One agent with its newest definition.
select a.id, a.name, a.version, v.definition, a.created_at, a.updated_at
from agents a
join agent_versions v on v.agent_id = a.id and v.version = a.version
where a.id = :id and a.deleted_at is null;

-- name: add_agent(name, definition)^
-- record_class: AgentRow
-- A new agent with its first version.
with agent as (
    insert into agents (name) values (:name) returning *
), first as (
    insert into agent_versions (agent_id, version, definition) select id, version, :definition from agent returning definition
)
select agent.id, agent.name, agent.version, first.definition, agent.created_at, agent.updated_at from agent, first;

-- name: change_agent(id, version, name, definition)^
-- record_class: AgentRow
-- The next version of an agent, if it still has the version that was read.
with agent as (
    update agents set name = :name, version = version + 1, updated_at = callwright_now()
    where id = :id::bigint and version = :version::int and deleted_at is null
    returning *
), next as (
    insert into agent_versions (agent_id, version, definition) select id, version, :definition from agent returning definition
)
select agent.id, agent.name, agent.version, next.definition, agent.created_at, agent.updated_at from agent, next;

-- name: delete_agent(id)$
-- Hides an agent, unless a campaign that is not over uses it; its versions stay for the calls that used them. Returns its id.
update agents set deleted_at = callwright_now()
where id = :id and deleted_at is null
  and not exists (select from campaigns c where c.agent_id = agents.id and c.status in ('draft', 'pending', 'in_progress', 'paused'))
returning id;

-- name: campaigns_in_the_way(id, at_most)
-- Names of campaigns that are not over and use the agent, newest first: as long as there is one it can't be deleted.
select name from campaigns
where agent_id = :id and status in ('draft', 'pending', 'in_progress', 'paused')
order by id desc
limit :at_most;

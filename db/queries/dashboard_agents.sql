-- What the agents' pages read. Campaigns are few beside contacts and calls: they are counted by one look at their table.

-- name: any_agent()$
-- Whether there is any agent at all.
select exists (select from agents where deleted_at is null);

-- name: agents_page(search, after_name, after_id, page_size)
-- record_class: AgentLine
-- A page of agents by name, each with how many campaigns use it, how many of those are not over, and the newest of them by name.
with page as (
    select id, name, version, updated_at from agents
    where deleted_at is null
      and (:search::text is null or name ilike '%' || :search::text || '%')
      and (:after_id::bigint is null or (lower(name), id) > (lower(:after_name::text), :after_id::bigint))
    order by lower(name), id
    limit :page_size::int
), used as (
    select agent_id, count(*) as campaigns, count(*) filter (where status in ('draft', 'pending', 'in_progress', 'paused')) as standing,
           array_agg(name order by id desc) filter (where place <= 3) as newest
    from (select *, row_number() over (partition by agent_id order by id desc) as place
          from campaigns where agent_id in (select id from page)) as theirs
    group by agent_id
)
select page.id, page.name, page.version, page.updated_at, coalesce(v.definition ->> 'goal', '') as goal,
       coalesce(used.campaigns, 0) as campaigns, coalesce(used.standing, 0) as standing, coalesce(used.newest, '{}') as newest
from page
join agent_versions v on v.agent_id = page.id and v.version = page.version
left join used on used.agent_id = page.id
order by lower(page.name), page.id;

-- name: agent(agent_id)^
-- record_class: Agent
-- One agent with its newest definition.
select a.id, a.name, a.version, v.definition, a.updated_at
from agents a join agent_versions v on v.agent_id = a.id and v.version = a.version
where a.id = :agent_id::bigint and a.deleted_at is null;

-- name: names_like(name)
-- Names of agents that begin with this one, in small letters: to find one that is free.
select lower(name) as name from agents where deleted_at is null and starts_with(lower(name), lower(:name::text));

-- name: versions(agent_id, before, page_size)
-- record_class: AgentVersion
-- A page of an agent's versions, newest first.
select version, definition, created_at from agent_versions
where agent_id = :agent_id::bigint and (:before::int is null or version < :before::int)
order by version desc
limit :page_size::int;

-- name: campaigns_of_agent(agent_id, at_most)
-- record_class: AgentCampaign
-- Campaigns that use an agent, those that are not over first, then newest first.
select id, name, status, agent_version from campaigns
where agent_id = :agent_id::bigint
order by status in ('draft', 'pending', 'in_progress', 'paused') desc, id desc
limit :at_most::int;

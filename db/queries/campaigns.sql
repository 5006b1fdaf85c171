-- Campaigns: what operators set and do.

-- name: now()$
-- The time of the database.
select callwright_now();

-- name: get(campaign_id)^
-- record_class: Campaign
-- A campaign with the counts of its contacts.
select c.id, c.name, c.agent_id, c.agent_version, c.phone_number_id, c.status, c.status_reason, c.concurrency, c.max_retries, c.retry_delay_min,
       c.throttle_delay_ms, c.start_time, c.end_time, c.timezone, c.weekdays, c.scheduled_start, c.retry_on_voicemail, c.retry_on_dropped,
       c.local_hours, c.ring_timeout_s, c.max_per_24h, c.max_per_7d, c.pilot_size, c.version, c.created_by, c.created_at, c.started_at, c.ended_at,
       coalesce(n.pending, 0) as pending, coalesce(n.in_progress, 0) as in_progress, coalesce(n.completed, 0) as completed,
       coalesce(n.failed, 0) as failed, coalesce(n.skipped, 0) as skipped
from campaigns c left join campaign_counts n on n.campaign_id = c.id
where c.id = :campaign_id::bigint;

-- name: agent(agent_id)^
-- An agent that campaigns may use, with its newest version.
select id, version from agents where id = :agent_id::bigint and deleted_at is null;

-- name: number(phone_number_id)^
-- A number that campaigns may call from.
select id, carrier_account_id from phone_numbers where id = :phone_number_id::bigint and deleted_at is null;

-- name: create(name, agent_id, agent_version, phone_number_id, concurrency, max_retries, retry_delay_min, throttle_delay_ms, start_time, end_time, timezone, weekdays, scheduled_start, retry_on_voicemail, retry_on_dropped, local_hours, ring_timeout_s, max_per_24h, max_per_7d, pilot_size, actor)$
-- A new campaign in Draft: its id.
insert into campaigns (name, agent_id, agent_version, phone_number_id, concurrency, max_retries, retry_delay_min, throttle_delay_ms, start_time,
                       end_time, timezone, weekdays, scheduled_start, retry_on_voicemail, retry_on_dropped, local_hours, ring_timeout_s,
                       max_per_24h, max_per_7d, pilot_size, created_by)
values (:name::text, :agent_id::bigint, :agent_version::int, :phone_number_id::bigint, :concurrency::int, :max_retries::int, :retry_delay_min::int,
        :throttle_delay_ms::int, :start_time::time, :end_time::time, :timezone::text, :weekdays::smallint[], :scheduled_start::timestamptz,
        :retry_on_voicemail::boolean, :retry_on_dropped::boolean, :local_hours::boolean, :ring_timeout_s::int, :max_per_24h::int, :max_per_7d::int,
        :pilot_size::int, :actor::text)
returning id;

-- name: edit(campaign_id, name, agent_id, agent_version, phone_number_id, concurrency, max_retries, retry_delay_min, throttle_delay_ms, start_time, end_time, timezone, weekdays, scheduled_start, retry_on_voicemail, retry_on_dropped, local_hours, ring_timeout_s, max_per_24h, max_per_7d, pilot_size)!
-- New settings; what held contacts back under the old ones is looked at again (look_again).
update campaigns set
    name = :name::text, agent_id = :agent_id::bigint, agent_version = :agent_version::int, phone_number_id = :phone_number_id::bigint,
    concurrency = :concurrency::int, max_retries = :max_retries::int, retry_delay_min = :retry_delay_min::int,
    throttle_delay_ms = :throttle_delay_ms::int, start_time = :start_time::time, end_time = :end_time::time, timezone = :timezone::text,
    weekdays = :weekdays::smallint[], scheduled_start = :scheduled_start::timestamptz, retry_on_voicemail = :retry_on_voicemail::boolean,
    retry_on_dropped = :retry_on_dropped::boolean, local_hours = :local_hours::boolean, ring_timeout_s = :ring_timeout_s::int,
    max_per_24h = :max_per_24h::int, max_per_7d = :max_per_7d::int, pilot_size = :pilot_size::int,
    pilot_done = pilot_done and pilot_size is not distinct from :pilot_size::int, version = version + 1
where id = :campaign_id::bigint;

-- name: look_again(campaign_id)!
-- Whatever gate held a pending contact back is looked at anew, at once; until then what it said last stands there.
update contacts set look_again_at = null, updated_at = callwright_now()
where campaign_id = :campaign_id::bigint and status = 'pending' and look_again_at is not null;

-- name: set_status(campaign_id, status, reason)!
-- A new status, with the reason where it is not an operator's.
update campaigns set status = :status::text, status_reason = :reason::text where id = :campaign_id::bigint;

-- name: run(campaign_id, status)$
-- Start or Resume: it runs from now on. Dialers are told.
update campaigns set status = :status::text, status_reason = '', running_since = callwright_now(), started_at = coalesce(started_at, callwright_now()),
    ended_at = null
where id = :campaign_id::bigint
returning pg_notify('callwright_dialer', '');

-- name: end(campaign_id, status)!
-- Stopped for good.
update campaigns set status = :status::text, status_reason = '', ended_at = callwright_now() where id = :campaign_id::bigint;

-- name: delete(campaign_id)!
-- A Draft that nobody needs, with its contacts.
delete from campaigns where id = :campaign_id::bigint and status = 'draft';

-- name: copy_contacts(from_id, to_id)!
-- All contacts of one campaign as fresh ones of another, but for those that were erased.
insert into contacts (campaign_id, number, name, variables)
select :to_id::bigint, number, name, variables from contacts where campaign_id = :from_id::bigint and not erased order by id;

-- name: stop_posts(campaign_id)
-- Calls of the campaign whose POST is on its way are to be taken back when it returns, those of which nobody knows whether the carrier took
-- them as soon as it is known: their ids.
update calls set cancel_wanted = true
where id in (select id from calls
             where campaign_id = :campaign_id::bigint and live and (state = 'requested' and posted_at is null or state = 'unknown')
             order by id for no key update)
returning id;

-- name: posts_open(ids)$
-- How many of these POSTs have not come back, their calls unanswered. A webhook may be faster than the answer to the POST.
select count(*) from calls where id = any (:ids::bigint[]) and state in ('requested', 'ringing') and posted_at is null;

-- name: missing_variables(campaign_id)
-- record_class: MissingVariable
-- Which variables of the agent's texts how many pending contacts lack: as the function of that name, for a million contacts at once.
with required as materialized (
    select unnest(av.required_variables) as name
    from campaigns c join agent_versions av on av.agent_id = c.agent_id and av.version = c.agent_version
    where c.id = :campaign_id::bigint
)
select r.name, count(*) as contacts
from required r cross join contacts ct
where ct.campaign_id = :campaign_id::bigint and ct.status = 'pending'
  and trim(coalesce(case r.name when 'phone_number' then ct.number when 'contact_name' then ct.name else ct.variables ->> r.name end, '')) = ''
group by r.name order by count(*) desc, r.name;

-- name: changes(campaign_id)
-- record_class: CampaignChange
-- What the campaign's status became and why, newest first.
select at, status, reason from campaign_changes where campaign_id = :campaign_id::bigint order by id desc limit 100;

-- name: roomiest_process()$
-- The living process that can hold most calls more: its id, null where none lives.
select p.id from processes p
where p.stopped_at is null and p.heartbeat_at > callwright_now() - interval '30 s'
order by p.concurrency - (select count(*) from calls k where k.process_id = p.id and k.live) desc, p.id limit 1;

-- name: before(contact_id, most)$
-- How many pending contacts of the same campaign come before this one, counted up to so many.
select count(*) from (
    (select from contacts o, contacts ct
     where ct.id = :contact_id::bigint and o.campaign_id = ct.campaign_id and o.status = 'pending' and o.is_retry and not ct.is_retry
       and o.due_at <= callwright_now() limit :most::int)
    union all
    (select from contacts o, contacts ct
     where ct.id = :contact_id::bigint and o.campaign_id = ct.campaign_id and o.status = 'pending' and o.is_retry = ct.is_retry
       and o.due_at <= callwright_now() and (o.due_at, o.id) < (ct.due_at, ct.id) limit :most::int)
    limit :most::int
) earlier;

-- name: capacity(phone_number_id)^
-- record_class: Capacity
-- What the number, its carrier account and the processes that live now can carry.
select n.concurrency as number_concurrency, n.calls_per_second as number_calls_per_second, a.calls_per_second as account_calls_per_second,
       (select sum(p.concurrency) from processes p
        where p.stopped_at is null and p.heartbeat_at > callwright_now() - interval '30 s') as processes_concurrency
from phone_numbers n join carrier_accounts a on a.id = n.carrier_account_id
where n.id = :phone_number_id::bigint;

-- name: stats(campaign_id)^
-- record_class: CampaignStats
-- What the campaign's calls came to so far, from the kept counts.
select (select count(*) from calls k where k.campaign_id = :campaign_id::bigint and k.live) as live,
       coalesce(sum(calls), 0)::bigint as ended, coalesce(sum(answered), 0)::bigint as answered,
       coalesce(sum(calls) filter (where outcome in ('person', 'callback')), 0)::bigint as people,
       coalesce(sum(calls) filter (where goal = 'met'), 0)::bigint as goals_met,
       coalesce(sum(calls) filter (where outcome in ('voicemail_message', 'voicemail_no_message')), 0)::bigint as voicemails,
       coalesce(sum(opted_out), 0)::bigint as opted_out,
       (sum(duration_ms) / nullif(sum(timed), 0))::float8 as mean_duration_ms,
       callwright_now() as now
from call_results where campaign_id = :campaign_id::bigint and outcome is distinct from 'withdrawn';

-- name: waiting(campaign_id, most)
-- record_class: Waiting
-- Why pending contacts wait, most frequent gate first; each is counted up to `most`.
select gate, contacts, at_least, look_again_at from why_contacts_wait(:campaign_id::bigint, :most::int);

-- What a forecast is made from, and the one that is kept at Start. A million contacts are answered for by a sample of them.

-- name: line(phone_number_id, campaign_id)^
-- record_class: ForecastLine
-- What a number, its carrier account and the living processes allow, and how many other campaigns are in progress on each of them.
select a.calls_per_second as account_calls_per_second, n.calls_per_second as number_calls_per_second, n.concurrency as number_concurrency,
       (select sum(p.concurrency)::int from processes p
        where p.stopped_at is null and p.heartbeat_at > callwright_now() - interval '30 s') as process_concurrency,
       o.on_account, o.on_number, o.on_processes, a.backed_off_until, a.rehearsal, callwright_now() as now
from phone_numbers n
join carrier_accounts a on a.id = n.carrier_account_id
cross join lateral (
    select count(*) filter (where m.carrier_account_id = a.id) as on_account, count(*) filter (where m.id = n.id) as on_number,
           count(*) as on_processes
    from campaigns c join phone_numbers m on m.id = c.phone_number_id
    where c.status = 'in_progress' and c.id is distinct from :campaign_id::bigint
) o
where n.id = :phone_number_id::bigint;

-- name: pending(campaign_id, agent_id, agent_version, rehearsal, now, most, sampled)
-- record_class: ForecastContact
-- Pending contacts of a campaign with what the gates look at: all, or so many of them, one from each stretch of their ids at a place in it
-- that is scattered but always the same, so that the same question has the same answer.
with ends as materialized (
    select min(id) as first, max(id) - min(id) + 1 as ids from contacts where campaign_id = :campaign_id::bigint and status = 'pending'
), places as (
    select first + floor((n + (hashint4(n) & 1023) / 1024.0) * ids / :most::int)::bigint as place
    from ends, generate_series(0, :most::int - 1) as n
), picked as materialized (
    (select id from contacts where campaign_id = :campaign_id::bigint and status = 'pending' and not :sampled::boolean order by id limit :most::int)
    union all
    select next.id
    from places cross join lateral (
        select id from contacts where campaign_id = :campaign_id::bigint and status = 'pending' and id >= place order by id limit 1
    ) next
    where :sampled::boolean
)
select ct.id, ct.number, nullif(ct.variables ->> 'timezone', '') as zone, ct.tries, ct.extra_tries, ct.lost_tries, ct.callback, ct.begun,
       ct.blocked_by, ct.blocked_reason, missing_variables(av.required_variables, ct.variables, ct.number, ct.name) as missing,
       f.suppressed, f.live, f.tries_7d, ct.not_before
from picked
join contacts ct on ct.id = picked.id
join agent_versions av on av.agent_id = :agent_id::bigint and av.version = :agent_version::int
cross join lateral callee_facts(ct.number, :rehearsal::boolean, :now::timestamptz) f;

-- name: calls_so_far(campaign_id, most)
-- record_class: ForecastOutcome
-- How the campaign's last calls ended, and how long they kept their slot. Withdrawn and lost ones were no tries.
select outcome, count(*) as calls, avg(extract(epoch from ended_at - coalesce(requested_at, planned_at)))::float8 as mean_s
from (
    select outcome, planned_at, requested_at, ended_at from calls
    where campaign_id = :campaign_id::bigint and state = 'ended' order by id desc limit :most::int
) recent
where outcome not in ('withdrawn', 'lost')
group by outcome;

-- name: pilot_left(campaign_id, size)$
-- How many contacts a pilot of this size may still begin; null where it is done: another size begins a new one.
select greatest(0, :size::int - (select count(distinct k.contact_id) from calls k where k.campaign_id = c.id))::int
from campaigns c where c.id = :campaign_id::bigint and (not c.pilot_done or c.pilot_size is distinct from :size::int);

-- name: keep(campaign_id, made_at, finishes_at, earliest_at, latest_at, contacts, calls, reached, buckets)!
-- The forecast of a campaign that starts. A campaign starts once.
insert into campaign_forecasts (campaign_id, made_at, finishes_at, earliest_at, latest_at, contacts, calls, reached, buckets)
values (:campaign_id::bigint, :made_at::timestamptz, :finishes_at::timestamptz, :earliest_at::timestamptz, :latest_at::timestamptz,
        :contacts::float8, :calls::float8, :reached::float8, :buckets::jsonb)
on conflict (campaign_id) do nothing;

-- name: kept(campaign_id)^
-- record_class: KeptForecast
-- The forecast that was made when the campaign started.
select made_at, finishes_at, earliest_at, latest_at, contacts, calls, reached, buckets from campaign_forecasts
where campaign_id = :campaign_id::bigint;

-- What the dialer reads and writes on the way from a contact to a placed call. Locks are taken in one order everywhere:
-- carrier account, phone number, campaign, callee, call. Each statement takes the time once it has its locks.

-- name: lock_account(account_id)$
-- Lock a carrier account: one claim at a time, so that its calls per second hold.
select id from carrier_accounts where id = :account_id::bigint for no key update;

-- name: lock_line(account_id, phone_number_id)$
-- Lock a carrier account and one of its numbers, in this order.
select lock_line(:account_id::bigint, :phone_number_id::bigint, null, false);

-- name: account_of(phone_number_id)$
-- The carrier account of one of our numbers.
select carrier_account_id from phone_numbers where id = :phone_number_id::bigint;

-- name: lock_campaign(campaign_id)$
-- Lock a campaign against every other change of its status, its contacts and its calls; its status.
select status from campaigns where id = :campaign_id::bigint for no key update;

-- name: lock_callee(number, rehearsal)!
-- Lock the row that stands for a number, made if there is none: what a claim, a flip and a suppression all do.
-- The update never comes to pass, but its row is locked.
insert into callees as c (number, rehearsal) values (:number::text, :rehearsal::boolean)
on conflict (number, rehearsal) do update set first_seen_at = c.first_seen_at where false;

-- name: claim_view(account_id, phone_number_id, campaign_id, process_id, most, alone)$
-- Lock a line, the campaign (alone, or beside flips) and the callees of its next contacts, and see them: JSON of a ClaimView, null where
-- there is no such campaign.
select claim_view(:account_id::bigint, :phone_number_id::bigint, :campaign_id::bigint, :process_id::text, :most::int, :alone::boolean);

-- name: flip_view(call_id)$
-- Lock a call's campaign (its status) and its callee, and see them: JSON of a FlipView, null where there is no such call.
select flip_view(:call_id::bigint);

-- name: campaigns(accounts)
-- record_class: CampaignView
-- Every campaign that runs or waits on one of these carrier accounts, longest not served first. `live` is counted only where somebody is due.
with clock as materialized (select callwright_now() as now)
select c.id, c.status, c.version, c.phone_number_id, n.carrier_account_id, a.name as account, a.rehearsal, c.concurrency, c.max_retries,
       c.retry_delay_min, c.throttle_delay_ms, c.start_time, c.end_time, c.timezone, c.weekdays, c.scheduled_start, c.retry_on_voicemail,
       c.retry_on_dropped, c.local_hours, c.ring_timeout_s, c.max_per_24h, c.max_per_7d, p.next_start_at, p.fresh_allowed,
       case when due.at <= clock.now then (select count(*) from calls k where k.campaign_id = c.id and k.live) else 0 end as live,
       due.at as next_due_at, clock.now
from clock
cross join campaigns c
join phone_numbers n on n.id = c.phone_number_id
join carrier_accounts a on a.id = n.carrier_account_id
cross join lateral (
    select p.next_start_at, p.last_claim_at, c.pilot_size is null or c.pilot_done or p.contacts_begun < c.pilot_size as fresh_allowed
    from campaign_pacing p where p.campaign_id = c.id
) p
cross join lateral (
    select least(
        (select due_at from contacts where campaign_id = c.id and status = 'pending' and is_retry order by due_at limit 1),
        (select due_at from contacts where campaign_id = c.id and status = 'pending' and not is_retry and p.fresh_allowed
         order by due_at limit 1)
    ) as at offset 0 -- looked up once a campaign, not once for each of its uses
) due
where c.status in ('pending', 'in_progress') and a.name = any (:accounts::text[])
order by p.last_claim_at, c.id;

-- name: campaign(campaign_id)^
-- record_class: CampaignView
-- One campaign in whatever status; `next_due_at` is left out.
select c.id, c.status, c.version, c.phone_number_id, n.carrier_account_id, a.name as account, a.rehearsal, c.concurrency, c.max_retries,
       c.retry_delay_min, c.throttle_delay_ms, c.start_time, c.end_time, c.timezone, c.weekdays, c.scheduled_start, c.retry_on_voicemail,
       c.retry_on_dropped, c.local_hours, c.ring_timeout_s, c.max_per_24h, c.max_per_7d, p.next_start_at,
       c.pilot_size is null or c.pilot_done or p.contacts_begun < c.pilot_size as fresh_allowed,
       (select count(*) from calls k where k.campaign_id = c.id and k.live) as live,
       null::timestamptz as next_due_at,
       callwright_now() as now
from campaigns c
join campaign_pacing p on p.campaign_id = c.id
join phone_numbers n on n.id = c.phone_number_id
join carrier_accounts a on a.id = n.carrier_account_id
where c.id = :campaign_id::bigint;

-- name: line(phone_number_id, process_id)^
-- record_class: LineView
-- A number with its account and the process that would dial on it.
select n.id as phone_number_id, a.id as carrier_account_id, a.rehearsal, a.calls_per_second as account_calls_per_second,
       a.next_start_at as account_next_start_at, a.backed_off_until, n.calls_per_second as number_calls_per_second,
       n.next_start_at as number_next_start_at, n.concurrency as number_concurrency,
       case when n.concurrency is not null then (select count(*) from calls k where k.phone_number_id = n.id and k.live) else 0 end
           as live_of_number,
       p.concurrency as process_concurrency,
       (select count(*) from calls k where k.process_id = p.id and k.live) as live_of_process,
       callwright_now() as now
from phone_numbers n
join carrier_accounts a on a.id = n.carrier_account_id
cross join processes p
where n.id = :phone_number_id::bigint and p.id = :process_id::text;

-- name: contact(contact_id, rehearsal, now)^
-- record_class: ContactFacts
-- One pending contact with what its gates look at.
select ct.id, ct.number, nullif(ct.variables ->> 'timezone', '') as zone, ct.tries, ct.extra_tries, ct.lost_tries, ct.callback, ct.begun,
       ct.blocked_by, ct.blocked_reason, missing_variables(av.required_variables, ct.variables, ct.number, ct.name) as missing,
       f.suppressed, f.live, f.tries_7d
from contacts ct
join campaigns c on c.id = ct.campaign_id
join agent_versions av on av.agent_id = c.agent_id and av.version = c.agent_version
cross join lateral callee_facts(ct.number, :rehearsal::boolean, :now::timestamptz) f
where ct.id = :contact_id::bigint and ct.status = 'pending';

-- name: callee(number, rehearsal, now)^
-- Whether a number is suppressed or in a call, and its tries of the last seven days.
select suppressed, live, tries_7d from callee_facts(:number::text, :rehearsal::boolean, :now::timestamptz);

-- name: block_contacts(ids, statuses, gates, reasons, look_again_at)!
-- Contacts that a gate held back: those that wait stay pending with the reason, the others are skipped or failed.
update contacts ct set
    status = b.status, status_reason = case when b.status = 'pending' then '' else b.reason end,
    blocked_by = b.gate, blocked_reason = b.reason, look_again_at = b.look_again_at, updated_at = callwright_now()
from unnest(:ids::bigint[], :statuses::text[], :gates::text[], :reasons::text[], :look_again_at::timestamptz[])
    as b (id, status, gate, reason, look_again_at)
where ct.id = b.id and ct.status = 'pending';

-- name: note_verdicts(ids, gates, verdicts, reasons, look_again_at)!
-- The ledger: each change of verdict on a contact.
insert into gate_verdicts (contact_id, gate, verdict, value, look_again_at)
select b.id, b.gate, b.verdict, b.reason, b.look_again_at
from unnest(:ids::bigint[], :gates::text[], :verdicts::text[], :reasons::text[], :look_again_at::timestamptz[])
    as b (id, gate, verdict, reason, look_again_at);

-- name: plan(contact_id, process_id, lease_s, now, account_next, number_next, campaign_next)$
-- Write the intent to call a contact: the call's id. The contact is in progress, and the next call may start from the given times on.
with contact as (
    update contacts set status = 'in_progress', status_reason = '', blocked_by = null, blocked_reason = null, look_again_at = null, begun = true,
        updated_at = callwright_now()
    where id = :contact_id::bigint
    returning id, campaign_id, number, name, variables, tries
), campaign as (
    update campaign_pacing p set next_start_at = :campaign_next::timestamptz, last_claim_at = :now::timestamptz,
        contacts_begun = contacts_begun + (not before.begun)::int
    from contacts before, campaigns c where before.id = :contact_id::bigint and c.id = before.campaign_id and p.campaign_id = c.id
    returning c.id, c.phone_number_id, c.agent_id, c.agent_version, c.ring_timeout_s
), phone_number as (
    update phone_numbers n set next_start_at = :number_next::timestamptz from campaign c where n.id = c.phone_number_id
    returning n.id, n.carrier_account_id
), account as (
    update carrier_accounts a set next_start_at = :account_next::timestamptz from phone_number n where a.id = n.carrier_account_id
    returning a.id, a.rehearsal
)
insert into calls (campaign_id, contact_id, number, contact_name, variables, phone_number_id, carrier_account_id, agent_id, agent_version,
                   rehearsal, try, ring_timeout_s, process_id, planned_at, lease_until)
select c.id, ct.id, ct.number, ct.name, ct.variables, n.id, a.id, c.agent_id, c.agent_version,
       a.rehearsal, ct.tries + 1, c.ring_timeout_s, :process_id::text, :now::timestamptz, :now::timestamptz + make_interval(secs => :lease_s::float8)
from contact ct, campaign c, phone_number n, account a
returning id;

-- name: plan_test(agent_id, phone_number_id, number, contact_name, variables, ring_timeout_s, process_id, lease_s, now)$
-- Write the intent of a test call: newest version of the agent, no campaign and no contact. The line of the browser counts as deleted.
insert into calls (number, contact_name, variables, phone_number_id, carrier_account_id, agent_id, agent_version, rehearsal, ring_timeout_s,
                   process_id, planned_at, lease_until)
select :number::text, :contact_name::text, :variables::jsonb, n.id, a.id, g.id, g.version, a.rehearsal, :ring_timeout_s::int,
       :process_id::text, :now::timestamptz, :now::timestamptz + make_interval(secs => :lease_s::float8)
from phone_numbers n
join carrier_accounts a on a.id = n.carrier_account_id
cross join agents g
where n.id = :phone_number_id::bigint and (n.deleted_at is null or a.carrier = 'browser') and g.id = :agent_id::bigint and g.deleted_at is null
returning id;

-- name: space_line(account_id, account_next, phone_number_id, number_next)!
-- From when on the next call may start on the account and on the number.
with account as (
    update carrier_accounts set next_start_at = :account_next::timestamptz where id = :account_id::bigint
)
update phone_numbers set next_start_at = :number_next::timestamptz where id = :phone_number_id::bigint;

-- name: flip(call_id, process_id, fence, post_limit_s, version, open_until)^
-- record_class: Requested
-- Planned becomes requested, the last step before the POST, if nothing has changed since the gates were looked at.
select id, number, caller, carrier_account_id, ring_timeout_s
from flip(:call_id::bigint, :process_id::text, :fence::bigint, :post_limit_s::float8, :version::int, :open_until::timestamptz);

-- name: accepted(call_id, carrier_call_id)^
-- The carrier took the call: keep its id, unless a webhook was faster. Done, unless it is to be taken back at once.
update calls set carrier_call_id = coalesce(carrier_call_id, :carrier_call_id::text),
    posted_at = case when cancel_wanted then posted_at else callwright_now() end
where id = :call_id::bigint
returning carrier_call_id, cancel_wanted, state, outcome;

-- name: post_done(call_id)!
-- The POST is over, whatever came of it.
update calls set posted_at = callwright_now() where id = :call_id::bigint and posted_at is null;

-- name: unknown(call_id)$
-- Nobody knows whether the carrier took the call: to be settled, never asked for again.
update calls set state = 'unknown', unknown_at = callwright_now(), posted_at = callwright_now()
where id = :call_id::bigint and state = 'requested'
returning id;

-- name: account_well(account_id)!
-- The account answers again: the next back-off starts small.
update carrier_accounts set back_offs = 0, backed_off_until = null where id = :account_id::bigint and back_offs > 0;

-- name: account_back_offs(account_id)$
-- How often in a row the account has been left alone.
select back_offs from carrier_accounts where id = :account_id::bigint;

-- name: back_off(account_id, seconds)!
-- Leave the account alone for a while.
update carrier_accounts set back_offs = back_offs + 1,
    backed_off_until = greatest(backed_off_until, callwright_now() + make_interval(secs => :seconds::float8))
where id = :account_id::bigint;

-- name: process_starts(id, host, stream_url, concurrency, address)!
-- A process that can hold calls says that it is there.
insert into processes (id, host, stream_url, concurrency, address)
values (:id::text, :host::text, :stream_url::text, :concurrency::int, :address::text)
on conflict (id) do update set host = excluded.host, stream_url = excluded.stream_url, concurrency = excluded.concurrency,
    address = excluded.address, heartbeat_at = callwright_now(), stopped_at = null;

-- name: heartbeat(process_id, lease_s)!
-- The process lives: so do the leases of its calls. A call that somebody is changing right now is renewed by the next beat.
with beat as (
    update processes set heartbeat_at = callwright_now() where id = :process_id::text
)
update calls set lease_until = callwright_now() + make_interval(secs => :lease_s::float8)
where id in (select id from calls where process_id = :process_id::text and live for no key update skip locked);

-- name: process_stops(process_id)!
-- The process ends: what it has left runs out now, for others to take over.
with stopped as (
    update processes set stopped_at = callwright_now() where id = :process_id::text
)
update calls set lease_until = callwright_now()
where id in (select id from calls where process_id = :process_id::text and live order by id for no key update);

-- name: account_name(phone_number_id)$
-- The name of the carrier account that one of our numbers belongs to.
select a.name from phone_numbers n join carrier_accounts a on a.id = n.carrier_account_id where n.id = :phone_number_id::bigint;

-- What the dashboard's pages of phone numbers read. Figures come from counts that are kept as calls end.

-- name: numbers_page(only_id, after_id, page_size)
-- record_class: NumberLine
-- A page of the numbers, oldest first, or one of them, each with the campaigns that are not over and its calls in progress.
select n.id, n.e164 as number, n.label, n.concurrency, n.calls_per_second, a.name as account, a.rehearsal,
       a.calls_per_second as account_calls_per_second, u.campaign_ids, u.campaign_names,
       (select count(*) from calls k where k.phone_number_id = n.id and k.live) as calls_now
from phone_numbers n
join carrier_accounts a on a.id = n.carrier_account_id
cross join lateral (
    select coalesce(array_agg(c.id order by c.id), '{}') as campaign_ids, coalesce(array_agg(c.name order by c.id), '{}') as campaign_names
    from campaigns c where c.phone_number_id = n.id and c.status in ('draft', 'pending', 'in_progress', 'paused')
) u
where n.deleted_at is null and (:only_id::bigint is null or n.id = :only_id::bigint) and (:after_id::bigint is null or n.id > :after_id::bigint)
order by n.id limit :page_size::int;

-- name: accounts()
-- record_class: Account
-- The carrier accounts that a number may belong to, oldest first.
select name, rehearsal, calls_per_second from carrier_accounts where carrier <> 'browser' order by id;

-- name: answered_by_day(numbers, zone, days)
-- record_class: Day
-- Ended calls of these numbers on each of the last days that had any, oldest first. Calls of campaigns only; withdrawn ones count nowhere.
with clock as materialized (
    select (date_trunc('day', callwright_now() at time zone :zone::text) - (:days::int - 1) * interval '1 day') at time zone :zone::text as since
), by_half_hour as (
    select phone_number_id, half_hour, sum(calls)::bigint as calls, sum(answered)::bigint as answered
    from call_half_hours
    where half_hour >= (select since from clock) and phone_number_id = any (:numbers::bigint[])
    group by 1, 2
)
select phone_number_id as number_id, (half_hour at time zone :zone::text)::date as day, sum(calls)::bigint as calls,
       sum(answered)::bigint as answered
from by_half_hour
group by 1, 2 order by 1, 2;

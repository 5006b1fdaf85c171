-- The same as before, on the way to fresh contacts that was meant. Where `due_at` had to equal a value, their order was that of their ids, and a
-- planner that expected to find enough of them early read a million contacts by id to find none. A range leaves only the index of who is due.

-- Why a campaign's pending contacts wait: by the gate that said "not now" last, those whose next try is still to come, and those whose
-- turn it is. Each is counted up to `most`; `at_least` where there are more. One that goes beyond it is told exactly all the same where
-- it is the only one: all the others are known, and so is their sum.
create or replace function why_contacts_wait(of_campaign bigint, most int)
returns table (gate text, reason text, contacts bigint, at_least boolean, look_again_at timestamptz) language sql stable as $$
    with recursive gates as (
        (select c.blocked_by as gate from contacts c
         where c.campaign_id = of_campaign and c.status = 'pending' and c.blocked_by is not null order by c.blocked_by limit 1)
        union all
        select (select c.blocked_by from contacts c
                where c.campaign_id = of_campaign and c.status = 'pending' and c.blocked_by is not null and c.blocked_by > g.gate
                order by c.blocked_by limit 1)
        from gates g where g.gate is not null
    ), clock as materialized (
        select callwright_now() as now
    ), counted as (
        select g.gate, f.reason, n.contacts, f.look_again_at
        from gates g cross join clock
        cross join lateral (
            select count(*) as contacts from (
                select from contacts c where c.campaign_id = of_campaign and c.status = 'pending' and c.blocked_by = g.gate
                order by c.look_again_at limit most + 1) c
        ) n
        left join lateral (
            select c.blocked_reason as reason, c.look_again_at from contacts c
            where c.campaign_id = of_campaign and c.status = 'pending' and c.blocked_by = g.gate and c.look_again_at > clock.now
            order by c.look_again_at limit 1
        ) f on true
        where g.gate is not null
        union all
        select 'retry_delay', null, n.contacts, n.next_at
        from clock cross join lateral (
            select count(*) as contacts, min(c.not_before) as next_at from (
                select c.not_before from contacts c
                where c.campaign_id = of_campaign and c.status = 'pending' and c.blocked_by is null and c.not_before > clock.now
                order by c.not_before limit most + 1) c
        ) n
        union all
        select 'queue', null, n.contacts, null
        from clock cross join lateral (
            select count(*) as contacts from (
                (select from contacts c
                 where c.campaign_id = of_campaign and c.status = 'pending' and c.blocked_by is null and c.not_before <= clock.now
                 order by c.not_before limit most + 1)
                union all
                (select from contacts c
                 where c.campaign_id = of_campaign and c.status = 'pending' and not c.is_retry and c.due_at <= '1970-01-01 00:00+00'
                   and c.blocked_by is null order by c.due_at, c.id limit most + 1)
                limit most + 1) c
        ) n
    )
    select k.gate, k.reason,
           case when k.contacts <= most then k.contacts
                when count(*) filter (where k.contacts > most) over () = 1
                then n.pending - coalesce(sum(k.contacts) filter (where k.contacts <= most) over (), 0) else most end,
           k.contacts > most and count(*) filter (where k.contacts > most) over () > 1,
           k.look_again_at
    from counted k join campaign_counts n on n.campaign_id = of_campaign
    where k.contacts > 0
    order by 3 desc, 1
$$;

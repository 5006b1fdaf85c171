-- A call's changes of state are written into none of its indexes, and a flip that nothing stands against takes one round trip
-- (docs/decisions/0009-the-hot-path.md).

-- Not yet ended, as a column of its own: it changes once in a call's life, and partial indexes that ask for it are left alone until then.
alter table calls add column live boolean not null generated always as (state <> 'ended') stored;
drop index calls_one_live_per_contact, calls_one_live_per_number, calls_live, calls_live_of_number, calls_live_of_process, calls_leases, calls_by_result;
create unique index calls_one_live_per_contact on calls (contact_id) where live;
create unique index calls_one_live_per_number on calls (number, rehearsal) where live;
create index calls_live on calls (campaign_id) where live;
create index calls_live_of_number on calls (phone_number_id) where live;
create index calls_live_of_process on calls (process_id) where live;
create index calls_leases on calls (lease_until) where live;
create index calls_by_result on calls (campaign_id, result, planned_at, id) where not live;
-- Room on the page for a call's next versions.
alter table calls set (fillfactor = 70);

-- The same as before, with a queue: who waits for a row's lock is overtaken by who comes when it is free, who waits for this one is not,
-- so that no claim waits much longer than the others. It comes before all other locks, and nobody but a claim takes it.
create or replace function lock_line(account bigint, phone_number bigint, campaign bigint, alone boolean) returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock('carrier_accounts'::regclass::int, account::int);
    perform from carrier_accounts where id = account for no key update;
    perform from phone_numbers where id = phone_number for no key update;
    if alone then
        perform from campaigns where id = campaign for no key update;
    else
        perform from campaigns where id = campaign for share;
    end if;
end $$;

-- The same as before, by the column `live`.
create or replace function callee_facts(of_number text, of_rehearsal boolean, at timestamptz, out suppressed boolean, out live boolean, out tries_7d timestamptz[])
language sql stable as $$
    select exists (select from suppressions s where s.number = of_number and s.rehearsal = of_rehearsal and s.removed_at is null),
           exists (select from calls k where k.number = of_number and k.rehearsal = of_rehearsal and k.live),
           array(select k.planned_at from calls k
                 where k.number = of_number and k.rehearsal = of_rehearsal and k.planned_at > at - interval '7 days'
                   and k.requested_at is not null and (k.outcome is null or k.outcome not in ('withdrawn', 'lost')))
$$;

-- Its plans read by index whatever the statistics say: they are made when a process connects, and those of a fresh table say that
-- reading all of it is cheap, until the next analysis.
create or replace function claim_view(account bigint, phone_number bigint, campaign bigint, process text, most int, alone boolean) returns json
language plpgsql set timezone = 'UTC' set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off as $$
declare
    seen record;
    line json;
    ids bigint[];
    facts json;
begin
    perform set_config('synchronous_commit', 'off', true);
    perform lock_line(account, phone_number, campaign, alone);
    select c.id, c.status, c.version, c.phone_number_id, n.carrier_account_id, a.name as account, a.rehearsal, c.concurrency, c.max_retries,
           c.retry_delay_min, c.throttle_delay_ms, c.start_time, c.end_time, c.timezone, c.weekdays, c.scheduled_start, c.retry_on_voicemail,
           c.retry_on_dropped, c.local_hours, c.ring_timeout_s, c.max_per_24h, c.max_per_7d, p.next_start_at,
           c.pilot_size is null or c.pilot_done or p.contacts_begun < c.pilot_size as fresh_allowed,
           (select count(*) from calls k where k.campaign_id = c.id and k.live) as live,
           null::timestamptz as next_due_at, callwright_now() as now
    into seen
    from campaigns c
    join campaign_pacing p on p.campaign_id = c.id
    join phone_numbers n on n.id = c.phone_number_id
    join carrier_accounts a on a.id = n.carrier_account_id
    where c.id = campaign;
    if not found then
        return null;
    end if;
    select row_to_json(l) into line from (
        select n.id as phone_number_id, a.id as carrier_account_id, a.rehearsal, a.calls_per_second as account_calls_per_second,
               a.next_start_at as account_next_start_at, a.backed_off_until, n.calls_per_second as number_calls_per_second,
               n.next_start_at as number_next_start_at, n.concurrency as number_concurrency,
               (select count(*) from calls k where k.phone_number_id = n.id and k.live) as live_of_number,
               p.concurrency as process_concurrency,
               (select count(*) from calls k where k.process_id = p.id and k.live) as live_of_process,
               seen.now
        from phone_numbers n
        join carrier_accounts a on a.id = n.carrier_account_id
        cross join processes p
        where n.id = phone_number and p.id = process
    ) l;
    ids := hold_next_contacts(campaign, seen.rehearsal, seen.now, seen.fresh_allowed, most);
    select coalesce(json_agg(f order by f.turn), '[]') into facts from (
        select array_position(ids, ct.id) as turn, ct.id, ct.number, nullif(ct.variables ->> 'timezone', '') as zone, ct.tries, ct.extra_tries,
               ct.lost_tries, ct.callback, ct.begun, ct.blocked_by, ct.blocked_reason,
               missing_variables(av.required_variables, ct.variables, ct.number, ct.name) as missing,
               exists (select from suppressions s where s.number = ct.number and s.rehearsal = seen.rehearsal and s.removed_at is null) as suppressed,
               exists (select from calls k where k.number = ct.number and k.rehearsal = seen.rehearsal and k.live) as live,
               array(select k.planned_at from calls k
                     where k.number = ct.number and k.rehearsal = seen.rehearsal and k.planned_at > seen.now - interval '7 days'
                       and k.requested_at is not null and (k.outcome is null or k.outcome not in ('withdrawn', 'lost'))) as tries_7d
        from contacts ct
        join campaigns c on c.id = ct.campaign_id
        join agent_versions av on av.agent_id = c.agent_id and av.version = c.agent_version
        where ct.id = any (ids) and ct.status = 'pending'
    ) f;
    return json_build_object('campaign', row_to_json(seen), 'line', line, 'contacts', facts);
end $$;

create or replace function calls_with_words(
    of_campaign bigint, asked tsquery, results text[], since timestamptz, until timestamptz, before_id bigint, most int
) returns setof bigint language plpgsql stable as $$
declare
    oldest bigint := 0;
    above bigint := coalesce(before_id, 9223372036854775807);
    newest bigint;
    bits int := 13;
    found_here int;
begin
    if results is not null then
        asked := asked && (select string_agg(quote_literal(result_mark(r)), '|')::tsquery from unnest(results) as r);
    end if;
    if since is not null then
        select min(f.id) into oldest from call_results r
        cross join lateral (
            select k.id from calls k
            where not k.live and k.campaign_id = r.campaign_id and k.result = r.result and k.planned_at >= since
            order by k.planned_at, k.id limit 1) f
        where r.campaign_id = of_campaign;
    end if;
    if until is not null then
        select least(above, coalesce(max(f.id) + 1, 0)) into above from call_results r
        cross join lateral (
            select k.id from calls k
            where not k.live and k.campaign_id = r.campaign_id and k.result = r.result and k.planned_at < until
            order by k.planned_at desc, k.id desc limit 1) f
        where r.campaign_id = of_campaign;
    end if;
    while most > 0 and asked is not null loop
        select max(call_id) into newest from call_words where campaign_id = of_campaign and call_id < above;
        exit when newest is null or newest < coalesce(oldest, newest + 1);
        return query
            with here as materialized (
                select w.call_id, w.planned_at from call_words w
                where w.words @@ (asked && quote_literal(block_mark(of_campaign, newest, bits))::tsquery)
            )
            select h.call_id from here h
            where h.call_id < above and (since is null or h.planned_at >= since) and (until is null or h.planned_at < until)
            order by h.call_id desc limit most;
        get diagnostics found_here = row_count;
        most := most - found_here;
        above := (newest >> bits) << bits;
        bits := case when found_here < 16 then 18 else 13 end;
    end loop;
end $$;

-- The last step before the POST: planned becomes requested, if the call is still ours, its lease outlasts the POST, and nothing stands
-- against it that came since the gates were looked at: the campaign runs and is still of that version, the gates of time are sure to be
-- open (before `open_until`; null: they were looked at under these locks), the number is not suppressed. Each statement sees what was
-- committed before it began: after the locks. Without a row something has changed, and is to be looked at in full (flip_view).
create function flip(call bigint, process text, of_fence bigint, post_limit_s float8, of_version int, open_until timestamptz)
returns table (id bigint, number text, caller text, carrier_account_id bigint, ring_timeout_s int)
language plpgsql set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off as $$
#variable_conflict use_column
declare
    of_call record;
begin
    select k.campaign_id, k.number, k.rehearsal into of_call from calls k where k.id = call;
    if of_call.campaign_id is not null then
        perform from campaigns c
        where c.id = of_call.campaign_id and c.status in ('pending', 'in_progress') and c.version = of_version for share;
        if not found then
            return;
        end if;
    end if;
    insert into callees as c (number, rehearsal) values (of_call.number, of_call.rehearsal)
    on conflict (number, rehearsal) do update set first_seen_at = c.first_seen_at where false;
    return query
        update calls k set state = 'requested', requested_at = callwright_now()
        from phone_numbers n
        where k.id = call and k.state = 'planned' and k.process_id = process and k.fence = of_fence
          and k.lease_until > callwright_now() + make_interval(secs => post_limit_s) and n.id = k.phone_number_id
          and callwright_now() < coalesce(open_until, 'infinity')
          and not exists (select from suppressions s where s.number = k.number and s.rehearsal = k.rehearsal and s.removed_at is null)
        returning k.id, k.number, n.e164, k.carrier_account_id, k.ring_timeout_s;
end $$;

-- What claims of one line write again and again lies apart from what people edit and what flips hold; the claim's and the flip's locks
-- and what is seen under them take one round trip each (docs/decisions/0009-the-hot-path.md).

-- Who was served when, and when the next call may start. Written under the lock of the campaign's carrier account.
create table campaign_pacing (
    campaign_id bigint primary key references campaigns on delete cascade,
    contacts_begun int not null default 0, -- contacts that were claimed at least once: what the pilot counts
    next_start_at timestamptz not null default '1970-01-01 00:00+00', -- throttle
    last_claim_at timestamptz not null default '1970-01-01 00:00+00' -- who was served longest ago comes first
) with (fillfactor = 20);
insert into campaign_pacing (campaign_id, contacts_begun, next_start_at, last_claim_at)
select id, contacts_begun, next_start_at, last_claim_at from campaigns;
alter table campaigns drop column contacts_begun, drop column next_start_at, drop column last_claim_at;

create function pace_new_campaign() returns trigger language plpgsql as $$
begin
    insert into campaign_pacing (campaign_id) values (new.id);
    return null;
end $$;
create trigger campaign_paced after insert on campaigns for each row execute function pace_new_campaign();

-- The front of contacts_due is where claims look, and where each of them leaves a dead entry: cleaned after 1 % and not after 20 %.
alter table contacts set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
alter table calls set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);

-- The locks of a claim, in the one order in which all take them. Claims of one carrier account take turns by its lock. One that only plans
-- keeps the campaign as it is beside the flips of its calls; one that may end the campaign with its last contact takes it alone.
drop function lock_line(bigint, bigint, bigint);
create function lock_line(account bigint, phone_number bigint, campaign bigint, alone boolean) returns void language plpgsql as $$
begin
    perform from carrier_accounts where id = account for no key update;
    perform from phone_numbers where id = phone_number for no key update;
    if alone then
        perform from campaigns where id = campaign for no key update;
    else
        perform from campaigns where id = campaign for share;
    end if;
end $$;

-- The same as before with plans that a session keeps.
create or replace function missing_variables(required text[], variables jsonb, number text, name text) returns text[]
language plpgsql immutable parallel safe as $$
begin
    if cardinality(required) = 0 then
        return '{}';
    end if;
    return (
        select coalesce(array_agg(r order by r), '{}') from unnest(required) as r
        where trim(coalesce(case r when 'phone_number' then number when 'contact_name' then name else variables ->> r end, '')) = ''
    );
end $$;

create or replace function refuse_illegal_transition() returns trigger language plpgsql as $$
declare
    old_state text;
    new_state text;
begin
    if tg_argv[0] = 'call' then
        old_state := old.state;
        new_state := new.state;
    else
        old_state := old.status;
        new_state := new.status;
    end if;
    if not exists (select from transitions t where t.thing = tg_argv[0] and t.from_state = old_state and t.to_state = new_state) then
        raise exception '% % can''t go from % to %', tg_argv[0], new.id, old_state, new_state using errcode = 'check_violation';
    end if;
    return new;
end $$;

-- The contacts whose turn it is, due retries first, with their callees locked in the order of their numbers.
create function hold_next_contacts(of_campaign bigint, of_rehearsal boolean, at timestamptz, fresh boolean, most int) returns bigint[]
language plpgsql as $$
declare
    ids bigint[];
begin
    ids := array(
        select id from contacts
        where campaign_id = of_campaign and status = 'pending' and is_retry and due_at <= at
        order by due_at, id limit most
    );
    if fresh and cardinality(ids) < most then
        ids := ids || array(
            select id from contacts
            where campaign_id = of_campaign and status = 'pending' and not is_retry and due_at <= at
            order by due_at, id limit most - cardinality(ids)
        );
    end if;
    insert into callees as c (number, rehearsal)
    select number, of_rehearsal from contacts where id = any (ids) order by number
    on conflict (number, rehearsal) do update set first_seen_at = c.first_seen_at where false;
    return ids;
end $$;

-- What a claim decides on, as it is under the locks of line and callees: {campaign: CampaignView, line: LineView, contacts: [ContactFacts]},
-- as in dialer/rows.py. Each statement in here sees what was committed before it began: after the locks, not before.
-- The claim need not outlive a crash by itself: it has dialed nobody. The flip's commit makes it durable, before the carrier is asked.
create function claim_view(account bigint, phone_number bigint, campaign bigint, process text, most int, alone boolean) returns json
language plpgsql set timezone = 'UTC' set plan_cache_mode = 'force_generic_plan' as $$
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
           (select count(*) from calls k where k.campaign_id = c.id and k.state <> 'ended') as live,
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
               (select count(*) from calls k where k.phone_number_id = n.id and k.state <> 'ended') as live_of_number,
               p.concurrency as process_concurrency,
               (select count(*) from calls k where k.process_id = p.id and k.state <> 'ended') as live_of_process,
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
               exists (select from calls k where k.number = ct.number and k.rehearsal = seen.rehearsal and k.state <> 'ended') as live,
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

-- What a flip looks at once more, under the locks of campaign (its status only) and callee: {campaign: CampaignRules or null, number, zone,
-- suppressed, now}; null where there is no such call.
create function flip_view(call bigint) returns json language plpgsql set timezone = 'UTC' set plan_cache_mode = 'force_generic_plan' as $$
declare
    of_call record;
begin
    select k.campaign_id, k.number, nullif(k.variables ->> 'timezone', '') as zone, k.rehearsal into of_call from calls k where k.id = call;
    if not found then
        return null;
    end if;
    perform from campaigns where id = of_call.campaign_id for share;
    insert into callees as c (number, rehearsal) values (of_call.number, of_call.rehearsal)
    on conflict (number, rehearsal) do update set first_seen_at = c.first_seen_at where false;
    return json_build_object(
        'campaign', (
            select row_to_json(r) from (
                select c.id, c.status, c.version, c.phone_number_id, n.carrier_account_id, a.name as account, a.rehearsal, c.concurrency,
                       c.max_retries, c.retry_delay_min, c.throttle_delay_ms, c.start_time, c.end_time, c.timezone, c.weekdays,
                       c.scheduled_start, c.retry_on_voicemail, c.retry_on_dropped, c.local_hours, c.ring_timeout_s, c.max_per_24h,
                       c.max_per_7d
                from campaigns c
                join phone_numbers n on n.id = c.phone_number_id
                join carrier_accounts a on a.id = n.carrier_account_id
                where c.id = of_call.campaign_id
            ) r
        ),
        'number', of_call.number,
        'zone', of_call.zone,
        'suppressed', exists (
            select from suppressions s where s.number = of_call.number and s.rehearsal = of_call.rehearsal and s.removed_at is null
        ),
        'now', callwright_now()
    );
end $$;

-- A claim counts less, and the end of a call plans nothing (docs/decisions/0009-the-hot-path.md).

-- What a claim sees, as before, with fewer calls to count under the account's lock: a campaign's live calls are its contacts in progress,
-- of whom a count is kept in the transactions that begin and end calls, and those of a number are counted only where it has a limit.
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
           coalesce((select k.in_progress from campaign_counts k where k.campaign_id = c.id), 0) as live,
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
               case when n.concurrency is not null then (select count(*) from calls k where k.phone_number_id = n.id and k.live) else 0 end
                   as live_of_number,
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

-- As before, with a plan that is kept: as a function in plain SQL it was planned anew for each call that ended.
create or replace function keep_words(of_calls bigint[]) returns void language plpgsql set plan_cache_mode = 'force_generic_plan' as $$
begin
    insert into call_words (call_id, campaign_id, planned_at, words)
    select k.id, k.campaign_id, k.planned_at, words_of(k) from calls k
    where k.id = any (of_calls) and k.state = 'ended' and k.campaign_id is not null
      and exists (select from transcript_turns t where t.call_id = k.id)
    on conflict (call_id) do update set words = excluded.words;
end $$;

-- How calls ended at which time, by campaign, agent, number and try: what the page of analytics sums up over any range of days, in any
-- zone. Kept like call_results and after it, so that locks are always taken in the same order. Calls of campaigns that have ended are
-- counted, withdrawn ones are not: they never reached a carrier. Claims and dials pay nothing.

-- The half hour of UTC in which a moment lies: days and hours of the zones of the world are made of these, but for the few zones that
-- are a quarter of an hour off.
create function half_hour_of(at timestamptz) returns timestamptz language sql immutable parallel safe as $$
    select date_bin('30 min', at, '2000-01-01 00:00+00')
$$;

-- Ended calls by the half hour in which each was planned, moments before it was dialed. They go with their campaign; agents and numbers
-- are never deleted.
create table call_half_hours (
    half_hour timestamptz not null,
    campaign_id bigint not null references campaigns on delete cascade,
    agent_id bigint not null,
    phone_number_id bigint not null,
    rehearsal boolean not null,
    try int not null,
    result text not null,
    outcome text,
    who text,
    goal text,
    sentiment_word text,
    calls bigint not null default 0,
    answered bigint not null default 0,
    opted_out bigint not null default 0,
    timed bigint not null default 0, -- calls that have a duration
    duration_ms bigint not null default 0, -- of all of them
    primary key (campaign_id, half_hour, result, try, agent_id, phone_number_id, rehearsal)
) with (fillfactor = 50);
create index call_half_hours_time on call_half_hours (half_hour);

-- How soon the agent spoke in these calls: milliseconds to its first word, rounded up to the next 20.
create table call_half_hour_first_words (
    half_hour timestamptz not null,
    campaign_id bigint not null references campaigns on delete cascade,
    agent_id bigint not null,
    phone_number_id bigint not null,
    rehearsal boolean not null,
    first_word_ms int not null,
    calls bigint not null default 0,
    primary key (campaign_id, half_hour, first_word_ms, agent_id, phone_number_id, rehearsal)
) with (fillfactor = 50);
create index call_half_hour_first_words_time on call_half_hour_first_words (half_hour);

create function first_word_step(ms int) returns int language sql immutable parallel safe as $$ select (ms + 19) / 20 * 20 $$;

-- The same as before, and by half hour.
create or replace function count_added_calls() returns trigger language plpgsql as $$
begin
    if exists (select from added where state = 'ended' and campaign_id is not null) then
        insert into call_results as r (campaign_id, result, outcome, who, goal, sentiment_word, calls, answered, opted_out, timed, duration_ms)
        select campaign_id, result, outcome, who, goal, sentiment_word, count(*), count(answered_at), count(*) filter (where opted_out),
               count(duration_ms), coalesce(sum(duration_ms), 0)
        from added where state = 'ended' and campaign_id is not null group by 1, 2, 3, 4, 5, 6 order by 1, 2
        on conflict (campaign_id, result) do update set
            calls = r.calls + excluded.calls, answered = r.answered + excluded.answered, opted_out = r.opted_out + excluded.opted_out,
            timed = r.timed + excluded.timed, duration_ms = r.duration_ms + excluded.duration_ms;
        insert into call_first_words as f (campaign_id, first_word_ms, calls)
        select campaign_id, first_word_ms, count(*)
        from added where state = 'ended' and campaign_id is not null and first_word_ms is not null group by 1, 2 order by 1, 2
        on conflict (campaign_id, first_word_ms) do update set calls = f.calls + excluded.calls;
        insert into call_half_hours as h (campaign_id, half_hour, result, try, agent_id, phone_number_id, rehearsal,
                                          outcome, who, goal, sentiment_word, calls, answered, opted_out, timed, duration_ms)
        select campaign_id, half_hour_of(planned_at), result, try, agent_id, phone_number_id, rehearsal, outcome, who, goal, sentiment_word,
               count(*), count(answered_at), count(*) filter (where opted_out), count(duration_ms), coalesce(sum(duration_ms), 0)
        from added where state = 'ended' and campaign_id is not null and outcome is distinct from 'withdrawn'
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 order by 1, 2, 3, 4, 5, 6, 7
        on conflict (campaign_id, half_hour, result, try, agent_id, phone_number_id, rehearsal) do update set
            calls = h.calls + excluded.calls, answered = h.answered + excluded.answered, opted_out = h.opted_out + excluded.opted_out,
            timed = h.timed + excluded.timed, duration_ms = h.duration_ms + excluded.duration_ms;
        insert into call_half_hour_first_words as f (campaign_id, half_hour, first_word_ms, agent_id, phone_number_id, rehearsal, calls)
        select campaign_id, half_hour_of(planned_at), first_word_step(first_word_ms), agent_id, phone_number_id, rehearsal, count(*)
        from added
        where state = 'ended' and campaign_id is not null and outcome is distinct from 'withdrawn' and first_word_ms is not null
        group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
        on conflict (campaign_id, half_hour, first_word_ms, agent_id, phone_number_id, rehearsal) do update set
            calls = f.calls + excluded.calls;
    end if;
    return null;
end $$;

-- A call has ended, or what is known of an ended one was corrected, or it is deleted. The campaign of a deleted call may be gone, and its
-- counts with it: what is taken away is never written anew.
create function count_ended_call_by_half_hour() returns trigger language plpgsql as $$
begin
    if old.state = 'ended' and old.outcome is distinct from 'withdrawn' then
        update call_half_hours set calls = calls - 1, answered = answered - (old.answered_at is not null)::int,
            opted_out = opted_out - old.opted_out::int, timed = timed - (old.duration_ms is not null)::int,
            duration_ms = duration_ms - coalesce(old.duration_ms, 0)
        where campaign_id = old.campaign_id and half_hour = half_hour_of(old.planned_at) and result = old.result and try = old.try
          and agent_id = old.agent_id and phone_number_id = old.phone_number_id and rehearsal = old.rehearsal;
        update call_half_hour_first_words set calls = calls - 1
        where campaign_id = old.campaign_id and half_hour = half_hour_of(old.planned_at) and first_word_ms = first_word_step(old.first_word_ms)
          and agent_id = old.agent_id and phone_number_id = old.phone_number_id and rehearsal = old.rehearsal;
    end if;
    if tg_op = 'UPDATE' and new.outcome is distinct from 'withdrawn' then
        insert into call_half_hours as h (campaign_id, half_hour, result, try, agent_id, phone_number_id, rehearsal,
                                          outcome, who, goal, sentiment_word, calls, answered, opted_out, timed, duration_ms)
        values (new.campaign_id, half_hour_of(new.planned_at), new.result, new.try, new.agent_id, new.phone_number_id, new.rehearsal,
                new.outcome, new.who, new.goal, new.sentiment_word, 1, (new.answered_at is not null)::int, new.opted_out::int,
                (new.duration_ms is not null)::int, coalesce(new.duration_ms, 0))
        on conflict (campaign_id, half_hour, result, try, agent_id, phone_number_id, rehearsal) do update set
            calls = h.calls + 1, answered = h.answered + excluded.answered, opted_out = h.opted_out + excluded.opted_out,
            timed = h.timed + excluded.timed, duration_ms = h.duration_ms + excluded.duration_ms;
        if new.first_word_ms is not null then
            insert into call_half_hour_first_words as f (campaign_id, half_hour, first_word_ms, agent_id, phone_number_id, rehearsal, calls)
            values (new.campaign_id, half_hour_of(new.planned_at), first_word_step(new.first_word_ms), new.agent_id, new.phone_number_id,
                    new.rehearsal, 1)
            on conflict (campaign_id, half_hour, first_word_ms, agent_id, phone_number_id, rehearsal) do update set calls = f.calls + 1;
        end if;
    end if;
    return null;
end $$;

-- After `call_ended` and `call_removed`: triggers fire in the order of their names.
create trigger call_ended_by_half_hour after update on calls for each row
    when (new.state = 'ended' and new.campaign_id is not null
          and (old.state, old.result, old.answered_at is null, old.opted_out, old.duration_ms, old.first_word_ms)
              is distinct from (new.state, new.result, new.answered_at is null, new.opted_out, new.duration_ms, new.first_word_ms))
    execute function count_ended_call_by_half_hour();
create trigger call_removed_by_half_hour after delete on calls for each row
    when (old.state = 'ended' and old.campaign_id is not null) execute function count_ended_call_by_half_hour();

-- The counts that a filter asks for; null: any. Written so that the planner sees through it.
create function half_hours_between(
    since timestamptz, until timestamptz, campaigns bigint[], agent bigint, phone_number bigint, is_rehearsal boolean
) returns setof call_half_hours language sql stable as $$
    select * from call_half_hours h
    where h.half_hour >= since and h.half_hour < until and h.calls > 0
      and (campaigns is null or h.campaign_id = any (campaigns)) and (agent is null or h.agent_id = agent)
      and (phone_number is null or h.phone_number_id = phone_number) and (is_rehearsal is null or h.rehearsal = is_rehearsal)
$$;

-- Calls from before this migration.
insert into call_half_hours (campaign_id, half_hour, result, try, agent_id, phone_number_id, rehearsal,
                             outcome, who, goal, sentiment_word, calls, answered, opted_out, timed, duration_ms)
select campaign_id, half_hour_of(planned_at), result, try, agent_id, phone_number_id, rehearsal, outcome, who, goal, sentiment_word,
       count(*), count(answered_at), count(*) filter (where opted_out), count(duration_ms), coalesce(sum(duration_ms), 0)
from calls where not live and campaign_id is not null and outcome is distinct from 'withdrawn' group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11;
insert into call_half_hour_first_words (campaign_id, half_hour, first_word_ms, agent_id, phone_number_id, rehearsal, calls)
select campaign_id, half_hour_of(planned_at), first_word_step(first_word_ms), agent_id, phone_number_id, rehearsal, count(*)
from calls where not live and campaign_id is not null and outcome is distinct from 'withdrawn' and first_word_ms is not null
group by 1, 2, 3, 4, 5, 6;

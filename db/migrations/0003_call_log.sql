-- What pages and searches over a million calls read: how many calls ended how, the words of each transcript, and indexes in the order
-- of the pages. Only calls that have ended are in them: claims and dials pay nothing.

-- All that a call came to, as one word: the log's filters choose among the few dozen that occur in a campaign.
alter table calls add column result text not null generated always as (
    coalesce(outcome, '') || '/' || coalesce(who, '') || '/' || coalesce(goal, '') || '/' || coalesce(sentiment_word, '')
) stored;
create index calls_by_result on calls (campaign_id, result, planned_at, id) where state = 'ended';

-- Pending contacts that a gate holds back, and those whose next try is still to come: counted without reading all that are pending.
create index contacts_blocked on contacts (campaign_id, blocked_by, look_again_at) where status = 'pending' and blocked_by is not null;
create index contacts_retrying on contacts (campaign_id, not_before) where status = 'pending' and blocked_by is null and not_before is not null;

-- A campaign's ended calls by result, kept by the trigger below in the transaction of each change.
create table call_results (
    campaign_id bigint not null references campaigns on delete cascade,
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
    primary key (campaign_id, result)
) with (fillfactor = 50);

-- How soon the agent spoke: a campaign's ended calls by the milliseconds to its first word.
create table call_first_words (
    campaign_id bigint not null references campaigns on delete cascade,
    first_word_ms int not null,
    calls bigint not null default 0,
    primary key (campaign_id, first_word_ms)
) with (fillfactor = 50);

-- The words of the transcript of each ended call of a campaign that has one. Beside them marks that no text can hold: which blocks of
-- the campaign's calls it lies in, and its result; so that one index answers a search for all of them.
create table call_words (
    call_id bigint primary key references calls on delete cascade,
    campaign_id bigint not null,
    planned_at timestamptz not null,
    words tsvector not null
);
create index call_words_campaign on call_words (campaign_id, call_id);
-- Without a list of pending entries: the call that would have to merge them would hold its campaign's lock meanwhile.
create index call_words_words on call_words using gin (words) with (fastupdate = off);

-- Blocks of 2^bits ids.
create function block_mark(campaign_id bigint, call_id bigint, bits int) returns text language sql immutable parallel safe as $$
    select '#' || campaign_id || '.' || bits || '.' || (call_id >> bits)
$$;
create function result_mark(result text) returns text language sql immutable parallel safe as $$ select '=' || result $$;

-- What is kept of a call's transcript. What goes beyond 200,000 characters is not searched: a tsvector has a limit.
create function words_of(call calls) returns tsvector language sql stable as $$
    select to_tsvector('simple', left(string_agg(t.text, E'\n' order by t.position), 200000))
           || array_to_tsvector(array[
               block_mark(call.campaign_id, call.id, 13), block_mark(call.campaign_id, call.id, 18), result_mark(call.result)])
    from transcript_turns t where t.call_id = call.id
$$;

create function keep_words(of_calls bigint[]) returns void language sql as $$
    insert into call_words (call_id, campaign_id, planned_at, words)
    select k.id, k.campaign_id, k.planned_at, words_of(k) from calls k
    where k.id = any (of_calls) and k.state = 'ended' and k.campaign_id is not null
      and exists (select from transcript_turns t where t.call_id = k.id)
    on conflict (call_id) do update set words = excluded.words
$$;

-- Calls that are written as ended come in bulk, from files and rehearsals: counted once per statement. A claim's call is none of them.
create function count_added_calls() returns trigger language plpgsql as $$
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
    end if;
    return null;
end $$;

-- A call has ended, or what is known of an ended one was corrected, or it is deleted.
create function count_ended_call() returns trigger language plpgsql as $$
begin
    if old.state = 'ended' then
        update call_results set calls = calls - 1, answered = answered - (old.answered_at is not null)::int,
            opted_out = opted_out - old.opted_out::int, timed = timed - (old.duration_ms is not null)::int,
            duration_ms = duration_ms - coalesce(old.duration_ms, 0)
        where campaign_id = old.campaign_id and result = old.result;
        update call_first_words set calls = calls - 1 where campaign_id = old.campaign_id and first_word_ms = old.first_word_ms;
    end if;
    if tg_op = 'UPDATE' then
        insert into call_results as r (campaign_id, result, outcome, who, goal, sentiment_word, calls, answered, opted_out, timed, duration_ms)
        values (new.campaign_id, new.result, new.outcome, new.who, new.goal, new.sentiment_word, 1, (new.answered_at is not null)::int,
                new.opted_out::int, (new.duration_ms is not null)::int, coalesce(new.duration_ms, 0))
        on conflict (campaign_id, result) do update set
            calls = r.calls + 1, answered = r.answered + excluded.answered, opted_out = r.opted_out + excluded.opted_out,
            timed = r.timed + excluded.timed, duration_ms = r.duration_ms + excluded.duration_ms;
        if new.first_word_ms is not null then
            insert into call_first_words as f (campaign_id, first_word_ms, calls) values (new.campaign_id, new.first_word_ms, 1)
            on conflict (campaign_id, first_word_ms) do update set calls = f.calls + 1;
        end if;
        if old.state <> 'ended' or old.result <> new.result then
            perform keep_words(array[new.id]);
        end if;
    end if;
    return null;
end $$;

create trigger calls_added after insert on calls referencing new table as added
    for each statement execute function count_added_calls();
create trigger call_ended after update on calls for each row
    when (new.state = 'ended' and new.campaign_id is not null
          and (old.state, old.result, old.answered_at is null, old.opted_out, old.duration_ms, old.first_word_ms)
              is distinct from (new.state, new.result, new.answered_at is null, new.opted_out, new.duration_ms, new.first_word_ms))
    execute function count_ended_call();
create trigger call_removed after delete on calls for each row
    when (old.state = 'ended' and old.campaign_id is not null) execute function count_ended_call();

-- A turn may be kept after its call has ended. The lock waits for an end that is being written, so that one of the two sees the other.
create function keep_words_of_late_turns() returns trigger language plpgsql as $$
declare
    ended bigint[];
begin
    perform from calls where id in (select call_id from kept) order by id for share;
    select array_agg(id) into ended from calls where id in (select call_id from kept) and state = 'ended';
    if ended is not null then
        perform keep_words(ended);
    end if;
    return null;
end $$;
create trigger turns_kept after insert on transcript_turns referencing new table as kept
    for each statement execute function keep_words_of_late_turns();
create trigger turns_replaced after update on transcript_turns referencing new table as kept
    for each statement execute function keep_words_of_late_turns();

-- A campaign's calls that hold what is asked for, newest first: `most` that come before the call `before_id`. Looks through one block
-- of calls after the other, so that a frequent word fills a page from the first, and no word has more than a block's calls read at once.
-- Small blocks as long as each of them gives a few, large ones else. `results`: any of these, null for all.
-- Within a campaign ids rise with time: the two ends of a time are found by their ids.
create function calls_with_words(
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
            where k.state = 'ended' and k.campaign_id = r.campaign_id and k.result = r.result and k.planned_at >= since
            order by k.planned_at, k.id limit 1) f
        where r.campaign_id = of_campaign;
    end if;
    if until is not null then
        select least(above, coalesce(max(f.id) + 1, 0)) into above from call_results r
        cross join lateral (
            select k.id from calls k
            where k.state = 'ended' and k.campaign_id = r.campaign_id and k.result = r.result and k.planned_at < until
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

-- Why a campaign's pending contacts wait: by the gate that said "not now" last, those whose next try is still to come, and those whose
-- turn it is. Each is counted up to `most`; `at_least` where there are more. One that goes beyond it is told exactly all the same where
-- it is the only one: all the others are known, and so is their sum.
create function why_contacts_wait(of_campaign bigint, most int)
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
                 where c.campaign_id = of_campaign and c.status = 'pending' and not c.is_retry and c.due_at = '1970-01-01 00:00+00'
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

-- What there is already.
insert into call_results (campaign_id, result, outcome, who, goal, sentiment_word, calls, answered, opted_out, timed, duration_ms)
select campaign_id, result, outcome, who, goal, sentiment_word, count(*), count(answered_at), count(*) filter (where opted_out),
       count(duration_ms), coalesce(sum(duration_ms), 0)
from calls where state = 'ended' and campaign_id is not null group by campaign_id, result, outcome, who, goal, sentiment_word;
insert into call_first_words (campaign_id, first_word_ms, calls)
select campaign_id, first_word_ms, count(*)
from calls where state = 'ended' and campaign_id is not null and first_word_ms is not null group by 1, 2;
select keep_words(array(select id from calls where state = 'ended' and campaign_id is not null));

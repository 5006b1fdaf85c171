-- Calls as engineers and operators read them.

-- name: find_by_result(campaign_id, outcome, who, goal, sentiment, since, until, before, most)
-- Ids of a campaign's calls by what they came to and when they were planned, newest first: as many of each result that fits as the page
-- holds, and of those the newest. Calls that go on are among them unless a result is asked for.
with page_end as (
    select case when b.planned_at < coalesce(:until::timestamptz, 'infinity') then b.planned_at
                else coalesce(:until::timestamptz, 'infinity') end as planned_at,
           case when b.planned_at < coalesce(:until::timestamptz, 'infinity') then b.id else 0 end as id
    from (values (1)) as one left join calls b on b.id = :before::bigint
)
select f.id
from (
    select k.id, k.planned_at
    from call_results r cross join page_end e
    cross join lateral (
        select c.id, c.planned_at from calls c
        where not c.live and c.campaign_id = r.campaign_id and c.result = r.result
          and c.planned_at >= coalesce(:since::timestamptz, '-infinity') and (c.planned_at, c.id) < (e.planned_at, e.id)
        order by c.planned_at desc, c.id desc limit :most::int
    ) k
    where r.campaign_id = :campaign_id::bigint and r.calls > 0
      and (:outcome::text is null or r.outcome = :outcome::text) and (:who::text is null or r.who = :who::text)
      and (:goal::text is null or r.goal = :goal::text) and (:sentiment::text is null or r.sentiment_word = :sentiment::text)
    union all
    select c.id, c.planned_at
    from calls c cross join page_end e
    where c.live and c.campaign_id = :campaign_id::bigint
      and c.planned_at >= coalesce(:since::timestamptz, '-infinity') and (c.planned_at, c.id) < (e.planned_at, e.id)
      and :outcome::text is null and :who::text is null and :goal::text is null and :sentiment::text is null
) f
order by f.planned_at desc, f.id desc limit :most::int;

-- name: count_by_result(campaign_id, outcome, who, goal, sentiment)$
-- How many calls these are, whenever they were planned: from the kept counts.
select coalesce((
           select sum(r.calls) from call_results r
           where r.campaign_id = :campaign_id::bigint
             and (:outcome::text is null or r.outcome = :outcome::text) and (:who::text is null or r.who = :who::text)
             and (:goal::text is null or r.goal = :goal::text) and (:sentiment::text is null or r.sentiment_word = :sentiment::text)), 0)::bigint
       + case when :outcome::text is null and :who::text is null and :goal::text is null and :sentiment::text is null
              then (select count(*) from calls k where k.campaign_id = :campaign_id::bigint and k.live) else 0 end;

-- name: count_by_result_and_time(campaign_id, outcome, who, goal, sentiment, since, until, most)$
-- How many calls these are, `most` at most.
select count(*) from (
    (select from call_results r
     cross join lateral (
         select from calls c
         where not c.live and c.campaign_id = r.campaign_id and c.result = r.result
           and c.planned_at >= coalesce(:since::timestamptz, '-infinity') and c.planned_at < coalesce(:until::timestamptz, 'infinity')
         limit :most::int
     ) k
     where r.campaign_id = :campaign_id::bigint and r.calls > 0
       and (:outcome::text is null or r.outcome = :outcome::text) and (:who::text is null or r.who = :who::text)
       and (:goal::text is null or r.goal = :goal::text) and (:sentiment::text is null or r.sentiment_word = :sentiment::text)
     limit :most::int)
    union all
    (select from calls c
     where c.live and c.campaign_id = :campaign_id::bigint
       and c.planned_at >= coalesce(:since::timestamptz, '-infinity') and c.planned_at < coalesce(:until::timestamptz, 'infinity')
       and :outcome::text is null and :who::text is null and :goal::text is null and :sentiment::text is null)
    limit :most::int
) k;

-- name: find_of_callee(campaign_id, contact_id, number, outcome, who, goal, sentiment, since, until, words, before, most)
-- Ids of the calls to one contact or one number, newest first: few enough to be looked at one by one.
select k.id from calls k
where k.id in (
        select id from calls where contact_id = :contact_id::bigint
        union all
        select id from calls where number = :number::text)
  and k.campaign_id = :campaign_id::bigint
  and (:contact_id::bigint is null or k.contact_id = :contact_id::bigint) and (:number::text is null or k.number = :number::text)
  and (:outcome::text is null or k.outcome = :outcome::text) and (:who::text is null or k.who = :who::text)
  and (:goal::text is null or k.goal = :goal::text) and (:sentiment::text is null or k.sentiment_word = :sentiment::text)
  and k.planned_at >= coalesce(:since::timestamptz, '-infinity') and k.planned_at < coalesce(:until::timestamptz, 'infinity')
  and (:words::text is null
       or exists (select from call_words w where w.call_id = k.id and w.words @@ websearch_to_tsquery('simple', :words::text)))
  and (:before::bigint is null or k.id < :before::bigint)
order by k.id desc limit :most::int;

-- name: find_with_words(campaign_id, words, outcome, who, goal, sentiment, since, until, before, most)
-- Ids of ended calls whose transcripts hold the words, newest first: all of them, "a phrase", one or another, -without one.
select calls_with_words(
    :campaign_id::bigint, websearch_to_tsquery('simple', :words::text),
    case when coalesce(:outcome::text, :who::text, :goal::text, :sentiment::text) is not null then coalesce((
        select array_agg(r.result) from call_results r
        where r.campaign_id = :campaign_id::bigint
          and (:outcome::text is null or r.outcome = :outcome::text) and (:who::text is null or r.who = :who::text)
          and (:goal::text is null or r.goal = :goal::text) and (:sentiment::text is null or r.sentiment_word = :sentiment::text)
    ), '{}') end,
    :since::timestamptz, :until::timestamptz, :before::bigint, :most::int) as id;

-- name: count_with_words(campaign_id, words, outcome, who, goal, sentiment, since, until, most)$
-- How many calls these are, `most` at most.
select count(*) from calls_with_words(
    :campaign_id::bigint, websearch_to_tsquery('simple', :words::text),
    case when coalesce(:outcome::text, :who::text, :goal::text, :sentiment::text) is not null then coalesce((
        select array_agg(r.result) from call_results r
        where r.campaign_id = :campaign_id::bigint
          and (:outcome::text is null or r.outcome = :outcome::text) and (:who::text is null or r.who = :who::text)
          and (:goal::text is null or r.goal = :goal::text) and (:sentiment::text is null or r.sentiment_word = :sentiment::text)
    ), '{}') end,
    :since::timestamptz, :until::timestamptz, null, :most::int);

-- name: has_words(words)$
-- Whether there is a word in it to search for.
select numnode(websearch_to_tsquery('simple', :words::text)) > 0;

-- name: lines(ids)
-- record_class: CallLine
-- These calls as a list shows them, in the order of the ids.
select k.id, k.campaign_id, k.contact_id, k.number, k.contact_name, k.try as try_, k.state, k.planned_at, k.requested_at, k.ringing_at,
       k.answered_at, k.ended_at, k.outcome, k.end_reason, k.ended_by, k.carrier_code, k.who, k.goal, k.sentiment, k.sentiment_word,
       k.opted_out, k.callback_at, k.duration_ms, k.first_word_ms, k.recording,
       case when k.recording is not null then k.recording_deleted_at end as recording_deleted_at, k.recording_kept_days
from unnest(:ids::bigint[]) with ordinality as f (id, turn) join calls k on k.id = f.id
order by f.turn;

-- name: get_call(id)^
-- record_class: CallLine
-- One call, as in the list.
select id, campaign_id, contact_id, number, contact_name, try as try_, state, planned_at, requested_at, ringing_at, answered_at, ended_at, outcome,
       end_reason, ended_by, carrier_code, who, goal, sentiment, sentiment_word, opted_out, callback_at, duration_ms, first_word_ms, recording,
       case when recording is not null then recording_deleted_at end as recording_deleted_at, recording_kept_days
from calls where id = :id::bigint;

-- name: get_call_detail(id)^
-- record_class: CallDetail
-- The rest of one call.
select agent_id, agent_version, carrier_call_id, variables, evidence, fields, summary, transcript_deleted_at, transcript_kept_days,
       timeline_deleted_at, person_deleted_at
from calls where id = :id::bigint;

-- name: list_turns(call_id)
-- record_class: TurnRow
-- A call's transcript in order.
select position, speaker, text, start_ms, end_ms, cut_off, latency_ms from transcript_turns where call_id = :call_id::bigint order by position;

-- name: list_events(call_id, after, at_most)
-- record_class: CallEventRow
-- A page of what was told about a call, in the order in which it came.
select id, at, source, kind, detail from call_events where call_id = :call_id::bigint and id > :after::bigint order by id limit :at_most::int;

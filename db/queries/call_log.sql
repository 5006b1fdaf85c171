-- Calls as engineers and operators read them.

-- name: list_calls(campaign_id, contact_id, outcome, who, goal, before, at_most)
-- record_class: CallLine
-- A page of a campaign's calls, newest first.
select id, campaign_id, contact_id, number, contact_name, try as try_, state, planned_at, requested_at, ringing_at, answered_at, ended_at, outcome,
       end_reason, ended_by, carrier_code, who, goal, sentiment, sentiment_word, opted_out, callback_at, duration_ms, first_word_ms, recording
from calls
where campaign_id = :campaign_id::bigint
  and (:contact_id::bigint is null or contact_id = :contact_id::bigint)
  and (:outcome::text is null or outcome = :outcome::text)
  and (:who::text is null or who = :who::text)
  and (:goal::text is null or goal = :goal::text)
  and (:before::bigint is null or id < :before::bigint)
order by id desc
limit :at_most::int;

-- name: get_call(id)^
-- record_class: CallLine
-- One call, as in the list.
select id, campaign_id, contact_id, number, contact_name, try as try_, state, planned_at, requested_at, ringing_at, answered_at, ended_at, outcome,
       end_reason, ended_by, carrier_code, who, goal, sentiment, sentiment_word, opted_out, callback_at, duration_ms, first_word_ms, recording
from calls where id = :id::bigint;

-- name: get_call_detail(id)^
-- record_class: CallDetail
-- The rest of one call.
select agent_id, agent_version, carrier_call_id, variables, evidence, fields, summary from calls where id = :id::bigint;

-- name: list_turns(call_id)
-- record_class: TurnRow
-- A call's transcript in order.
select position, speaker, text, start_ms, end_ms, cut_off, latency_ms from transcript_turns where call_id = :call_id::bigint order by position;

-- name: list_events(call_id, after, at_most)
-- record_class: CallEventRow
-- A page of what was told about a call, in the order in which it came.
select id, at, source, kind, detail from call_events where call_id = :call_id::bigint and id > :after::bigint order by id limit :at_most::int;

-- What the dashboard's pages read. Pages are keyset pages: `after` is the last row of the page before, null for the first.

-- name: campaigns_page(statuses, search, after_id, by_name, after_name, page_size)
-- record_class: CampaignLine
-- One page of the list of campaigns, newest first or by name, with the progress of each.
select c.id, c.name, c.status, c.status_reason, c.timezone, c.scheduled_start, c.created_at, a.name as agent_name,
       coalesce(n.pending, 0) as pending, coalesce(n.in_progress, 0) as in_progress, coalesce(n.completed, 0) as completed,
       coalesce(n.failed, 0) as failed, coalesce(n.skipped, 0) as skipped,
       k.ended as calls_ended, k.answered as calls_answered, r.next_retry_at
from campaigns c
join agents a on a.id = c.agent_id
left join campaign_counts n on n.campaign_id = c.id
left join lateral (
    select count(*) filter (where state = 'ended') as ended, count(*) filter (where state = 'ended' and answered_at is not null) as answered
    from calls where campaign_id = c.id and outcome is distinct from 'withdrawn'
) k on true
left join lateral (
    select min(not_before) as next_retry_at from contacts where campaign_id = c.id and status = 'pending' and not_before is not null
) r on c.status in ('pending', 'in_progress')
where (:statuses::text[] is null or c.status = any(:statuses::text[]))
  and (:search::text is null or c.name ilike '%' || :search::text || '%' or a.name ilike '%' || :search::text || '%')
  and (:after_id::bigint is null
       or case when :by_name::boolean then (lower(c.name), c.id) > (lower(:after_name::text), :after_id::bigint) else c.id < :after_id::bigint end)
order by case when :by_name::boolean then lower(c.name) end, case when :by_name::boolean then c.id else -c.id end
limit :page_size::int;

-- name: any_campaign()$
-- Whether there is a campaign at all: tells an empty house from a filter that fits nothing.
select exists (select from campaigns);

-- name: campaign(campaign_id)^
-- record_class: Campaign
-- One campaign with all its settings and the counts of its contacts.
select c.id, c.name, c.status, c.status_reason, c.version, c.agent_id, a.name as agent_name, c.phone_number_id,
       p.e164 as phone_number, p.label as phone_number_label, ca.rehearsal, c.concurrency, c.max_retries, c.retry_delay_min,
       c.throttle_delay_ms, c.start_time, c.end_time, c.timezone, c.weekdays, c.scheduled_start, c.retry_on_voicemail,
       c.retry_on_dropped, c.local_hours, c.ring_timeout_s, c.max_per_24h, c.max_per_7d, c.pilot_size, c.created_by, c.created_at,
       c.started_at, c.ended_at, coalesce(n.pending, 0) as pending, coalesce(n.in_progress, 0) as in_progress,
       coalesce(n.completed, 0) as completed, coalesce(n.failed, 0) as failed, coalesce(n.skipped, 0) as skipped
from campaigns c
join agents a on a.id = c.agent_id
join phone_numbers p on p.id = c.phone_number_id
join carrier_accounts ca on ca.id = p.carrier_account_id
left join campaign_counts n on n.campaign_id = c.id
where c.id = :campaign_id::bigint;

-- name: call_figures(campaign_id)^
-- record_class: CallFigures
-- What came of a campaign's calls so far. Withdrawn calls never reached the carrier and count nowhere.
select count(*) filter (where state = 'ended') as ended, count(*) filter (where state <> 'ended') as running,
       count(*) filter (where state = 'ended' and answered_at is not null) as answered, count(*) filter (where who = 'human') as people,
       count(*) filter (where goal = 'met') as goals_met, avg(duration_ms) filter (where answered_at is not null)::float8 as mean_duration_ms,
       percentile_cont(0.5) within group (order by first_word_ms) as first_word_p50_ms,
       percentile_cont(0.95) within group (order by first_word_ms) as first_word_p95_ms
from calls where campaign_id = :campaign_id::bigint and outcome is distinct from 'withdrawn';

-- name: outcomes(campaign_id)
-- record_class: Tally
-- How the campaign's calls ended, most frequent first.
select outcome as label, count(*) as count from calls
where campaign_id = :campaign_id::bigint and state = 'ended' and outcome is not null
group by outcome order by count(*) desc, outcome;

-- name: running_calls(campaign_id, page_size)
-- record_class: RunningCall
-- The campaign's calls that have not ended, oldest first, with the last line that was spoken.
select k.id, k.number, k.contact_name, k.state, k.try as try_, coalesce(k.answered_at, k.requested_at, k.planned_at) as since,
       t.speaker as last_speaker, t.text as last_text
from calls k
left join lateral (select speaker, text from transcript_turns where call_id = k.id order by position desc limit 1) t on true
where k.campaign_id = :campaign_id::bigint and k.state <> 'ended'
order by k.id limit :page_size::int;

-- name: waiting(campaign_id)
-- record_class: Waiting
-- Why pending contacts are not being called: by the gate that said "not now" last, and those whose next try is still to come.
select coalesce(c.blocked_by, case when c.not_before > callwright_now() then 'retry_delay' else 'queue' end) as gate,
       min(c.blocked_reason) as reason, count(*) as count,
       min(coalesce(c.look_again_at, case when c.not_before > callwright_now() then c.not_before end)) as next_at
from contacts c
where c.campaign_id = :campaign_id::bigint and c.status = 'pending'
group by 1 order by count(*) desc, 1;

-- name: contacts_page(campaign_id, status, search, masked, after_id, page_size)
-- record_class: ContactLine
-- One page of a campaign's contacts in their order, by status and by what their name or number holds; of a masked number, what it shows.
select id, number, name, variables, status, status_reason, tries, not_before, callback, last_outcome, blocked_by, blocked_reason, look_again_at
from contacts
where campaign_id = :campaign_id::bigint
  and (:status::text is null or status = :status::text)
  and (:search::text is null or name ilike '%' || :search::text || '%'
       or case when :masked::boolean then right(number, 2) else number end like '%' || :search::text || '%')
  and (:after_id::bigint is null or id > :after_id::bigint)
order by id limit :page_size::int;

-- name: verdicts(contact_id)
-- record_class: Verdict
-- The ledger of one contact: each change of a gate's verdict, newest first.
select at, gate, verdict, value, look_again_at from gate_verdicts where contact_id = :contact_id::bigint order by id desc limit 50;

-- name: calls_page(campaign_id, outcome, who, goal, sentiment, contact_id, after_id, page_size)
-- record_class: CallLine
-- One page of a campaign's calls, newest first, by what came of them.
select id, number, contact_name, state, try as try_, coalesce(requested_at, planned_at) as at, outcome, end_reason, who, goal, sentiment_word, duration_ms, opted_out
from calls
where campaign_id = :campaign_id::bigint
  and (:outcome::text is null or outcome = :outcome::text)
  and (:who::text is null or who = :who::text)
  and (:goal::text is null or goal = :goal::text)
  and (:sentiment::text is null or sentiment_word = :sentiment::text)
  and (:contact_id::bigint is null or contact_id = :contact_id::bigint)
  and (:after_id::bigint is null or id < :after_id::bigint)
order by id desc limit :page_size::int;

-- name: call_filters(campaign_id)^
-- record_class: CallFilters
-- The values that occur in a campaign's calls, to filter by.
select coalesce(array_agg(distinct outcome) filter (where outcome is not null), '{}') as outcomes,
       coalesce(array_agg(distinct who) filter (where who is not null), '{}') as whos,
       coalesce(array_agg(distinct goal) filter (where goal is not null), '{}') as goals,
       coalesce(array_agg(distinct sentiment_word) filter (where sentiment_word is not null), '{}') as sentiments
from calls where campaign_id = :campaign_id::bigint;

-- name: exported_calls(campaign_id, outcome, who, goal, sentiment, after_id, page_size)
-- record_class: ExportedCall
-- A campaign's calls for a file, newest first, a page at a time.
select k.id, k.number, k.contact_name, k.try as try_, k.planned_at, k.requested_at, k.answered_at, k.ended_at, k.outcome, k.end_reason, k.ended_by,
       k.carrier_code, k.who, k.goal, k.sentiment, k.sentiment_word, k.opted_out, k.callback_at, k.duration_ms, k.first_word_ms,
       k.summary, k.fields,
       (select string_agg(t.speaker || ': ' || t.text, E'\n' order by t.position) from transcript_turns t where t.call_id = k.id) as transcript
from calls k
where k.campaign_id = :campaign_id::bigint
  and (:outcome::text is null or k.outcome = :outcome::text)
  and (:who::text is null or k.who = :who::text)
  and (:goal::text is null or k.goal = :goal::text)
  and (:sentiment::text is null or k.sentiment_word = :sentiment::text)
  and (:after_id::bigint is null or k.id < :after_id::bigint)
order by k.id desc limit :page_size::int;

-- name: call(call_id)^
-- record_class: Call
-- One call with all that is known of it.
select k.id, k.campaign_id, c.name as campaign_name, c.timezone, k.contact_id, k.number, k.contact_name, k.variables, p.e164 as caller,
       a.name as agent_name, k.agent_version, k.rehearsal, k.try as try_, k.state, k.planned_at, k.requested_at, k.ringing_at, k.answered_at,
       k.ended_at, k.outcome, k.end_reason, k.ended_by, k.carrier_code, k.who, k.goal, k.evidence, k.fields, k.summary, k.sentiment,
       k.sentiment_word, k.opted_out, k.callback_at, k.duration_ms, k.first_word_ms, k.recording is not null as recorded
from calls k
join phone_numbers p on p.id = k.phone_number_id
join agents a on a.id = k.agent_id
left join campaigns c on c.id = k.campaign_id
where k.id = :call_id::bigint;

-- name: turns(call_id)
-- record_class: SpokenTurn
-- The transcript of one call.
select position, speaker, text, start_ms, end_ms, cut_off, latency_ms from transcript_turns where call_id = :call_id::bigint order by position;

-- name: events(call_id)
-- record_class: CallEvent
-- The timeline of one call.
select at, source, kind, detail from call_events where call_id = :call_id::bigint order by at, id limit 500;

-- name: agents()
-- record_class: Choice
-- Agents to choose from.
select id, name as label from agents where deleted_at is null order by lower(name);

-- name: phone_numbers()
-- record_class: Choice
-- Numbers to call from, each with its label and whether calls from it are rehearsals.
select p.id, p.e164 || case when p.label <> '' then ' · ' || p.label else '' end
       || case when ca.rehearsal then ' (rehearsal: simulated phones)' else '' end as label
from phone_numbers p join carrier_accounts ca on ca.id = p.carrier_account_id
where p.deleted_at is null order by p.e164;

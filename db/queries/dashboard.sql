-- What the dashboard's pages read. Pages are keyset pages: `after` is the last row of the page before, null for the first.

-- name: campaigns_page(statuses, search, after_id, by_name, after_name, page_size)
-- record_class: CampaignLine
-- One page of the list of campaigns, newest first or by name, with the progress of each.
with page as materialized (
    select c.id, c.name, c.status, c.status_reason, c.timezone, c.scheduled_start, c.created_at, a.name as agent_name
    from campaigns c
    join agents a on a.id = c.agent_id
    where (:statuses::text[] is null or c.status = any(:statuses::text[]))
      and (:search::text is null or c.name ilike '%' || :search::text || '%' or a.name ilike '%' || :search::text || '%')
      and (:after_id::bigint is null
           or case when :by_name::boolean then (lower(c.name), c.id) > (lower(:after_name::text), :after_id::bigint) else c.id < :after_id::bigint end)
    order by case when :by_name::boolean then lower(c.name) end, case when :by_name::boolean then c.id else -c.id end
    limit :page_size::int
)
select c.id, c.name, c.status, c.status_reason, c.timezone, c.scheduled_start, c.created_at, c.agent_name,
       coalesce(n.pending, 0) as pending, coalesce(n.in_progress, 0) as in_progress, coalesce(n.completed, 0) as completed,
       coalesce(n.failed, 0) as failed, coalesce(n.skipped, 0) as skipped,
       k.ended as calls_ended, k.answered as calls_answered, r.next_retry_at
from page c
left join campaign_counts n on n.campaign_id = c.id
left join lateral (
    select coalesce(sum(calls), 0)::bigint as ended, coalesce(sum(answered), 0)::bigint as answered
    from call_results where campaign_id = c.id and outcome is distinct from 'withdrawn'
) k on true
left join lateral (
    select not_before as next_retry_at from contacts
    where campaign_id = c.id and status = 'pending' and blocked_by is null and not_before is not null order by not_before limit 1
) r on c.status in ('pending', 'in_progress')
order by case when :by_name::boolean then lower(c.name) end, case when :by_name::boolean then c.id else -c.id end;

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
-- What came of a campaign's calls so far, from the kept counts. Withdrawn calls never reached the carrier and count nowhere.
with first_words as (
    select first_word_ms, sum(calls) over (order by first_word_ms) as up_to, sum(calls) over () as of_all
    from call_first_words where campaign_id = :campaign_id::bigint and calls > 0
)
select coalesce(sum(calls), 0)::bigint as ended,
       (select count(*) from calls k where k.campaign_id = :campaign_id::bigint and k.live) as running,
       coalesce(sum(answered), 0)::bigint as answered, coalesce(sum(calls) filter (where who = 'human'), 0)::bigint as people,
       coalesce(sum(calls) filter (where goal = 'met'), 0)::bigint as goals_met, (sum(duration_ms) / nullif(sum(timed), 0))::float8 as mean_duration_ms,
       (select (min(first_word_ms) filter (where up_to * 2 >= of_all) + min(first_word_ms) filter (where up_to * 2 > of_all)) / 2.0
        from first_words)::float8 as first_word_p50_ms,
       (select min(first_word_ms) filter (where up_to >= 0.95 * of_all) from first_words)::float8 as first_word_p95_ms
from call_results where campaign_id = :campaign_id::bigint and outcome is distinct from 'withdrawn';

-- name: outcomes(campaign_id)
-- record_class: Tally
-- How the campaign's calls ended, most frequent first.
select outcome as label, sum(calls)::bigint as count from call_results
where campaign_id = :campaign_id::bigint and outcome is not null and calls > 0
group by outcome order by sum(calls) desc, outcome;

-- name: outcomes_over_time(campaign_id, zone)
-- record_class: OutcomeSpan
-- How the campaign's calls ended, by when they were dialed: in half hours where all were within half a day, in hours within three days,
-- in days within a quarter of a year, else in weeks. `at` is the wall clock of `zone`, where the span begins.
with halves as (
    select half_hour at time zone :zone::text as at, outcome, calls from call_half_hours
    where campaign_id = :campaign_id::bigint and outcome is not null and calls > 0
), span as (
    select case when max(at) - min(at) < interval '12 hours' then 30 when max(at) - min(at) < interval '3 days' then 60
                when max(at) - min(at) < interval '92 days' then 1440 else 10080 end as minutes
    from halves
)
select date_bin(make_interval(mins => minutes), at, timestamp '2000-01-03 00:00') as at, minutes, outcome, sum(calls)::bigint as calls
from halves, span group by 1, 2, 3 order by 1, 3;

-- name: imports(campaign_id, most)
-- record_class: Import
-- Files whose contacts were imported into the campaign, or were to be, newest first.
select id, file_name, at, actor, (report->>'imported')::int as imported, (report->>'refused')::int as refused,
       (report->>'kept')::boolean as kept, problems is not null as has_problems
from contact_imports
where campaign_id = :campaign_id::bigint and not (report->>'dry_run')::boolean
order by id desc limit :most::int;

-- name: running_calls(campaign_id, page_size)
-- record_class: RunningCall
-- The campaign's calls that have not ended, oldest first, with the last line that was spoken.
select k.id, k.number, k.contact_name, k.state, k.try as try_, coalesce(k.answered_at, k.requested_at, k.planned_at) as since,
       t.speaker as last_speaker, t.text as last_text
from calls k
left join lateral (select speaker, text from transcript_turns where call_id = k.id order by position desc limit 1) t on true
where k.campaign_id = :campaign_id::bigint and k.live
order by k.id limit :page_size::int;

-- name: waiting(campaign_id, most)
-- record_class: Waiting
-- Why pending contacts are not being called, most frequent reason first; each is counted up to `most`.
select gate, reason, contacts as count, at_least, look_again_at as next_at from why_contacts_wait(:campaign_id::bigint, :most::int);

-- name: contacts_page(campaign_id, status, search, masked, after_id, page_size)
-- record_class: ContactLine
-- One page of a campaign's contacts in their order, by status and by what their name or number holds; of a masked number, what it shows.
select c.id, c.number, c.name, c.variables, c.status, c.status_reason, c.tries, c.not_before, c.callback, c.last_outcome, c.blocked_by,
       c.blocked_reason, c.look_again_at, c.person_deleted_at
from contacts_found(:campaign_id::bigint, :status::text, :search::text, :masked::boolean, :after_id::bigint, :page_size::int) as f (id)
join contacts c on c.id = f.id
order by c.id;

-- name: count_contacts(campaign_id, status, search, most)$
-- How many contacts of a status a search finds, counted up to so many; numbers are searched as they are.
select count(*) from contacts_found(:campaign_id::bigint, :status::text, :search::text, false, null, :most::int);

-- name: verdicts(contact_id)
-- record_class: Verdict
-- The ledger of one contact: each change of a gate's verdict, newest first.
select at, gate, verdict, value, look_again_at from gate_verdicts where contact_id = :contact_id::bigint order by id desc limit 50;

-- name: call_lines(ids)
-- record_class: CallLine
-- These calls as lines of a log, in the order of the ids.
select k.id, k.number, k.contact_name, k.state, k.try as try_, coalesce(k.requested_at, k.planned_at) as at, k.outcome, k.end_reason, k.who,
       k.goal, k.sentiment_word, k.duration_ms, k.opted_out
from unnest(:ids::bigint[]) with ordinality as f (id, turn) join calls k on k.id = f.id
order by f.turn;

-- name: call_filters(campaign_id)^
-- record_class: CallFilters
-- The values that occur in a campaign's calls, to filter by.
select coalesce(array_agg(distinct outcome) filter (where outcome is not null), '{}') as outcomes,
       coalesce(array_agg(distinct who) filter (where who is not null), '{}') as whos,
       coalesce(array_agg(distinct goal) filter (where goal is not null), '{}') as goals,
       coalesce(array_agg(distinct sentiment_word) filter (where sentiment_word is not null), '{}') as sentiments
from call_results where campaign_id = :campaign_id::bigint and calls > 0;

-- name: exported_calls(ids)
-- record_class: ExportedCall
-- These calls for a file, in the order of the ids.
select k.id, k.number, k.contact_name, k.try as try_, k.planned_at, k.requested_at, k.answered_at, k.ended_at, k.outcome, k.end_reason, k.ended_by,
       k.carrier_code, k.who, k.goal, k.sentiment, k.sentiment_word, k.opted_out, k.callback_at, k.duration_ms, k.first_word_ms,
       k.summary, k.fields,
       (select string_agg(t.speaker || ': ' || t.text, E'\n' order by t.position) from transcript_turns t where t.call_id = k.id) as transcript,
       case when k.recording is not null then k.recording_deleted_at end as recording_deleted_at, k.transcript_deleted_at
from unnest(:ids::bigint[]) with ordinality as f (id, turn) join calls k on k.id = f.id
order by f.turn;

-- name: call(call_id)^
-- record_class: Call
-- One call with all that is known of it.
select k.id, k.campaign_id, c.name as campaign_name, c.timezone, k.contact_id, k.number, k.contact_name, k.variables, p.e164 as caller,
       k.agent_id, a.name as agent_name, k.agent_version, k.rehearsal, k.try as try_, k.state, k.planned_at, k.requested_at, k.ringing_at, k.answered_at,
       k.ended_at, k.outcome, k.end_reason, k.ended_by, k.carrier_code, k.who, k.goal, k.evidence, k.fields, k.summary, k.sentiment,
       k.sentiment_word, k.opted_out, k.callback_at, k.duration_ms, k.first_word_ms,
       k.recording is not null and k.recording_deleted_at is null as recorded,
       case when k.recording is not null then k.recording_deleted_at end as recording_deleted_at, k.recording_kept_days,
       k.transcript_deleted_at, k.transcript_kept_days, k.timeline_deleted_at, k.person_deleted_at
from calls k
join phone_numbers p on p.id = k.phone_number_id
join agents a on a.id = k.agent_id
left join campaigns c on c.id = k.campaign_id
where k.id = :call_id::bigint;

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

-- What the page of analytics reads: sums of the counts by half hour (db/migrations/0008_call_hours.sql), never the calls themselves.
-- A filter that is null fits all. `zone` is the zone whose hours and days are meant.

-- name: ground()^
-- record_class: Ground
-- The time, and whether any call has been counted at all.
select callwright_now() as now, exists (select from call_half_hours where calls > 0) as any_call;

-- name: campaigns()
-- record_class: Choice
-- Campaigns to choose from: those that have begun, newest first, 500 at most.
select id, name as label from campaigns where started_at is not null order by id desc limit 500;

-- name: agents()
-- record_class: Choice
-- Agents to choose from. Those that were deleted have made calls all the same.
select id, name || case when deleted_at is not null then ' (deleted)' else '' end as label from agents order by lower(name), id;

-- name: phone_numbers()
-- record_class: Choice
-- Numbers to choose from. Those that were deleted have made calls all the same; the line of calls in the browser serves no campaign.
select id, e164 || case when label <> '' then ' · ' || label else '' end || case when deleted_at is not null then ' (deleted)' else '' end as label
from phone_numbers where e164 <> 'browser' order by e164;

-- name: by_day(since, until, campaigns, agent, phone_number, is_rehearsal, zone, step)
-- record_class: Period
-- All figures by day, week or month (`step`), in the order of time. Periods without a call are left out.
with halves as (
    select half_hour, sum(calls) as calls, sum(answered) as answered, sum(calls) filter (where who = 'human') as people,
           sum(calls) filter (where who = 'voicemail') as voicemails, sum(opted_out) as opted_out, sum(timed) as timed,
           sum(duration_ms) as duration_ms, sum(calls) filter (where goal = 'met' and who = 'human') as met,
           sum(calls) filter (where goal = 'not_met' and who = 'human') as not_met,
           sum(calls) filter (where goal = 'unclear' and who = 'human') as unclear,
           sum(calls) filter (where sentiment_word = 'positive' and who = 'human') as positive,
           sum(calls) filter (where sentiment_word = 'neutral' and who = 'human') as neutral,
           sum(calls) filter (where sentiment_word = 'negative' and who = 'human') as negative
    from half_hours_between(:since::timestamptz, :until::timestamptz, :campaigns::bigint[], :agent::bigint, :phone_number::bigint,
                            :is_rehearsal::boolean)
    group by half_hour
)
select date_trunc(:step::text, half_hour at time zone :zone::text)::date as day, sum(calls)::bigint as calls, sum(answered)::bigint as answered,
       coalesce(sum(people), 0)::bigint as people, coalesce(sum(voicemails), 0)::bigint as voicemails, sum(opted_out)::bigint as opted_out,
       sum(timed)::bigint as timed, sum(duration_ms)::bigint as duration_ms, coalesce(sum(met), 0)::bigint as met,
       coalesce(sum(not_met), 0)::bigint as not_met, coalesce(sum(unclear), 0)::bigint as unclear,
       coalesce(sum(positive), 0)::bigint as positive, coalesce(sum(neutral), 0)::bigint as neutral,
       coalesce(sum(negative), 0)::bigint as negative
from halves group by 1 order by 1;

-- name: by_hour(since, until, campaigns, agent, phone_number, is_rehearsal, zone)
-- record_class: Hour
-- Calls and answers by weekday (ISO: Monday is 1) and hour of the day.
with halves as (
    select half_hour, sum(calls) as calls, sum(answered) as answered
    from half_hours_between(:since::timestamptz, :until::timestamptz, :campaigns::bigint[], :agent::bigint, :phone_number::bigint,
                            :is_rehearsal::boolean)
    group by half_hour
)
select extract(isodow from half_hour at time zone :zone::text)::int as weekday, extract(hour from half_hour at time zone :zone::text)::int as hour,
       sum(calls)::bigint as calls, sum(answered)::bigint as answered
from halves group by 1, 2 order by 1, 2;

-- name: by_try(since, until, campaigns, agent, phone_number, is_rehearsal)
-- record_class: Try
-- How each try ended.
select try as try_, outcome, sum(calls)::bigint as calls
from half_hours_between(:since::timestamptz, :until::timestamptz, :campaigns::bigint[], :agent::bigint, :phone_number::bigint,
                        :is_rehearsal::boolean)
group by 1, 2 order by 1, 2;

-- name: first_words(since, until, campaigns, agent, phone_number, is_rehearsal, zone, step)
-- record_class: FirstWords
-- How many calls of a day, week or month had their first word after so many milliseconds, in steps of 20.
with halves as (
    select half_hour, first_word_ms, sum(calls) as calls
    from call_half_hour_first_words h
    where h.half_hour >= :since::timestamptz and h.half_hour < :until::timestamptz and h.calls > 0
      and (:campaigns::bigint[] is null or h.campaign_id = any (:campaigns::bigint[])) and (:agent::bigint is null or h.agent_id = :agent::bigint)
      and (:phone_number::bigint is null or h.phone_number_id = :phone_number::bigint)
      and (:is_rehearsal::boolean is null or h.rehearsal = :is_rehearsal::boolean)
    group by 1, 2
)
select date_trunc(:step::text, half_hour at time zone :zone::text)::date as day, first_word_ms, sum(calls)::bigint as calls
from halves group by 1, 2 order by 1, 2;

-- name: by_thing(since, until, campaigns, agent, phone_number, is_rehearsal, thing, most)
-- record_class: Line
-- All figures by `thing`: campaign, agent or number. Those with the most calls first.
with summed as materialized (
    select case :thing::text when 'campaign' then campaign_id when 'agent' then agent_id else phone_number_id end as id,
           sum(calls)::bigint as calls, sum(answered)::bigint as answered, coalesce(sum(calls) filter (where who = 'human'), 0)::bigint as people,
           coalesce(sum(calls) filter (where who = 'voicemail'), 0)::bigint as voicemails, sum(opted_out)::bigint as opted_out,
           sum(timed)::bigint as timed, sum(duration_ms)::bigint as duration_ms,
           coalesce(sum(calls) filter (where goal = 'met' and who = 'human'), 0)::bigint as met
    from half_hours_between(:since::timestamptz, :until::timestamptz, :campaigns::bigint[], :agent::bigint, :phone_number::bigint,
                            :is_rehearsal::boolean)
    group by 1 order by 2 desc, 1 limit :most::int
)
select s.*, case :thing::text
           when 'campaign' then (select name from campaigns where id = s.id)
           when 'agent' then (select name from agents where id = s.id)
           else (select e164 || case when label <> '' then ' · ' || label else '' end from phone_numbers where id = s.id)
       end as label
from summed s order by s.calls desc, s.id;

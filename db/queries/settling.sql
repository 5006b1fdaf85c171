-- What is told about calls, and what becomes of them and of their contacts.

-- name: call(call_id)^
-- record_class: CallRow
-- A call as it is now.
select k.id, k.campaign_id, k.contact_id, k.number, nullif(k.variables ->> 'timezone', '') as zone, n.e164 as caller, a.name as account, k.carrier_account_id, k.phone_number_id, k.rehearsal, k.state,
       k.process_id, k.lease_until, k.fence, k.ring_timeout_s, k.requested_at, k.posted_at, k.unknown_at, k.cancel_wanted, k.ringing_at,
       k.answered_at, k.ended_at, k.carrier_call_id, k.looked_up_at, k.first_missed_at, k.carrier_ended_at, k.carrier_outcome,
       k.conversation_ended_at, k.stream_bound_at, k.stream_token_hash, k.stream_token_expires_at, k.stream_token_used_at, k.outcome,
       k.end_reason, k.carrier_code, k.who, k.message_delivered, k.callback_at, callwright_now() as now
from calls k
join phone_numbers n on n.id = k.phone_number_id
join carrier_accounts a on a.id = k.carrier_account_id
where k.id = :call_id::bigint;

-- name: lock_call(call_id)$
-- Lock a call; its id.
select id from calls where id = :call_id::bigint for no key update;

-- name: campaign_of(call_id)^
-- Which campaign a call belongs to: what is to be locked before the call.
select id, campaign_id from calls where id = :call_id::bigint;

-- name: keep_event(call_id, source, kind, key, detail)$
-- Keep what was told, once: null where it was told before.
insert into call_events (call_id, source, kind, key, detail)
values (:call_id::bigint, :source::text, :kind::text, :key::text, :detail::jsonb)
on conflict (call_id, source, key) where key is not null do nothing
returning id;

-- name: progress(call_id, state, at, carrier_call_id)!
-- The call got further: its state moves up (never down), its times and the carrier's id are filled in where they are missing.
-- The carrier's clock may be wrong: what it says happened after we asked, before now, and in order.
update calls set
    state = case when live and call_rank(:state::text) > call_rank(state) then :state::text else state end,
    ringing_at = case when :state::text = 'ringing' then coalesce(ringing_at,
        least(greatest(requested_at, coalesce(:at::timestamptz, callwright_now())), answered_at, ended_at, callwright_now())) else ringing_at end,
    answered_at = case when :state::text = 'answered' then coalesce(answered_at,
        least(greatest(requested_at, ringing_at, coalesce(:at::timestamptz, callwright_now())), ended_at, callwright_now())) else answered_at end,
    carrier_call_id = coalesce(carrier_call_id, :carrier_call_id::text)
where id = :call_id::bigint;

-- name: carrier_ended(call_id, carrier_call_id, outcome, code, at)!
-- The carrier says that the call is over, and how.
update calls set
    carrier_ended_at = coalesce(carrier_ended_at,
        least(greatest(requested_at, ringing_at, answered_at, coalesce(:at::timestamptz, callwright_now())), callwright_now())),
    carrier_outcome = coalesce(carrier_outcome, :outcome::text),
    carrier_code = coalesce(carrier_code, :code::text),
    carrier_call_id = coalesce(carrier_call_id, :carrier_call_id::text)
where id = :call_id::bigint;

-- name: end_call(call_id, outcome, end_reason, ended_by, carrier_code)$
-- A call ends, once: null where it had ended. Dialers are told that there is room.
update calls set
    state = 'ended', ended_at = callwright_now(), outcome = :outcome::text, end_reason = coalesce(end_reason, :end_reason::text),
    ended_by = coalesce(ended_by, :ended_by::text), carrier_code = coalesce(carrier_code, :carrier_code::text),
    posted_at = coalesce(posted_at, case when requested_at is not null then callwright_now() end),
    duration_ms = case when answered_at is not null
        then greatest(0, extract(epoch from coalesce(conversation_ended_at, carrier_ended_at, callwright_now()) - answered_at) * 1000)::int end
where id = :call_id::bigint and live
returning id, pg_notify('callwright_dialer', '');

-- name: correct_lost(call_id, outcome)$
-- A call that was given up as lost was found after all: null where it was not lost.
update calls set outcome = :outcome::text, duration_ms = case when answered_at is not null and carrier_ended_at is not null
        then greatest(0, extract(epoch from carrier_ended_at - answered_at) * 1000)::int end
where id = :call_id::bigint and state = 'ended' and outcome = 'lost'
returning contact_id;

-- name: correct_contact(contact_id)!
-- What was not counted as a try was one.
update contacts set tries = tries + 1, lost_tries = greatest(0, lost_tries - 1), updated_at = callwright_now() where id = :contact_id::bigint;

-- name: contact(contact_id)^
-- record_class: ContactRules
-- A contact with what its campaign says about further tries.
select ct.id, ct.status, ct.tries, ct.extra_tries, ct.lost_tries, ct.callback, c.max_retries, c.retry_delay_min, c.retry_on_voicemail, c.retry_on_dropped
from contacts ct join campaigns c on c.id = ct.campaign_id
where ct.id = :contact_id::bigint;

-- name: move_contact(contact_id, status, reason, tries, lost_tries, not_before, callback, outcome, gate, gate_reason, look_again_at)!
-- A contact after one of its calls; `not_before` null leaves its turn as it was.
update contacts set
    status = :status::text, status_reason = :reason::text, tries = :tries::int, lost_tries = :lost_tries::int,
    not_before = coalesce(:not_before::timestamptz, not_before), callback = :callback::boolean, last_outcome = :outcome::text,
    blocked_by = :gate::text, blocked_reason = :gate_reason::text, look_again_at = :look_again_at::timestamptz, updated_at = callwright_now()
where id = :contact_id::bigint and status = 'in_progress';

-- name: not_begun(contact_id)!
-- A contact that was claimed, and that the carrier never called, is one that its campaign has not begun: a pilot calls so many, and not fewer.
with contact as (
    update contacts ct set begun = false
    where id = :contact_id::bigint and begun
      and not exists (select from calls k where k.contact_id = ct.id and (k.outcome is distinct from 'withdrawn' or k.carrier_call_id is not null))
    returning campaign_id
)
update campaign_pacing p set contacts_begun = greatest(0, p.contacts_begun - 1) from contact where p.campaign_id = contact.campaign_id;

-- name: complete_campaign(campaign_id)$
-- A running campaign with nobody left to call is completed: its id, else null.
update campaigns c set status = 'completed', status_reason = '', ended_at = callwright_now()
from campaign_counts n
where c.id = :campaign_id::bigint and n.campaign_id = c.id and c.status in ('pending', 'in_progress') and n.pending = 0 and n.in_progress = 0
returning c.id;

-- name: pause_campaign(campaign_id, reason)$
-- A running campaign pauses by itself: its id, else null.
update campaigns set status = 'paused', status_reason = :reason::text
where id = :campaign_id::bigint and status in ('pending', 'in_progress')
returning id;

-- name: end_pilot(campaign_id)$
-- The pilot's contacts have all been called once: the campaign pauses. Its size, else null.
update campaigns c set status = 'paused', pilot_done = true,
    status_reason = 'the pilot of ' || c.pilot_size || ' contacts is done: look at its calls, then resume'
from campaign_pacing p
where c.id = :campaign_id::bigint and p.campaign_id = c.id and c.status in ('pending', 'in_progress') and c.pilot_size is not null and not c.pilot_done
  and p.contacts_begun >= c.pilot_size and not exists (select from calls k where k.campaign_id = c.id and k.live)
returning c.pilot_size;

-- name: recent_requests(campaign_id, most)^
-- How many of the campaign's last requests to the carrier failed, and how many there were, since it last began to run.
select count(*) as requests,
       count(*) filter (where k.outcome in ('carrier_failure', 'lost') or k.end_reason = 'nothing_sent' or k.unknown_at is not null) as failed
from (
    select k.outcome, k.end_reason, k.unknown_at
    from calls k join campaigns c on c.id = k.campaign_id
    where k.campaign_id = :campaign_id::bigint and k.state = 'ended' and k.planned_at >= c.running_since
      and (k.outcome <> 'withdrawn' or k.end_reason = 'nothing_sent')
    order by k.id desc limit :most::int
) k;

-- name: take_due(process_id, lease_s, every_s, accounts, take_over, most)
-- Calls that must be asked about, taken by this process: fates unknown, leases that ran out, silence where the carrier should have spoken.
-- Of a process that is gone, a POST's fate is not known, and nobody talks on its streams any more.
update calls k set
    process_id = :process_id::text, lease_until = callwright_now() + make_interval(secs => :lease_s::float8), looked_up_at = callwright_now(),
    fence = case when due.expired then k.fence + 1 else k.fence end,
    state = case when due.expired and k.state = 'requested' and k.carrier_call_id is null then 'unknown' else k.state end,
    posted_at = case when due.expired and k.state <> 'planned' then coalesce(k.posted_at, callwright_now()) else k.posted_at end,
    stream_bound_at = case when due.expired then null else k.stream_bound_at end
from (
    select c.id, c.lease_until < t.now as expired
    from calls c join carrier_accounts a on a.id = c.carrier_account_id cross join (select callwright_now() as now) t
    where c.live and a.name = any (:accounts::text[])
      and (c.looked_up_at is null or c.looked_up_at < t.now - make_interval(secs => :every_s::float8))
      and (:take_over::boolean and c.lease_until < t.now
           or c.process_id = :process_id::text and c.lease_until >= t.now and (
               c.state = 'unknown'
               or c.cancel_wanted and c.posted_at is not null and c.state <> 'answered'
               or c.state = 'planned' and c.planned_at < t.now - interval '60 s'
               or c.state = 'requested' and (c.posted_at < t.now - interval '10 s' or c.requested_at < t.now - interval '60 s')
               or c.state = 'ringing' and c.ringing_at < t.now - make_interval(secs => c.ring_timeout_s + 15)
               or c.state = 'answered' and c.stream_bound_at is null and c.answered_at < t.now - interval '30 s'
               or c.state = 'answered' and c.conversation_ended_at < t.now - interval '10 s'))
    order by c.id limit :most::int
    for no key update of c skip locked
) due
where k.id = due.id
returning k.id;

-- name: missed(call_id)!
-- The carrier was looked through, and nothing was found.
update calls set first_missed_at = coalesce(first_missed_at, callwright_now()) where id = :call_id::bigint;

-- name: known_ids(account_id, carrier_call_ids)
-- Which of these ids belong to a call of ours already.
select carrier_call_id from calls where carrier_account_id = :account_id::bigint and carrier_call_id = any (:carrier_call_ids::text[]);

-- name: want_cancelled(call_id)!
-- The call is to be taken back, so that its end is a withdrawal.
update calls set cancel_wanted = true where id = :call_id::bigint and live;

-- name: keep_result(call_id, fence, ended_by, reason, who, goal, evidence, fields, summary, sentiment, sentiment_word, opted_out, callback_at, first_word_ms, message_delivered, recording)$
-- The result of a conversation, kept once and only from who holds the call.
update calls set
    conversation_ended_at = callwright_now(), ended_by = :ended_by::text, end_reason = :reason::text, who = :who::text, goal = :goal::text,
    evidence = :evidence::jsonb, fields = :fields::jsonb, summary = :summary::text, sentiment = :sentiment::float8, sentiment_word = :sentiment_word::text,
    opted_out = :opted_out::boolean, callback_at = :callback_at::timestamptz, first_word_ms = :first_word_ms::int,
    message_delivered = :message_delivered::boolean, recording = coalesce(:recording::text, recording)
where id = :call_id::bigint and live and conversation_ended_at is null and fence = :fence::bigint
returning id;

-- name: set_recording(call_id, recording)!
-- Where the recording lies, below the data directory.
update calls set recording = :recording::text where id = :call_id::bigint;

-- name: keep_turn(call_id, position, speaker, text, start_ms, end_ms, cut_off, latency_ms)!
-- A turn of the transcript; the same position again replaces it.
insert into transcript_turns (call_id, position, speaker, text, start_ms, end_ms, cut_off, latency_ms)
values (:call_id::bigint, :position::int, :speaker::text, :text::text, :start_ms::int, :end_ms::int, :cut_off::boolean, :latency_ms::jsonb)
on conflict (call_id, position) do update set speaker = excluded.speaker, text = excluded.text, start_ms = excluded.start_ms,
    end_ms = excluded.end_ms, cut_off = excluded.cut_off, latency_ms = excluded.latency_ms;

-- name: issue_token(call_id, token_hash, valid_s)$
-- A new stream token for a call that goes on: null where it does not. An older token of the call is void.
update calls set stream_token_hash = :token_hash::bytea, stream_token_used_at = null,
    stream_token_expires_at = callwright_now() + make_interval(secs => :valid_s::float8)
where id = :call_id::bigint and state in ('requested', 'unknown', 'ringing', 'answered') and not cancel_wanted
  and carrier_ended_at is null and conversation_ended_at is null
returning id;

-- name: bind_stream(call_id, stream_id, process_id, lease_s)!
-- A media stream belongs to the call, and the call to this process. Callers hold the call's lock and have checked the token.
update calls set state = 'answered', answered_at = coalesce(answered_at, callwright_now()), stream_token_used_at = callwright_now(),
    stream_bound_at = callwright_now(), stream_id = :stream_id::text, process_id = :process_id::text, fence = fence + 1,
    lease_until = callwright_now() + make_interval(secs => :lease_s::float8)
where id = :call_id::bigint;

-- name: brief(call_id)^
-- record_class: CallBrief
-- All that a conversation is begun with. Whoever talks in the browser has the number of the sample contact, where that has one.
select k.id as call_id, k.campaign_id, k.contact_id, k.number, k.contact_name,
       case when a.carrier = 'browser' then jsonb_build_object('phone_number', 'your browser') || k.variables
            else k.variables || jsonb_build_object('phone_number', k.number) end || jsonb_build_object('contact_name', k.contact_name) as variables,
       av.definition, k.agent_id, k.agent_version, g.name as agent_name, c.name as campaign_name, a.name as account, k.carrier_call_id,
       k.rehearsal, k.fence, k.answered_at
from calls k
join carrier_accounts a on a.id = k.carrier_account_id
join agents g on g.id = k.agent_id
left join campaigns c on c.id = k.campaign_id
join agent_versions av on av.agent_id = k.agent_id and av.version = k.agent_version
where k.id = :call_id::bigint;

-- Supervision of live calls: grants, who still may, what each call is like just now, and where it is held.

-- name: add_grant(token_hash, call_id, kind, user_id, session_hash, valid_s)$
-- A new grant for a call in progress: when it ends; null where the call is not in progress. Old ones are deleted on the way, but for those
-- that another one deletes just now.
with old as (
    delete from live_grants where token_hash in (
        select token_hash from live_grants where expires_at < callwright_now() - interval '1 hour' for update skip locked))
insert into live_grants (token_hash, call_id, kind, user_id, session_hash, expires_at)
select :token_hash::bytea, k.id, :kind::text, :user_id::bigint, :session_hash::bytea, callwright_now() + make_interval(secs => :valid_s::float8)
from calls k
where k.id = :call_id::bigint and k.state = 'answered' and k.stream_bound_at is not null and k.conversation_ended_at is null
returning expires_at;

-- name: use_grant(token_hash, session_hash, call_id, supervisors, talkers)^
-- record_class: GrantUsed
-- Use a grant, once, where all of it holds: the call, the time, the session, the account and its role. `supervisors`, `talkers`: roles.
update live_grants g set used_at = callwright_now()
from sessions s, users u, calls k
where g.token_hash = :token_hash::bytea and g.session_hash = :session_hash::bytea and g.call_id = :call_id::bigint
  and g.used_at is null and g.expires_at > callwright_now()
  and s.token_hash = g.session_hash and s.user_id = g.user_id and s.ended_at is null and s.expires_at > callwright_now()
  and u.id = g.user_id and u.disabled_at is null
  and k.id = g.call_id and k.state = 'answered' and k.conversation_ended_at is null
  and (g.kind = 'supervise' and u.role = any (:supervisors::text[])
       or g.kind = 'talk' and u.role = any (:talkers::text[]) and k.number = 'browser:' || u.id)
returning g.kind, u.id as user_id, u.name;

-- name: grant_as_it_is(token_hash)^
-- record_class: GrantAsItIs
-- A grant that was refused, for the log: what does not fit.
select g.call_id, g.session_hash, g.used_at is not null as used, g.expires_at <= callwright_now() as expired
from live_grants g where g.token_hash = :token_hash::bytea;

-- name: roles_of_sessions(session_hashes)
-- Of these sessions those that last, with the role that their accounts have now.
select s.token_hash, u.role from sessions s join users u on u.id = s.user_id
where s.token_hash = any (:session_hashes::bytea[]) and s.ended_at is null and s.expires_at > callwright_now() and u.disabled_at is null;

-- name: holder(call_id)^
-- record_class: CallHolder
-- Which process holds a call in progress; nothing where it is not in progress.
select k.id as call_id, k.process_id, coalesce(p.address, '') as address, k.lease_until > callwright_now() as alive, k.number
from calls k left join processes p on p.id = k.process_id
where k.id = :call_id::bigint and k.state = 'answered' and k.stream_bound_at is not null and k.conversation_ended_at is null;

-- name: tell_calls(process_id, call_ids, agent_states, steps, line_speakers, line_texts, line_finals, quiet_sinces, sentiments, held_bys, listeners, stucks)!
-- What these calls are like just now, by the process that holds them.
insert into live_calls as l (call_id, process_id, agent_state, step, line_speaker, line_text, line_final, quiet_since, sentiment, held_by,
                             listeners, stuck)
select t.call_id, :process_id::text, t.agent_state, t.step, t.line_speaker, t.line_text, t.line_final, t.quiet_since, t.sentiment, t.held_by,
       t.listeners, t.stuck
from unnest(:call_ids::bigint[], :agent_states::text[], :steps::text[], :line_speakers::text[], :line_texts::text[], :line_finals::boolean[],
            :quiet_sinces::timestamptz[], :sentiments::float8[], :held_bys::text[], :listeners::int[], :stucks::text[])
    as t (call_id, agent_state, step, line_speaker, line_text, line_final, quiet_since, sentiment, held_by, listeners, stuck)
join calls k on k.id = t.call_id
order by t.call_id
on conflict (call_id) do update set
    process_id = excluded.process_id, told_at = callwright_now(), agent_state = excluded.agent_state, step = excluded.step,
    line_speaker = excluded.line_speaker, line_text = excluded.line_text, line_final = excluded.line_final,
    quiet_since = excluded.quiet_since, sentiment = excluded.sentiment, held_by = excluded.held_by, listeners = excluded.listeners,
    stuck = excluded.stuck;

-- name: forget_calls(process_id, call_ids)!
-- These calls are over, or another process has told of them since. What a process left that died goes too, once its calls have ended.
delete from live_calls l
where l.call_id = any (:call_ids::bigint[]) and l.process_id = :process_id::text
   or l.told_at < callwright_now() - interval '1 minute' and exists (select from calls k where k.id = l.call_id and k.state = 'ended');

-- name: live_calls(silent_after_s)
-- record_class: LiveCallRow
-- All calls in progress of all processes, those that may need help first, then those in which nobody has spoken for longest.
select k.id, k.campaign_id, c.name as campaign_name, k.contact_id, k.number, k.contact_name, k.agent_id, g.name as agent_name, k.answered_at,
       k.rehearsal, l.told_at, l.agent_state, l.step, l.line_speaker, l.line_text, l.line_final, l.quiet_since, l.sentiment, l.held_by,
       l.listeners, s.stuck
from live_calls l
cross join lateral (
    select case when l.told_at < callwright_now() - make_interval(secs => :silent_after_s::float8)
        then 'the process that holds the call says nothing of it any more' else l.stuck end as stuck) s
join calls k on k.id = l.call_id
join agents g on g.id = k.agent_id
left join campaigns c on c.id = k.campaign_id
where k.state = 'answered' and k.conversation_ended_at is null
order by s.stuck = '', l.quiet_since nulls last, k.id;

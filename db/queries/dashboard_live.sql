-- What the wallboard reads: the calls of this moment.

-- name: calls_in_progress()
-- record_class: LiveCall
-- All calls that go on, of all processes, each with what its process told of it last.
select k.id, k.number, k.contact_name, k.campaign_id, c.name as campaign_name, k.agent_id, a.name as agent_name, k.rehearsal, k.state,
       coalesce(extract(epoch from callwright_now() - k.answered_at), 0)::float8 as talking_s,
       extract(epoch from callwright_now() - l.told_at)::float8 as told_s, coalesce(l.agent_state, '') as agent_state, coalesce(l.step, '') as step,
       l.line_speaker, coalesce(l.line_text, '') as line_text, coalesce(l.line_final, true) as line_final,
       coalesce(extract(epoch from callwright_now() - l.quiet_since), 0)::float8 as silent_s, l.sentiment, l.held_by,
       coalesce(l.listeners, 0) as listeners, coalesce(l.stuck, '') as stuck
from calls k
join agents a on a.id = k.agent_id
left join campaigns c on c.id = k.campaign_id
left join live_calls l on l.call_id = k.id
where k.live and k.conversation_ended_at is null;

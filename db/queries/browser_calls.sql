-- Calls that a person makes to an agent in the browser. All of them are on one line, of a carrier account of its own.

-- name: ensure_line(number, label, account_id)$
-- The line: its id. It counts as deleted: no list shows it, and no campaign can choose it.
insert into phone_numbers as n (e164, label, carrier_account_id, deleted_at)
values (:number::text, :label::text, :account_id::bigint, callwright_now())
on conflict (e164) do update set label = excluded.label, carrier_account_id = excluded.carrier_account_id,
    deleted_at = coalesce(n.deleted_at, excluded.deleted_at)
returning id;

-- name: placed_call(call_id)^
-- record_class: BrowserCall
-- What became of a call since its carrier was asked for it.
select k.id, k.number, n.e164 as caller, k.state, k.requested_at, k.ring_timeout_s, k.cancel_wanted, k.answered_at, k.conversation_ended_at,
       callwright_now() as now
from calls k join phone_numbers n on n.id = k.phone_number_id
where k.id = :call_id::bigint and k.requested_at is not null;

-- name: call_of(number)$
-- The call that a person is in, or is about to be in: its id.
select id from calls where number = :number::text and live;

-- name: to_be_joined(call_id)^
-- record_class: ToBeJoined
-- A call whose page asks for a stream. `held`: a process that lives has a conversation on it.
select k.number, k.state, k.carrier_call_id is not null as placed,
       k.stream_bound_at is not null and k.conversation_ended_at is null and exists (
           select from processes p
           where p.id = k.process_id and p.stopped_at is null and p.heartbeat_at > callwright_now() - interval '15 s'
       ) as held
from calls k where k.id = :call_id::bigint;

-- Numbers that are not called.

-- name: add(number, rehearsal, reason, source, call_id, added_by)^
-- record_class: Suppression
-- Put a number on the list; one that stands there already stays as it is, and nothing is returned. Callers hold the callee's lock.
insert into suppressions (number, rehearsal, reason, source, call_id, added_by)
values (:number::text, :rehearsal::boolean, :reason::text, :source::text, :call_id::bigint, :added_by::text)
on conflict (number, rehearsal) where removed_at is null do nothing
returning id, number, rehearsal, reason, source, call_id, added_by, added_at, removed_at;

-- name: standing(number, rehearsal)^
-- record_class: Suppression
-- The entry that keeps a number from being called, if there is one.
select id, number, rehearsal, reason, source, call_id, added_by, added_at, removed_at
from suppressions where number = :number::text and rehearsal = :rehearsal::boolean and removed_at is null;

-- name: get(suppression_id)^
-- record_class: Suppression
-- One entry, standing or removed.
select id, number, rehearsal, reason, source, call_id, added_by, added_at, removed_at from suppressions where id = :suppression_id::bigint;

-- name: remove(suppression_id)$
-- The number may be called again: null where it had been removed before.
update suppressions set removed_at = callwright_now() where id = :suppression_id::bigint and removed_at is null returning id;

-- name: page(rehearsal, search, masked, after_id, page_size)
-- record_class: Suppression
-- Standing entries, newest first. `masked`: none is found by digits that a masked number does not show.
select id, number, rehearsal, reason, source, call_id, added_by, added_at, removed_at
from suppressions
where removed_at is null and rehearsal = :rehearsal::boolean and (:search::text = '' or position(:search::text in number) > 0)
  and (not :masked::boolean or position(:search::text in right(number, 2)) > 0)
  and (:after_id::bigint is null or id < :after_id::bigint)
order by id desc limit :page_size::int;

-- name: stop_calls(number, rehearsal)
-- Calls to the number that nobody has answered yet are to be taken back, if they are not already. Those whose POST is on its way are
-- returned with the rest.
update calls set cancel_wanted = true
where number = :number::text and rehearsal = :rehearsal::boolean and live and state in ('requested', 'unknown', 'ringing')
returning id;

-- name: lock_callees(numbers, rehearsal)!
-- Lock the rows that stand for many numbers, in the order of these, as a claim does.
insert into callees as c (number, rehearsal)
select number, :rehearsal::boolean from unnest(:numbers::text[]) as number order by number
on conflict (number, rehearsal) do update set first_seen_at = c.first_seen_at where false;

-- name: add_many(numbers, reasons, rehearsal, added_by)$
-- Put the numbers of an imported list on the list, each with its reason: how many did not stand there. Callers hold the callees' locks.
with added as (
    insert into suppressions (number, rehearsal, reason, source, added_by)
    select number, :rehearsal::boolean, reason, 'import', :added_by::text
    from unnest(:numbers::text[], :reasons::text[]) as line (number, reason)
    on conflict (number, rehearsal) where removed_at is null do nothing
    returning id
)
select count(*) from added;

-- name: standing_of(numbers, rehearsal)$
-- How many of these numbers are on the list.
select count(*) from suppressions where number = any (:numbers::text[]) and rehearsal = :rehearsal::boolean and removed_at is null;

-- name: stop_calls_to(numbers, rehearsal)
-- As `stop_calls`, for many numbers.
with held as materialized (
    select id from calls
    where number = any (:numbers::text[]) and rehearsal = :rehearsal::boolean and live and state in ('requested', 'unknown', 'ringing')
    order by id for no key update
)
update calls set cancel_wanted = true from held where calls.id = held.id
returning calls.id;

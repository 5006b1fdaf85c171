-- What the dashboard's page of the do-not-call list reads.

-- name: entries(rehearsal, digits, masked, after_id, page_size)
-- record_class: Entry
-- A page of the entries that stand, newest first. `masked`: none is found by digits that a masked number does not show.
select s.id, s.number, s.reason, s.source, k.id as call_id, s.added_by, s.added_at
from suppressions s left join calls k on k.id = s.call_id
where s.removed_at is null and s.rehearsal = :rehearsal::boolean and position(:digits::text in s.number) > 0
  and (not :masked::boolean or position(:digits::text in right(s.number, 2)) > 0)
  and (:after_id::bigint is null or s.id < :after_id::bigint)
order by s.id desc limit :page_size::int;

-- name: any_entry(rehearsal)$
-- Whether anybody is on the list: tells an empty list from a search that fits nothing.
select exists (select from suppressions where removed_at is null and rehearsal = :rehearsal::boolean);

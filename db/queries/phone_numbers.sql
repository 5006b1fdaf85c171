-- Numbers that campaigns call from, and the carrier accounts that they belong to.

-- name: ensure_carrier_account(name, carrier, rehearsal, calls_per_second)$
-- The account of that name, made where it is not there: its id.
insert into carrier_accounts as a (name, carrier, rehearsal, calls_per_second)
values (:name::text, :carrier::text, :rehearsal::boolean, :calls_per_second::double precision)
on conflict (name) do update set carrier = excluded.carrier, rehearsal = excluded.rehearsal, calls_per_second = excluded.calls_per_second
returning id;

-- name: carrier_accounts()
-- The accounts that a number may belong to, oldest first.
select id, name from carrier_accounts where carrier <> 'browser' order by id;

-- name: list_phone_numbers(after, at_most)
-- record_class: PhoneNumberRow
-- A page of the numbers, oldest first.
select n.id, n.e164 as number, n.label, a.name as carrier_account, a.rehearsal, n.concurrency, n.calls_per_second, n.created_at
from phone_numbers n join carrier_accounts a on a.id = n.carrier_account_id
where n.deleted_at is null and n.id > :after::bigint order by n.id limit :at_most::int;

-- name: get_phone_number(id)^
-- record_class: PhoneNumberRow
-- One number.
select n.id, n.e164 as number, n.label, a.name as carrier_account, a.rehearsal, n.concurrency, n.calls_per_second, n.created_at
from phone_numbers n join carrier_accounts a on a.id = n.carrier_account_id
where n.deleted_at is null and n.id = :id::bigint;

-- name: add_phone_number(number, label, carrier_account_id, concurrency, calls_per_second)$
-- A new number, or one that was deleted before: its id; nothing where it is there.
insert into phone_numbers as n (e164, label, carrier_account_id, concurrency, calls_per_second)
values (:number::text, :label::text, :carrier_account_id::bigint, :concurrency::int, :calls_per_second::double precision)
on conflict (e164) do update set label = excluded.label, carrier_account_id = excluded.carrier_account_id, concurrency = excluded.concurrency,
    calls_per_second = excluded.calls_per_second, deleted_at = null
where n.deleted_at is not null
returning n.id;

-- name: change_phone_number(id, label, concurrency, calls_per_second)$
-- Another label and other limits.
update phone_numbers set label = :label::text, concurrency = :concurrency::int, calls_per_second = :calls_per_second::double precision
where id = :id::bigint and deleted_at is null
returning id;

-- name: delete_phone_number(id)$
-- Hides a number, unless a campaign that is not over uses it.
update phone_numbers set deleted_at = callwright_now()
where id = :id::bigint and deleted_at is null
  and not exists (select from campaigns c where c.phone_number_id = phone_numbers.id and c.status in ('draft', 'pending', 'in_progress', 'paused'))
returning id;

-- name: campaigns_that_use(id)
-- The names of the campaigns that are not over and call from this number, oldest first.
select name from campaigns where phone_number_id = :id::bigint and status in ('draft', 'pending', 'in_progress', 'paused') order by id;

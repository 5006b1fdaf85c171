-- Contacts of campaigns.

-- name: get(contact_id)^
-- record_class: Contact
-- One contact.
select id, campaign_id, number, name, variables, status, status_reason, tries, not_before, callback, last_outcome, blocked_by, blocked_reason,
       look_again_at, created_at, updated_at, person_deleted_at, erased
from contacts where id = :contact_id::bigint;

-- name: page(campaign_id, status, search, masked, after_id, page_size)
-- record_class: Contact
-- One page of a campaign's contacts, in their order. `masked`: nobody is found by digits that a masked number does not show.
select c.id, c.campaign_id, c.number, c.name, c.variables, c.status, c.status_reason, c.tries, c.not_before, c.callback, c.last_outcome,
       c.blocked_by, c.blocked_reason, c.look_again_at, c.created_at, c.updated_at, c.person_deleted_at, c.erased
from contacts_found(:campaign_id::bigint, :status::text, :search::text, :masked::boolean, :after_id::bigint, :page_size::int) as f (id)
join contacts c on c.id = f.id
order by c.id;

-- name: add(campaign_id, numbers, names, variables)
-- Add contacts; numbers that the campaign has already are left out. The numbers that went in.
insert into contacts (campaign_id, number, name, variables)
select :campaign_id::bigint, n.number, n.name, n.variables
from unnest(:numbers::text[], :names::text[], :variables::jsonb[]) with ordinality as n (number, name, variables, turn)
order by n.turn
on conflict (campaign_id, number) do nothing
returning number;

-- name: import_rows(campaign_id, rows)
-- Add the contacts of a batch of an import, a JSON array. The lines of those whose number the campaign has already: they are left out.
with given as (
    select line, number, name, variables
    from jsonb_to_recordset(:rows::jsonb) as g (line bigint, number text, name text, variables jsonb)
), added as (
    insert into contacts (campaign_id, number, name, variables)
    select :campaign_id::bigint, number, name, variables from given order by line
    on conflict (campaign_id, number) do nothing
    returning number
)
select line from given where number not in (select number from added) order by line;

-- name: known_rows(campaign_id, rows)
-- The lines of those contacts of a batch whose number the campaign has.
select line from jsonb_to_recordset(:rows::jsonb) as g (line bigint, number text)
where exists (select from contacts where campaign_id = :campaign_id::bigint and contacts.number = g.number)
order by line;

-- name: keep_import(campaign_id, file_name, actor, report, problems)$
-- The report of an import, and its problems, packed.
insert into contact_imports (campaign_id, file_name, at, actor, report, problems)
values (:campaign_id::bigint, :file_name::text, callwright_now(), :actor::text, :report::jsonb, :problems::bytea)
returning id;

-- name: imports(campaign_id, before, page_size)
-- Imports into a campaign, newest first.
select id, file_name, at, actor, report from contact_imports
where campaign_id = :campaign_id::bigint and (:before::bigint is null or id < :before::bigint)
order by id desc limit :page_size::int;

-- name: import_problems(import_id)$
-- The problems of an import, packed.
select problems from contact_imports where id = :import_id::bigint;

-- name: some(campaign_id, ids)
-- record_class: Contact
-- Those of these ids that the campaign has.
select id, campaign_id, number, name, variables, status, status_reason, tries, not_before, callback, last_outcome, blocked_by, blocked_reason,
       look_again_at, created_at, updated_at, person_deleted_at, erased
from contacts where id = any (:ids::bigint[]) and campaign_id + 0 = :campaign_id::bigint; -- + 0: found by their ids

-- name: retry(ids)!
-- One more try for failed contacts, as soon as their turn comes.
update contacts set status = 'pending', status_reason = '', extra_tries = greatest(extra_tries, tries - (
        select max_retries from campaigns c where c.id = contacts.campaign_id)), lost_tries = 0,
    not_before = callwright_now(), blocked_by = null, blocked_reason = null, look_again_at = null, updated_at = callwright_now()
where id = any (:ids::bigint[]) and status = 'failed';

-- name: skip(ids, reason)!
-- Pending contacts that will not be called.
update contacts set status = 'skipped', status_reason = :reason::text, blocked_by = null, blocked_reason = null, look_again_at = null,
    updated_at = callwright_now()
where id = any (:ids::bigint[]) and status = 'pending';

-- name: remove(ids)!
-- Pending contacts that are taken out of their campaign.
delete from contacts where id = any (:ids::bigint[]) and status = 'pending';

-- name: verdicts(contact_id)
-- record_class: GateVerdict
-- The ledger of a contact, newest first.
select at, gate, verdict, value, look_again_at from gate_verdicts where contact_id = :contact_id::bigint order by id desc limit 100;

-- name: calls(contact_id)
-- record_class: ContactCall
-- A contact's calls, newest first.
select id, state, outcome, end_reason, carrier_code, planned_at, requested_at, ended_at from calls where contact_id = :contact_id::bigint
order by id desc limit 100;

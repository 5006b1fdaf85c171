-- What the settings page reads: accounts, tokens, and who did what. Pages are keyset pages: `after` is the last row of the page before.

-- name: accounts(after_id, page_size)
-- record_class: Account
-- A page of the accounts, oldest first, with the last time somebody signed in to each that still counts.
select u.id, u.name, u.role, u.created_at, u.disabled_at,
       (select max(s.created_at) from sessions s where s.user_id = u.id) as last_signed_in
from users u
where :after_id::bigint is null or u.id > :after_id::bigint
order by u.id limit :page_size::int;

-- name: tokens(after_id, page_size)
-- record_class: Token
-- A page of the tokens that are not revoked, newest first, with who made each.
select t.id, t.name, t.role, t.created_at, t.last_used_at, u.name as created_by
from api_tokens t left join users u on u.id = t.created_by
where t.revoked_at is null and (:after_id::bigint is null or t.id < :after_id::bigint)
order by t.id desc limit :page_size::int;

-- name: audit_lines(actor, actions, since, until, after_id, page_size)
-- record_class: AuditLine
-- A page of the audit log, newest first, with the present name of what each line is about, where it has one.
with page as materialized (
    select id, at, actor, action, subject, detail, substring(subject from '\d+$')::bigint as subject_id
    from audit_log
    where (:actor::text is null or actor ilike '%' || :actor::text || '%')
      and (:actions::text[] is null or action = any(:actions::text[]))
      and (:since::timestamptz is null or at >= :since::timestamptz)
      and (:until::timestamptz is null or at < :until::timestamptz)
      and (:after_id::bigint is null or id < :after_id::bigint)
    order by id desc limit :page_size::int
)
select p.id, p.at, p.actor, p.action, p.subject, p.detail,
       case substring(p.subject from '^\D*[^\d ]')
           when 'campaign' then (select name from campaigns where id = p.subject_id)
           when 'contact' then (select c.name from campaigns c join contacts k on k.campaign_id = c.id where k.id = p.subject_id)
           when 'agent' then (select name from agents where id = p.subject_id)
           when 'phone number' then (select e164 from phone_numbers where id = p.subject_id)
           when 'suppression' then (select number from suppressions where id = p.subject_id)
           when 'user' then (select name from users where id = p.subject_id)
           when 'token' then (select name from api_tokens where id = p.subject_id)
           when 'webhook' then (select url from webhooks where id = p.subject_id)
           when 'call' then (select 'call with ' || contact_name from calls where id = p.subject_id and contact_name <> '')
       end as named
from page p order by p.id desc;

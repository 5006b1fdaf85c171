-- The log of who did what.

-- name: audit(actor, action, subject, detail)$
-- Who did what to which: the line's id.
insert into audit_log (actor, action, subject, detail) values (:actor::text, :action::text, :subject::text, :detail::jsonb)
returning id;

-- name: amend(id, detail)!
-- What more came of it.
update audit_log set detail = :detail::jsonb where id = :id::bigint;

-- name: list_audit(before, at_most)
-- record_class: AuditRow
-- A page of the log, newest first.
select id, at, actor, action, subject, detail from audit_log
where :before::bigint is null or id < :before::bigint order by id desc limit :at_most::int;

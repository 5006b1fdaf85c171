-- What the settings page reads of outgoing webhooks. Pages are keyset pages: `after_id` is the last row of the page before.

-- name: webhooks()
-- record_class: Endpoint
-- All endpoints, oldest first, with how many messages wait for each, counted up to 1,000.
select w.id, w.url, w.description, w.events, w.active, w.disabled_reason, w.failing_since, w.last_error, w.last_delivered_at, w.created_by,
       w.created_at, case when w.old_secret_until > callwright_now() then w.old_secret_until end as old_secret_until,
       (select count(*) from (select from webhook_deliveries d where d.webhook_id = w.id and d.state = 'waiting' limit 1000) d) as waiting
from webhooks w order by w.id;

-- name: deliveries(webhook_id, undelivered, after_id, page_size)
-- record_class: Delivery
-- A page of an endpoint's deliveries, newest first.
select id, webhook_id, message_id, event, data, created_at, state, due_at, attempts, delivered_at, status_code, error, response, duration_ms,
       leased_until > callwright_now() as under_way
from webhook_deliveries
where webhook_id = :webhook_id::bigint and (:after_id::bigint is null or id < :after_id::bigint)
  and (not :undelivered::boolean or state <> 'delivered')
order by id desc limit :page_size::int;

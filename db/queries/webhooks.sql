-- Outgoing webhooks: endpoints, and the deliveries to each. What is to be told is written by triggers (db/migrations/0011_webhooks.sql).

-- name: endpoints(after, at_most)
-- record_class: WebhookRow
-- A page of the endpoints, oldest first.
select id, url, description, events, active, disabled_reason, failing_since, last_error, last_delivered_at, created_by, created_at
from webhooks where id > :after::bigint order by id limit :at_most::int;

-- name: endpoint(id)^
-- record_class: WebhookRow
-- One endpoint.
select id, url, description, events, active, disabled_reason, failing_since, last_error, last_delivered_at, created_by, created_at
from webhooks where id = :id::bigint;

-- name: add_endpoint(url, description, events, secret, created_by, most)$
-- A new endpoint: its id; null where there are so many already.
insert into webhooks (url, description, events, secret, created_by)
select :url::text, :description::text, :events::text[], :secret::text, :created_by::text
where (select count(*) from webhooks) < :most::int
returning id;

-- name: change_endpoint(id, url, description, events, active)^
-- record_class: WebhookRow
-- Other values; null leaves one as it is. Whoever activates one, or sends it elsewhere, lets bygones be bygones.
update webhooks set
    url = coalesce(:url::text, url), description = coalesce(:description::text, description), events = coalesce(:events::text[], events),
    active = coalesce(:active::boolean, active),
    disabled_reason = case when :active::boolean is null then disabled_reason else '' end,
    failing_since = case when :active::boolean or :url::text <> url then null else failing_since end,
    last_error = case when :active::boolean or :url::text <> url then '' else last_error end
where id = :id::bigint
returning id, url, description, events, active, disabled_reason, failing_since, last_error, last_delivered_at, created_by, created_at;

-- name: rotate_secret(id, secret, overlap)$
-- A new secret; the one before signs too for a while. Null where there is no such endpoint.
update webhooks set old_secret = secret, old_secret_until = callwright_now() + :overlap::interval, secret = :secret::text
where id = :id::bigint returning url;

-- name: disable_endpoint(id, reason)$
-- Nothing is sent there any more: null where nothing was before.
update webhooks set active = false, disabled_reason = :reason::text where id = :id::bigint and active returning url;

-- name: delete_deliveries_of(webhook_id)!
-- All deliveries of an endpoint.
delete from webhook_deliveries where webhook_id = :webhook_id::bigint;

-- name: delete_endpoint(id)$
-- The endpoint is gone: its address, null where there was none.
delete from webhooks where id = :id::bigint returning url;

-- name: add_ping(webhook_id)$
-- A test for an active endpoint, first in its line: its id, else null.
insert into webhook_deliveries (webhook_id, event, data, due_at)
select id, 'ping', jsonb_build_object('webhook_id', id::text), '1970-01-01 00:00+00' from webhooks where id = :webhook_id::bigint and active
returning id;

-- name: deliver_again(webhook_id, delivery_id)$
-- A delivery of an active endpoint is made again, first in its line, with its attempts before it: its id, else null.
update webhook_deliveries d set state = 'waiting', due_at = '1970-01-01 00:00+00', attempts = 0
from webhooks w
where d.id = :delivery_id::bigint and d.webhook_id = :webhook_id::bigint and w.id = d.webhook_id and w.active
returning d.id;

-- name: deliveries(webhook_id, before, at_most)
-- record_class: DeliveryRow
-- A page of an endpoint's deliveries, newest first.
select id, webhook_id, message_id, event, data, created_at, state, due_at, attempts, delivered_at, status_code, error, response, duration_ms
from webhook_deliveries where webhook_id = :webhook_id::bigint and (:before::bigint is null or id < :before::bigint)
order by id desc limit :at_most::int;

-- name: undelivered(webhook_id, before, at_most)
-- record_class: DeliveryRow
-- The same of those that wait or were given up.
select id, webhook_id, message_id, event, data, created_at, state, due_at, attempts, delivered_at, status_code, error, response, duration_ms
from webhook_deliveries where webhook_id = :webhook_id::bigint and state <> 'delivered' and (:before::bigint is null or id < :before::bigint)
order by id desc limit :at_most::int;

-- name: delivery(webhook_id, delivery_id)^
-- record_class: DeliveryRow
-- One delivery of an endpoint.
select id, webhook_id, message_id, event, data, created_at, state, due_at, attempts, delivered_at, status_code, error, response, duration_ms
from webhook_deliveries where id = :delivery_id::bigint and webhook_id = :webhook_id::bigint;

-- name: claim(busy_ids, busy, most, most_failing, lease_s)
-- record_class: DueDelivery
-- What is due, taken by this process until the lease ends: to each active endpoint as many as it has room for beside those that are on
-- their way (`busy`, of `busy_ids`), the longest due first. One that fails is asked with fewer at once.
with room as materialized (
    select w.id, case when w.failing_since is null then :most::int else :most_failing::int end - coalesce(b.busy, 0) as free
    from webhooks w left join unnest(:busy_ids::bigint[], :busy::int[]) as b (id, busy) on b.id = w.id
    where w.active
), due as materialized (
    select d.id, t.now
    from room cross join (select callwright_now() as now) t cross join lateral (
        select d.id from webhook_deliveries d
        where d.webhook_id = room.id and d.state = 'waiting' and d.due_at <= t.now and (d.leased_until is null or d.leased_until <= t.now)
        order by d.due_at, d.id limit greatest(0, room.free) for no key update skip locked
    ) d
)
update webhook_deliveries d set leased_until = due.now + make_interval(secs => :lease_s::float8), attempts = d.attempts + 1
from due, webhooks w
where d.id = due.id and w.id = d.webhook_id
returning d.id, d.webhook_id, d.message_id, d.event, d.data, d.created_at, d.attempts, w.url, w.secret,
          case when w.old_secret_until > due.now then w.old_secret end as old_secret;

-- name: delivered(delivery_id, status_code, response, duration_ms)!
-- The endpoint took it.
with told as (
    update webhook_deliveries set state = 'delivered', leased_until = null, delivered_at = callwright_now(), status_code = :status_code::int,
        error = '', response = :response::text, duration_ms = :duration_ms::int
    where id = :delivery_id::bigint
    returning webhook_id
)
update webhooks w set failing_since = null, last_error = '', last_delivered_at = callwright_now()
from told
where w.id = told.webhook_id
  and (w.failing_since is not null or w.last_delivered_at is null or w.last_delivered_at < callwright_now() - interval '5 s');

-- name: failed(delivery_id, attempt, wait_s, status_code, error, response, duration_ms)^
-- The endpoint did not take it: it is tried again after `wait_s`, or given up where that is null. For how long the endpoint has failed, s.
with told as (
    update webhook_deliveries set state = case when :wait_s::float8 is null then 'given_up' else state end,
        due_at = callwright_now() + make_interval(secs => coalesce(:wait_s::float8, 0)), leased_until = null,
        status_code = :status_code::int, error = :error::text, response = :response::text, duration_ms = :duration_ms::int
    where id = :delivery_id::bigint and attempts = :attempt::int and state = 'waiting'
    returning webhook_id
)
update webhooks w set failing_since = coalesce(w.failing_since, callwright_now()), last_error = :error::text
from told where w.id = told.webhook_id
returning extract(epoch from callwright_now() - w.failing_since)::float8 as failing_s;

-- name: give_back(delivery_ids)!
-- This process stops: what it was at is for others now.
update webhook_deliveries set leased_until = null where id = any (:delivery_ids::bigint[]) and state = 'waiting';

-- name: clear_old(older_than, most)$
-- Deliveries that are older than that, or than names and words are kept, are deleted, so many at most, whatever became of them: how many.
with old as (
    select d.id from (
        select callwright_now() - least(:older_than::interval, least(transcripts_days, contacts_days) * interval '24 hours') as since from retention
    ) t, webhook_deliveries d
    where d.created_at < t.since order by d.created_at limit :most::int for update of d skip locked
), gone as (delete from webhook_deliveries where id in (select id from old) returning id)
select count(*) from gone;

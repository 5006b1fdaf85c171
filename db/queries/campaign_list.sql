-- The list of campaigns.

-- name: list_campaigns(status, search, before, at_most)
-- record_class: Campaign
-- A page of campaigns with the counts of their contacts, newest first.
select c.id, c.name, c.agent_id, c.agent_version, c.phone_number_id, c.status, c.status_reason, c.concurrency, c.max_retries, c.retry_delay_min,
       c.throttle_delay_ms, c.start_time, c.end_time, c.timezone, c.weekdays, c.scheduled_start, c.retry_on_voicemail, c.retry_on_dropped,
       c.local_hours, c.ring_timeout_s, c.max_per_24h, c.max_per_7d, c.pilot_size, c.version, c.created_by, c.created_at, c.started_at, c.ended_at,
       coalesce(n.pending, 0) as pending, coalesce(n.in_progress, 0) as in_progress, coalesce(n.completed, 0) as completed,
       coalesce(n.failed, 0) as failed, coalesce(n.skipped, 0) as skipped
from campaigns c left join campaign_counts n on n.campaign_id = c.id
where (:status::text is null or c.status = :status::text)
  and (:search::text = '' or position(lower(:search::text) in lower(c.name)) > 0)
  and (:before::bigint is null or c.id < :before::bigint)
order by c.id desc limit :at_most::int;

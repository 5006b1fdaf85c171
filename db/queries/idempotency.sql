-- Keys of commands that are to be done once.

-- name: claim_key(actor, key, asked)$
-- The first to send the key gets it; nothing for the others. Keys older than a day are forgotten on the way.
with old as (
    delete from idempotency_keys where at < callwright_now() - interval '1 day' and (actor, key) <> (:actor::text, :key::text)
)
insert into idempotency_keys as k (actor, key, asked) values (:actor::text, :key::text, :asked::text)
on conflict (actor, key) do update set asked = excluded.asked, status = null, answer = null, at = callwright_now()
where k.at < callwright_now() - interval '1 day'
returning key;

-- name: forget_old_keys()!
-- Keys older than a day are forgotten, also where nobody sends a command any more.
delete from idempotency_keys where at < callwright_now() - interval '1 day';

-- name: kept_answer(actor, key)^
-- What was answered; no answer where it was deleted, since it quoted somebody who was erased.
select asked, status, answer from idempotency_keys where actor = :actor::text and key = :key::text;

-- name: keep_answer(actor, key, status, answer)!
-- For whoever sends the key again.
update idempotency_keys set status = :status::int, answer = :answer::text where actor = :actor::text and key = :key::text;

-- name: free_key(actor, key)!
-- The command was refused: it may be sent again.
delete from idempotency_keys where actor = :actor::text and key = :key::text and status is null;

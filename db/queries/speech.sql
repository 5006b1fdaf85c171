-- name: prepared_speech(key)$
-- Audio that was prepared under this key, by whichever process.
select pcm from prepared_speech where key = :key;

-- name: keep_prepared_speech(key, pcm)!
-- Keep prepared audio for any process that gets the call.
insert into prepared_speech (key, pcm) values (:key, :pcm) on conflict (key) do nothing;

-- name: forget_prepared_speech(older_than_s)!
-- Prepared audio is needed while a phone rings; what is older goes.
delete from prepared_speech where created_at < callwright_now() - make_interval(secs => :older_than_s::float8);

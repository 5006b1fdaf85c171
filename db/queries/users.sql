-- Accounts, sessions, tokens, and the log of who did what.

-- name: list_users(after, at_most)
-- record_class: UserRow
-- A page of the accounts, oldest first.
select id, name, role, created_at, disabled_at from users where id > :after::bigint order by id limit :at_most::int;

-- name: get_user(id)^
-- record_class: UserRow
-- One account.
select id, name, role, created_at, disabled_at from users where id = :id::bigint;

-- name: has_users()$
-- Whether there is an account at all.
select exists (select from users);

-- name: add_user(name, password_hash, role)^
-- record_class: UserRow
-- A new account; nothing where the name is taken, in whatever case.
insert into users (name, password_hash, role) values (:name::text, :password_hash::text, :role::text)
on conflict do nothing
returning id, name, role, created_at, disabled_at;

-- name: add_first_user(name, password_hash)$
-- The first account, an admin; nothing where another process was first.
insert into users (name, password_hash, role)
select :name::text, :password_hash::text, 'admin' where not exists (select from users)
on conflict do nothing
returning id;

-- name: change_user(id, role, disabled)^
-- record_class: UserRow
-- Another role, or disabled or enabled again; null leaves it as it is.
update users set
    role = coalesce(:role::text, role),
    disabled_at = case when :disabled::boolean is null then disabled_at when :disabled::boolean then coalesce(disabled_at, callwright_now()) end
where id = :id::bigint
returning id, name, role, created_at, disabled_at;

-- name: set_password(name, password_hash)$
-- A new password: the account's id.
update users set password_hash = :password_hash::text where lower(name) = lower(:name::text) returning id;

-- name: lock_admins()
-- Locks the admins that can sign in, so that two changes can't take away the last two at once.
select id from users where role = 'admin' and disabled_at is null order by id for update;

-- name: credentials(name)^
-- What a sign-in is checked against.
select id, name, role, password_hash from users where lower(name) = lower(:name::text) and disabled_at is null;

-- name: count_sign_in_failures(subjects)
-- Failures of the last 15 minutes, by subject.
select subject, count(*) as failures from sign_in_failures
where subject = any(:subjects::text[]) and at > callwright_now() - interval '15 minutes' group by subject;

-- name: add_sign_in_failures(subjects)!
-- One more failure of each subject.
insert into sign_in_failures (subject) select unnest(:subjects::text[]);

-- name: forget_sign_in_failures(subject)!
-- After a success; what no longer counts goes too.
delete from sign_in_failures where subject = :subject::text or at < callwright_now() - interval '1 hour';

-- name: add_session(token_hash, user_id, lasts)!
-- A new session; those that are over for a week are deleted on the way.
with over as (delete from sessions where expires_at < callwright_now() - interval '7 days')
insert into sessions (token_hash, user_id, expires_at) values (:token_hash::bytea, :user_id::bigint, callwright_now() + :lasts::interval);

-- name: session_user(token_hash)^
-- record_class: SignedIn
-- Whose session it is, while it lasts and the account is not disabled.
select u.id, u.name, u.role
from sessions s join users u on u.id = s.user_id
where s.token_hash = :token_hash::bytea and s.ended_at is null and s.expires_at > callwright_now() and u.disabled_at is null;

-- name: end_session(token_hash)!
-- The session is over, in every process.
update sessions set ended_at = callwright_now() where token_hash = :token_hash::bytea and ended_at is null;

-- name: end_sessions(user_id)!
-- All sessions of an account are over.
update sessions set ended_at = callwright_now() where user_id = :user_id::bigint and ended_at is null;

-- name: end_other_sessions(user_id, token_hash)!
-- All sessions of an account are over, but for this one.
update sessions set ended_at = callwright_now() where user_id = :user_id::bigint and token_hash <> :token_hash::bytea and ended_at is null;

-- name: list_tokens(after, at_most)
-- record_class: TokenRow
-- A page of the tokens that are not revoked, oldest first.
select id, name, role, created_at, last_used_at from api_tokens where revoked_at is null and id > :after::bigint order by id limit :at_most::int;

-- name: add_token(name, token_hash, role, created_by)^
-- record_class: TokenRow
-- A new token.
insert into api_tokens (name, token_hash, role, created_by) values (:name::text, :token_hash::bytea, :role::text, :created_by::bigint)
returning id, name, role, created_at, last_used_at;

-- name: revoke_token(id)$
-- The token's name, where it was not revoked before.
update api_tokens set revoked_at = callwright_now() where id = :id::bigint and revoked_at is null returning name;

-- name: token_holder(token_hash)^
-- record_class: SignedIn
-- Which token it is, and its role; it counts as used, noted once a minute at most.
with used as (
    update api_tokens set last_used_at = callwright_now()
    where token_hash = :token_hash::bytea and revoked_at is null and coalesce(last_used_at, '-infinity') < callwright_now() - interval '1 minute'
)
select id, name, role from api_tokens where token_hash = :token_hash::bytea and revoked_at is null;

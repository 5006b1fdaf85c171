-- Supervision of live calls, and calls that an operator makes in the browser.

-- Where the other processes of this installation reach this one: a supervisor's page comes in at any of them (docs/live.md).
alter table processes add column address text not null default '';

-- A supervisor who takes a call over has turns of his own.
alter table transcript_turns drop constraint transcript_turns_speaker_check;
alter table transcript_turns add constraint transcript_turns_speaker_check check (speaker in ('agent', 'callee', 'supervisor'));

-- The right to one connection to one call: for whoever has this session, once, for a short time.
-- `kind`: supervise (listen, whisper, take over) or talk (whoever talks to an agent in the browser reads along).
create table live_grants (
    token_hash bytea primary key,
    call_id bigint not null references calls on delete cascade,
    kind text not null check (kind in ('supervise', 'talk')),
    user_id bigint not null references users on delete cascade,
    session_hash bytea not null references sessions on delete cascade,
    created_at timestamptz not null default callwright_now(),
    expires_at timestamptz not null,
    used_at timestamptz
);
create index live_grants_expired on live_grants (expires_at);
create index live_grants_call on live_grants (call_id);

-- What a call in progress is like just now, told about once a second by the process that holds it. Nothing in it outlives the call, so a
-- crash of the database may empty it. `line_*`: what is being said or was said last; `quiet_since`: nobody has spoken since then;
-- `stuck`: why the call may need help, empty while all is well.
create unlogged table live_calls (
    call_id bigint primary key references calls on delete cascade,
    process_id text not null,
    told_at timestamptz not null default callwright_now(),
    agent_state text not null,
    step text not null default '',
    line_speaker text,
    line_text text not null default '',
    line_final boolean not null default true,
    quiet_since timestamptz,
    sentiment double precision,
    held_by text,
    listeners int not null default 0,
    stuck text not null default ''
) with (fillfactor = 50);

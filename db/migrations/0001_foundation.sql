-- The foundation: who is called, by whom, from which number, and all that is known of each call.
-- Ids are bigints, made by the database; times are timestamptz. Statements take the time from callwright_now(), never from now():
-- production returns the wall clock of the database (not the start of the transaction), a simulation replaces the function.

create function callwright_now() returns timestamptz language sql volatile parallel safe as $$ select clock_timestamp() $$;

create table users (
    id bigint generated always as identity primary key,
    name text not null,
    password_hash text not null,
    role text not null check (role in ('viewer', 'operator', 'supervisor', 'admin')),
    created_at timestamptz not null default callwright_now(),
    disabled_at timestamptz
);
create unique index users_name on users (lower(name));

create table sessions (
    token_hash bytea primary key,
    user_id bigint not null references users on delete cascade,
    created_at timestamptz not null default callwright_now(),
    expires_at timestamptz not null,
    ended_at timestamptz
);
create index sessions_user on sessions (user_id);

-- Failed tries to sign in, by account and by address, so that guessing gets slow in every process.
create table sign_in_failures (
    subject text not null,
    at timestamptz not null default callwright_now()
);
create index sign_in_failures_subject on sign_in_failures (subject, at);

create table api_tokens (
    id bigint generated always as identity primary key,
    name text not null,
    token_hash bytea not null unique,
    role text not null check (role in ('viewer', 'operator', 'supervisor', 'admin')),
    created_by bigint references users on delete set null,
    created_at timestamptz not null default callwright_now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);

-- Answers to commands that were sent with a key of the sender's, so that sending one again does not do it again. Kept for a day.
create table idempotency_keys (
    actor text not null,
    key text not null,
    asked text not null, -- method and path
    status int, -- null: not answered yet
    answer text,
    at timestamptz not null default callwright_now(),
    primary key (actor, key)
);

create table audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default callwright_now(),
    actor text not null,
    action text not null,
    subject text not null,
    detail jsonb not null default '{}'
);

create table agents (
    id bigint generated always as identity primary key,
    name text not null,
    version int not null default 1,
    created_at timestamptz not null default callwright_now(),
    updated_at timestamptz not null default callwright_now(),
    deleted_at timestamptz
);
create unique index agents_name on agents (lower(name)) where deleted_at is null;

-- The variables that a contact must have: those that some text of the definition uses without a default.
create function required_variables(definition jsonb) returns text[] language sql immutable parallel safe as $$
    select coalesce(array_agg(distinct lower(found[1])), '{}')
    from regexp_matches(definition::text, '\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}', 'g') as found
$$;

-- A campaign keeps the version that it started with until it is edited.
create table agent_versions (
    agent_id bigint not null references agents on delete cascade,
    version int not null,
    definition jsonb not null,
    required_variables text[] not null generated always as (required_variables(definition)) stored,
    created_at timestamptz not null default callwright_now(),
    primary key (agent_id, version)
);

-- One account at a carrier. Credentials are settings, not rows. `rehearsal`: its calls reach no real person and keep their own suppressions and caps.
create table carrier_accounts (
    id bigint generated always as identity primary key,
    name text not null unique,
    carrier text not null,
    rehearsal boolean not null default false,
    calls_per_second double precision not null default 1 check (calls_per_second > 0),
    next_start_at timestamptz not null default '1970-01-01 00:00+00',
    backed_off_until timestamptz,
    back_offs int not null default 0 -- in a row: each waits twice as long as the one before
);

create table phone_numbers (
    id bigint generated always as identity primary key,
    e164 text not null unique,
    label text not null default '',
    carrier_account_id bigint not null references carrier_accounts,
    concurrency int check (concurrency > 0),
    calls_per_second double precision check (calls_per_second > 0),
    next_start_at timestamptz not null default '1970-01-01 00:00+00',
    created_at timestamptz not null default callwright_now(),
    deleted_at timestamptz
);

-- A process that can hold calls. Lease and heartbeat by the database's clock.
create table processes (
    id text primary key,
    host text not null,
    stream_url text not null,
    concurrency int not null,
    started_at timestamptz not null default callwright_now(),
    heartbeat_at timestamptz not null default callwright_now(),
    stopped_at timestamptz
);

create table campaigns (
    id bigint generated always as identity primary key,
    name text not null,
    agent_id bigint not null references agents,
    agent_version int not null,
    phone_number_id bigint not null references phone_numbers,
    status text not null default 'draft',
    status_reason text not null default '',
    concurrency int not null default 1 check (concurrency between 1 and 1000),
    max_retries int not null default 0 check (max_retries between 0 and 20),
    retry_delay_min int check (retry_delay_min between 1 and 43200),
    throttle_delay_ms int check (throttle_delay_ms between 0 and 86400000),
    start_time time,
    end_time time,
    timezone text,
    weekdays smallint[] not null default '{1,2,3,4,5,6,7}', -- ISO: Monday is 1
    scheduled_start timestamptz,
    retry_on_voicemail boolean not null default false,
    retry_on_dropped boolean not null default true,
    local_hours boolean not null default true,
    ring_timeout_s int not null default 30 check (ring_timeout_s between 5 and 120),
    max_per_24h int not null default 3 check (max_per_24h between 1 and 100),
    max_per_7d int not null default 7 check (max_per_7d between 1 and 500),
    pilot_size int check (pilot_size > 0),
    pilot_done boolean not null default false,
    contacts_begun int not null default 0, -- contacts that were claimed at least once: what the pilot counts
    next_start_at timestamptz not null default '1970-01-01 00:00+00', -- throttle
    last_claim_at timestamptz not null default '1970-01-01 00:00+00', -- who was served longest ago comes first
    version int not null default 1,
    created_by text not null default '',
    created_at timestamptz not null default callwright_now(),
    started_at timestamptz,
    running_since timestamptz, -- Start or the last Resume: the circuit breaker looks no further back
    ended_at timestamptz,
    check (max_retries = 0 or retry_delay_min is not null),
    check ((start_time is null) = (end_time is null)),
    check (start_time is null or timezone is not null)
);
create index campaigns_status on campaigns (status) where status in ('pending', 'in_progress');

create table contacts (
    id bigint generated always as identity primary key,
    campaign_id bigint not null references campaigns on delete cascade,
    number text not null, -- E.164
    name text not null default '',
    variables jsonb not null default '{}',
    status text not null default 'pending',
    status_reason text not null default '',
    tries int not null default 0,
    extra_tries int not null default 0, -- granted by Retry
    lost_tries int not null default 0,
    not_before timestamptz, -- a retry's or a callback's time; null: fresh, due at once
    callback boolean not null default false, -- asked for by the callee: also beyond max retries
    last_outcome text,
    blocked_by text, -- the gate that said "not now" last, its reason, and when to look again
    blocked_reason text,
    look_again_at timestamptz,
    begun boolean not null default false, -- was claimed at least once
    is_retry boolean not null generated always as (not_before is not null) stored,
    due_at timestamptz not null generated always as (greatest('1970-01-01 00:00+00', not_before, look_again_at)) stored,
    created_at timestamptz not null default callwright_now(),
    updated_at timestamptz not null default callwright_now(),
    unique (campaign_id, number)
);
-- Next to call: due retries first (by their time), then fresh contacts in their order.
create index contacts_due on contacts (campaign_id, is_retry, due_at, id) where status = 'pending';
create index contacts_page on contacts (campaign_id, status, id);

-- Counts of a campaign's contacts, kept by the trigger below in the same transaction as each change.
create table campaign_counts (
    campaign_id bigint primary key references campaigns on delete cascade,
    pending bigint not null default 0,
    in_progress bigint not null default 0,
    completed bigint not null default 0,
    failed bigint not null default 0,
    skipped bigint not null default 0
);

-- Inserts and deletes come in bulk: counted once per statement. Changes of status come one by one.
create function count_added_contacts() returns trigger language plpgsql as $$
begin
    insert into campaign_counts as c (campaign_id, pending, in_progress, completed, failed, skipped)
    select campaign_id, count(*) filter (where status = 'pending'), count(*) filter (where status = 'in_progress'),
           count(*) filter (where status = 'completed'), count(*) filter (where status = 'failed'), count(*) filter (where status = 'skipped')
    from added group by campaign_id
    on conflict (campaign_id) do update set
        pending = c.pending + excluded.pending, in_progress = c.in_progress + excluded.in_progress,
        completed = c.completed + excluded.completed, failed = c.failed + excluded.failed, skipped = c.skipped + excluded.skipped;
    return null;
end $$;

create function count_removed_contacts() returns trigger language plpgsql as $$
begin
    update campaign_counts c set
        pending = c.pending - r.pending, in_progress = c.in_progress - r.in_progress,
        completed = c.completed - r.completed, failed = c.failed - r.failed, skipped = c.skipped - r.skipped
    from (
        select campaign_id, count(*) filter (where status = 'pending') as pending, count(*) filter (where status = 'in_progress') as in_progress,
               count(*) filter (where status = 'completed') as completed, count(*) filter (where status = 'failed') as failed,
               count(*) filter (where status = 'skipped') as skipped
        from removed group by campaign_id
    ) r
    where c.campaign_id = r.campaign_id;
    return null;
end $$;

create function count_changed_contact() returns trigger language plpgsql as $$
begin
    update campaign_counts set
        pending = pending + (new.status = 'pending')::int - (old.status = 'pending')::int,
        in_progress = in_progress + (new.status = 'in_progress')::int - (old.status = 'in_progress')::int,
        completed = completed + (new.status = 'completed')::int - (old.status = 'completed')::int,
        failed = failed + (new.status = 'failed')::int - (old.status = 'failed')::int,
        skipped = skipped + (new.status = 'skipped')::int - (old.status = 'skipped')::int
    where campaign_id = new.campaign_id;
    return null;
end $$;

create trigger contacts_added after insert on contacts referencing new table as added
    for each statement execute function count_added_contacts();
create trigger contacts_removed after delete on contacts referencing old table as removed
    for each statement execute function count_removed_contacts();
create trigger contact_changed after update of status on contacts
    for each row when (old.status is distinct from new.status) execute function count_changed_contact();

-- A row for each number that was ever called or suppressed: what a claim and a suppression both lock.
create table callees (
    number text not null,
    rehearsal boolean not null,
    first_seen_at timestamptz not null default callwright_now(),
    primary key (number, rehearsal)
);

create table suppressions (
    id bigint generated always as identity primary key,
    number text not null,
    rehearsal boolean not null default false,
    reason text not null,
    source text not null, -- call, operator, import
    call_id bigint,
    added_by text not null default '',
    added_at timestamptz not null default callwright_now(),
    removed_at timestamptz
);
create unique index suppressions_standing on suppressions (number, rehearsal) where removed_at is null;

-- A call is one attempt to reach a callee. State: how far it got. The result has three parts: how it ended, who was there, whether the goal was met.
create table calls (
    id bigint generated always as identity primary key,
    campaign_id bigint references campaigns on delete cascade, -- null: a test call
    contact_id bigint references contacts on delete set null,
    number text not null,
    contact_name text not null default '',
    variables jsonb not null default '{}',
    phone_number_id bigint not null references phone_numbers,
    carrier_account_id bigint not null references carrier_accounts,
    agent_id bigint not null references agents,
    agent_version int not null,
    rehearsal boolean not null default false,
    try int not null default 1,
    ring_timeout_s int not null default 30,
    state text not null default 'planned',
    process_id text not null, -- who dialed; later: who holds the call
    lease_until timestamptz not null,
    fence bigint not null default 0, -- raised whenever another process takes over
    planned_at timestamptz not null default callwright_now(),
    requested_at timestamptz,
    posted_at timestamptz, -- the POST came back, and what it called for was done
    unknown_at timestamptz,
    cancel_wanted boolean not null default false, -- Pause, Cancel or a suppression came while the POST was on its way
    ringing_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz,
    carrier_call_id text,
    looked_up_at timestamptz, -- the last look at the carrier
    first_missed_at timestamptz, -- the first look that found nothing
    carrier_ended_at timestamptz, -- the carrier said that the call has ended, and how
    carrier_outcome text,
    conversation_ended_at timestamptz, -- our conversation has ended, and its result is kept
    message_delivered boolean not null default false,
    stream_token_hash bytea,
    stream_token_expires_at timestamptz,
    stream_token_used_at timestamptz,
    stream_bound_at timestamptz,
    stream_id text,
    outcome text,
    end_reason text,
    ended_by text,
    carrier_code text,
    who text,
    goal text,
    evidence jsonb not null default '{}', -- {reason: {...}, who: {...}, goal: {...}}
    fields jsonb not null default '{}',
    summary text not null default '',
    sentiment double precision,
    sentiment_word text,
    opted_out boolean not null default false,
    callback_at timestamptz,
    duration_ms int,
    first_word_ms int,
    recording text -- path below the data directory
);
create unique index calls_one_live_per_contact on calls (contact_id) where state <> 'ended';
create unique index calls_one_live_per_number on calls (number, rehearsal) where state <> 'ended';
create unique index calls_carrier_id on calls (carrier_account_id, carrier_call_id);
create index calls_live on calls (campaign_id) where state <> 'ended';
create index calls_live_of_number on calls (phone_number_id) where state <> 'ended';
create index calls_live_of_process on calls (process_id) where state <> 'ended';
create index calls_campaign on calls (campaign_id, id);
create index calls_contact on calls (contact_id, id);
create index calls_number on calls (number, planned_at);
create index calls_leases on calls (lease_until) where state <> 'ended';

-- What a contact lacks of the variables that the agent's texts need; an empty value counts as missing.
create function missing_variables(required text[], variables jsonb, number text, name text) returns text[] language sql immutable parallel safe as $$
    select coalesce(array_agg(r order by r), '{}') from unnest(required) as r
    where trim(coalesce(case r when 'phone_number' then number when 'contact_name' then name else variables ->> r end, '')) = ''
$$;

-- What the gates look at of a number, over all campaigns. Calls that were withdrawn or lost are no tries.
create function callee_facts(of_number text, of_rehearsal boolean, at timestamptz, out suppressed boolean, out live boolean, out tries_7d timestamptz[])
language sql stable as $$
    select exists (select from suppressions s where s.number = of_number and s.rehearsal = of_rehearsal and s.removed_at is null),
           exists (select from calls k where k.number = of_number and k.rehearsal = of_rehearsal and k.state <> 'ended'),
           array(select k.planned_at from calls k
                 where k.number = of_number and k.rehearsal = of_rehearsal and k.planned_at > at - interval '7 days'
                   and k.requested_at is not null and (k.outcome is null or k.outcome not in ('withdrawn', 'lost')))
$$;

-- The locks of a claim, in the one order in which all take them.
create function lock_line(account bigint, phone_number bigint, campaign bigint) returns void language plpgsql as $$
begin
    perform from carrier_accounts where id = account for no key update;
    perform from phone_numbers where id = phone_number for no key update;
    perform from campaigns where id = campaign for no key update;
end $$;

-- How far a state is on a call's way: reports move it up only.
create function call_rank(state text) returns int language sql immutable parallel safe as $$
    select array_position(array['planned', 'requested', 'unknown', 'ringing', 'answered', 'ended'], state)
$$;

-- Everything that was told about a call, once each: the carrier's reports, verdicts, faults.
create table call_events (
    id bigint generated always as identity primary key,
    call_id bigint not null references calls on delete cascade,
    at timestamptz not null default callwright_now(),
    source text not null, -- carrier, agent, dialer, operator
    kind text not null,
    key text, -- tells a doubled event
    detail jsonb not null default '{}'
);
create unique index call_events_once on call_events (call_id, source, key) where key is not null;
create index call_events_call on call_events (call_id, id);

create table transcript_turns (
    call_id bigint not null references calls on delete cascade,
    position int not null,
    speaker text not null check (speaker in ('agent', 'callee')),
    text text not null,
    start_ms int not null,
    end_ms int not null,
    cut_off boolean not null default false,
    latency_ms jsonb not null default '{}',
    primary key (call_id, position)
);

-- Each change of a gate's verdict on a contact: why it was (not) called.
create table gate_verdicts (
    id bigint generated always as identity primary key,
    contact_id bigint not null references contacts on delete cascade,
    at timestamptz not null default callwright_now(),
    gate text not null,
    verdict text not null, -- call, wait, skip
    value text not null,
    look_again_at timestamptz
);
create index gate_verdicts_contact on gate_verdicts (contact_id, id);

create table contact_imports (
    id bigint generated always as identity primary key,
    campaign_id bigint not null references campaigns on delete cascade,
    file_name text not null,
    at timestamptz not null default callwright_now(),
    actor text not null default '',
    report jsonb not null
);

-- What was spoken ahead (greetings, fixed lines), for any process that gets the call. `key`: voice, text and engine version, hashed.
create table prepared_speech (
    key text primary key,
    pcm bytea not null, -- 8 kHz mono int16
    words jsonb not null default '[]',
    created_at timestamptz not null default callwright_now()
);

-- The legal transitions, the same as in dialer/lifecycle.py: nothing else may happen to a state.
create table transitions (
    thing text not null,
    from_state text not null,
    to_state text not null,
    primary key (thing, from_state, to_state)
);
insert into transitions values
    ('campaign', 'draft', 'pending'), ('campaign', 'draft', 'in_progress'), ('campaign', 'draft', 'cancelled'),
    ('campaign', 'pending', 'in_progress'), ('campaign', 'pending', 'paused'), ('campaign', 'pending', 'completed'), ('campaign', 'pending', 'cancelled'),
    ('campaign', 'in_progress', 'pending'), ('campaign', 'in_progress', 'paused'), ('campaign', 'in_progress', 'completed'), ('campaign', 'in_progress', 'cancelled'),
    ('campaign', 'paused', 'pending'), ('campaign', 'paused', 'in_progress'), ('campaign', 'paused', 'completed'), ('campaign', 'paused', 'cancelled'),
    ('campaign', 'completed', 'pending'), ('campaign', 'completed', 'in_progress'),
    ('contact', 'pending', 'in_progress'), ('contact', 'pending', 'skipped'), ('contact', 'pending', 'failed'),
    ('contact', 'in_progress', 'pending'), ('contact', 'in_progress', 'completed'), ('contact', 'in_progress', 'failed'), ('contact', 'in_progress', 'skipped'),
    ('contact', 'failed', 'pending'), ('contact', 'failed', 'completed'),
    ('call', 'planned', 'requested'), ('call', 'planned', 'ended'),
    ('call', 'requested', 'unknown'), ('call', 'requested', 'ringing'), ('call', 'requested', 'answered'), ('call', 'requested', 'ended'),
    ('call', 'unknown', 'ringing'), ('call', 'unknown', 'answered'), ('call', 'unknown', 'ended'),
    ('call', 'ringing', 'answered'), ('call', 'ringing', 'ended'),
    ('call', 'answered', 'ended');

create function refuse_illegal_transition() returns trigger language plpgsql as $$
declare
    thing text := tg_argv[0];
    old_state text := case thing when 'call' then (to_jsonb(old) ->> 'state') else (to_jsonb(old) ->> 'status') end;
    new_state text := case thing when 'call' then (to_jsonb(new) ->> 'state') else (to_jsonb(new) ->> 'status') end;
begin
    if not exists (select from transitions t where t.thing = tg_argv[0] and t.from_state = old_state and t.to_state = new_state) then
        raise exception '% % can''t go from % to %', thing, new.id, old_state, new_state using errcode = 'check_violation';
    end if;
    return new;
end $$;

create trigger campaign_transition before update of status on campaigns
    for each row when (old.status is distinct from new.status) execute function refuse_illegal_transition('campaign');
create trigger contact_transition before update of status on contacts
    for each row when (old.status is distinct from new.status) execute function refuse_illegal_transition('contact');
create trigger call_transition before update of state on calls
    for each row when (old.state is distinct from new.state) execute function refuse_illegal_transition('call');

-- How long things are kept, and what was deleted for it (docs/retention.md). Rows say first that something is gone, files go after; a call
-- that has lost its recording, its words or its callee's name still counts in every figure and in every rule.

-- One row. Days since the end of a call, of a campaign (contacts), or since it happened (audit log); null: kept for ever.
create table retention (
    only_row boolean primary key default true check (only_row),
    recordings_days int check (recordings_days between 1 and 3650),
    transcripts_days int check (transcripts_days between 1 and 3650),
    contacts_days int check (contacts_days between 1 and 3650),
    timelines_days int check (timelines_days between 1 and 3650),
    audit_log_days int check (audit_log_days between 1 and 3650),
    changed_at timestamptz,
    changed_by text not null default '',
    looked_at timestamptz, -- when a process last looked for what is due
    erased_at timestamptz -- when somebody was erased last: spoken lines from before then are forgotten on every machine
);
insert into retention default values;

-- What was deleted on which day (UTC), for the page and, once the day is over, for one line of the audit log.
create table retention_days (
    day date primary key,
    recordings bigint not null default 0,
    transcripts bigint not null default 0,
    contacts bigint not null default 0,
    timelines bigint not null default 0,
    audit_lines bigint not null default 0,
    audited boolean not null default false
);

-- Recordings lie in the data directory of the machine that held the call: what each of them has still to delete, as its processes tell it.
create table recording_folders (
    host text not null,
    folder text not null,
    told_at timestamptz not null default callwright_now(),
    waiting int not null default 0, -- files that could not be deleted
    problem text not null default '',
    primary key (host, folder)
);

-- `..._kept_days`: the limit by which it went; null where it went because somebody was erased. `recording` stays, for whoever deletes the file.
alter table calls
    add column recording_deleted_at timestamptz, add column recording_kept_days int,
    add column transcript_deleted_at timestamptz, add column transcript_kept_days int,
    add column timeline_deleted_at timestamptz, add column person_deleted_at timestamptz;
alter table contacts add column person_deleted_at timestamptz, add column erased boolean not null default false;
alter table campaigns add column people_deleted_at timestamptz; -- its contacts' names and variables, and those of its calls

-- Ended, and somebody or something had answered: as a column of its own, as `live` is, since an index that asked for `answered_at` would be
-- written, and all others with it, when a call is answered.
alter table calls add column answered_and_ended boolean not null generated always as (state = 'ended' and answered_at is not null) stored;
-- What is still there, oldest first: a look for what is due begins with it, and ends there where nothing is. Written when a call ends.
create index calls_with_recording on calls (ended_at) where answered_and_ended and recording_deleted_at is null;
create index calls_with_transcript on calls (ended_at) where answered_and_ended and transcript_deleted_at is null;
create index calls_with_timeline on calls (ended_at) where not live and timeline_deleted_at is null;
create index calls_without_campaign on calls (ended_at) where not live and campaign_id is null and person_deleted_at is null;
create index campaigns_with_people on campaigns (ended_at)
    where ended_at is not null and (people_deleted_at is null or people_deleted_at <= ended_at);
create index audit_log_at on audit_log (at);
-- The way from a call to whatever else quotes it, from a person to the messages about them, and from a deleted recording to its file.
create index audit_log_subject on audit_log (subject);
create index suppressions_call on suppressions (call_id) where call_id is not null;
create index webhook_deliveries_number on webhook_deliveries ((data ->> 'number'));
create index calls_recording_deleted on calls (recording_deleted_at, id) where recording_deleted_at is not null;

-- An event's detail without what was said, whispered or noted: numbers, yes and no, and words that are ours or the carrier's.
create function without_words(detail jsonb) returns jsonb language sql immutable parallel safe as $$
    select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(detail)
    where jsonb_typeof(value) in ('number', 'boolean', 'null')
       or key in ('who', 'by', 'at', 'outcome', 'code', 'carrier_call_id', 'answered_by')
$$;

-- All that quotes what was said on these ended calls goes; how many of them had a transcript. The callers hold the calls' locks.
create function forget_words(of_calls bigint[], kept_days int) returns bigint language plpgsql set enable_seqscan = off as $$
declare
    had bigint;
begin
    update calls set transcript_deleted_at = callwright_now(), transcript_kept_days = kept_days, summary = '', evidence = '{}', fields = '{}'
    where id = any (of_calls) and transcript_deleted_at is null;
    with gone as (
        delete from transcript_turns where call_id = any (of_calls) returning call_id
    )
    select count(distinct call_id) into had from gone;
    delete from call_words where call_id = any (of_calls);
    update call_events set detail = without_words(detail) where call_id = any (of_calls) and detail <> without_words(detail);
    update audit_log set detail = detail - 'text' - 'note'
    where subject in (select 'call ' || id from unnest(of_calls) as id) and detail ?| array['text', 'note'];
    update audit_log a set detail = a.detail - 'reason' from suppressions s
    where s.call_id = any (of_calls) and s.source = 'call' and a.subject = 'suppression ' || s.id and a.detail ? 'reason';
    update suppressions set reason = 'asked for on a call' where call_id = any (of_calls) and source = 'call';
    return had;
end $$;

-- The same as before, and a turn that comes after its call's words were deleted is not kept. Deleting holds the call's lock as well.
create or replace function keep_words_of_late_turns() returns trigger language plpgsql as $$
declare
    ended bigint[];
begin
    perform from calls where id in (select call_id from kept) order by id for share;
    select array_agg(id) into ended from calls where id in (select call_id from kept) and state = 'ended';
    if ended is not null then
        delete from transcript_turns t using calls k where k.id = any (ended) and k.transcript_deleted_at is not null and t.call_id = k.id;
        perform keep_words(ended);
    end if;
    return null;
end $$;

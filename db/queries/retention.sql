-- How long things are kept, and what deletes them: bites of a bounded number of rows, oldest first, that leave alone what somebody else
-- holds. Each bite reads the limits itself, so that a limit that was just raised holds from then on.

-- name: kept()^
-- record_class: Kept
-- The limits, and when a process last looked for what is due.
select recordings_days, transcripts_days, contacts_days, timelines_days, audit_log_days, changed_at, changed_by, looked_at from retention;

-- name: lock_kept()^
-- record_class: Kept
-- The same, locked against other changes.
select recordings_days, transcripts_days, contacts_days, timelines_days, audit_log_days, changed_at, changed_by, looked_at from retention
for no key update;

-- name: change(recordings_days, transcripts_days, contacts_days, timelines_days, audit_log_days, actor)!
-- New limits, all of them.
update retention set
    recordings_days = :recordings_days::int, transcripts_days = :transcripts_days::int, contacts_days = :contacts_days::int,
    timelines_days = :timelines_days::int, audit_log_days = :audit_log_days::int, changed_at = callwright_now(), changed_by = :actor::text;

-- name: due(recordings_days, transcripts_days, contacts_days, timelines_days, audit_log_days, most)^
-- record_class: Due
-- What these limits would delete now. Calls and lines are looked at up to `most`: one more means that there are more.
select r.looked_at as recordings_looked_at, r.recordings, t.looked_at as transcripts_looked_at, t.transcripts, c.contacts, l.timelines,
       a.audit_lines
from (
    select count(*) as looked_at, count(recording) as recordings from (
        select recording from calls
        where answered_and_ended and recording_deleted_at is null
          and ended_at < (select callwright_now() - :recordings_days::int * interval '24 hours')
        order by ended_at limit :most::int + 1) k
) r, (
    select count(*) as looked_at, count(*) filter (where exists (select from transcript_turns t where t.call_id = k.id)) as transcripts from (
        select id from calls
        where answered_and_ended and transcript_deleted_at is null
          and ended_at < (select callwright_now() - :transcripts_days::int * interval '24 hours')
        order by ended_at limit :most::int + 1) k
) t, (
    select coalesce(sum(n.pending + n.in_progress + n.completed + n.failed + n.skipped), 0)::bigint as contacts
    from campaigns c join campaign_counts n on n.campaign_id = c.id
    where c.ended_at is not null and (c.people_deleted_at is null or c.people_deleted_at <= c.ended_at)
      and c.ended_at < (select callwright_now() - :contacts_days::int * interval '24 hours')
) c, (
    select count(*) as timelines from (
        select from calls
        where not live and timeline_deleted_at is null
          and ended_at < (select callwright_now() - :timelines_days::int * interval '24 hours')
        order by ended_at limit :most::int + 1) k
) l, (
    select count(*) as audit_lines from (
        select from audit_log where at < (select callwright_now() - :audit_log_days::int * interval '24 hours')
        order by at limit :most::int + 1) k
) a;

-- name: looked()!
-- A process has looked for what is due; noted twice a minute at most.
update retention set looked_at = callwright_now()
where looked_at is null or looked_at < (select callwright_now() - interval '30 s');

-- name: mark_recordings(most)^
-- record_class: Bite
-- Recordings are gone from now on, for whoever asks; their files are deleted after that. A call that was answered may have a file though its
-- result was never kept.
with due as materialized (
    select k.id from calls k
    where k.answered_and_ended and k.recording_deleted_at is null
      and k.ended_at < (select callwright_now() - r.recordings_days * interval '24 hours' from retention r)
    order by k.ended_at limit :most::int
    for no key update of k skip locked
), marked as (
    update calls k set recording_deleted_at = callwright_now(), recording_kept_days = (select r.recordings_days from retention r)
    from due where k.id = due.id
    returning k.recording
)
select count(*) as looked_at, count(recording) as removed from marked;

-- name: hold_transcripts(most)^
-- Calls whose words are due, locked, and the limit by which they are.
with due as materialized (
    select k.id from calls k
    where k.answered_and_ended and k.transcript_deleted_at is null
      and k.ended_at < (select callwright_now() - r.transcripts_days * interval '24 hours' from retention r)
    order by k.ended_at limit :most::int
    for no key update of k skip locked
)
select array(select id from due) as ids, (select transcripts_days from retention) as kept_days;

-- name: forget_words(ids, kept_days)$
-- All that quotes what was said on these calls, which are locked: how many of them had a transcript.
select forget_words(:ids::bigint[], :kept_days::int);

-- name: delete_timelines(most)^
-- record_class: Bite
-- All that was told about calls.
with due as materialized (
    select k.id from calls k
    where not k.live and k.timeline_deleted_at is null
      and k.ended_at < (select callwright_now() - r.timelines_days * interval '24 hours' from retention r)
    order by k.ended_at limit :most::int
    for no key update of k skip locked
), gone as (
    delete from call_events e using due where e.call_id = due.id
), marked as (
    update calls k set timeline_deleted_at = callwright_now() from due where k.id = due.id returning k.id
)
select count(*) as looked_at, count(*) as removed from marked;

-- name: delete_verdicts(most)$
-- The oldest lines of the ledger of gates, as far as they are due: how many went. They come in the order of time, and so do their ids.
with front as materialized (
    select id, at from gate_verdicts order by id limit :most::int
), due as materialized (
    select id from gate_verdicts
    where id = any (array(
        select f.id from front f where f.at < (select callwright_now() - r.timelines_days * interval '24 hours' from retention r)))
    for update skip locked
), gone as (
    delete from gate_verdicts where id = any (array(select id from due)) returning id
)
select count(*) from gone;

-- name: delete_audit_lines(most)$
-- Lines of the audit log: how many went.
with due as materialized (
    select id from audit_log where at < (select callwright_now() - r.audit_log_days * interval '24 hours' from retention r)
    order by at limit :most::int
    for update skip locked
), gone as (
    delete from audit_log where id = any (array(select id from due)) returning id
)
select count(*) from gone;

-- name: campaigns_due(most)
-- Campaigns that ended so long ago that their contacts' names and variables are due, longest ago first.
select id from campaigns
where ended_at is not null and (people_deleted_at is null or people_deleted_at <= ended_at)
  and ended_at < (select callwright_now() - r.contacts_days * interval '24 hours' from retention r)
order by ended_at limit :most::int;

-- name: forget_contacts(campaign_id, after, most)^
-- record_class: PeopleBite
-- Names and variables of a page of a campaign's contacts, by number; none where the campaign goes on again. `left_alone`: somebody holds them.
with campaign as materialized (
    select c.id from campaigns c
    where c.id = :campaign_id::bigint and c.ended_at < (select callwright_now() - r.contacts_days * interval '24 hours' from retention r)
    for share of c skip locked
), page as materialized (
    select p.id, p.number, p.person_deleted_at from campaign cross join lateral (
        select ct.id, ct.number, ct.person_deleted_at from contacts ct
        where ct.campaign_id = campaign.id and ct.number > :after::text order by ct.number limit :most::int) p
), held as materialized (
    select ct.id from page p join contacts ct on ct.id = p.id where p.person_deleted_at is null
    for no key update of ct skip locked
), gone as (
    update contacts ct set name = '', variables = '{}', person_deleted_at = callwright_now() from held where ct.id = held.id returning ct.id
)
select (select count(*) from page) as looked_at, (select max(number) from page) as last, (select count(*) from gone) as removed,
       (select count(*) from page where person_deleted_at is null) - (select count(*) from gone) + 1 - (select count(*) from campaign)
           as left_alone;

-- name: forget_callees(campaign_id, after, most)^
-- record_class: PeopleBite
-- The same for a page of the campaign's calls, by id: each has a copy of what it was made with.
with campaign as materialized (
    select c.id from campaigns c
    where c.id = :campaign_id::bigint and c.ended_at < (select callwright_now() - r.contacts_days * interval '24 hours' from retention r)
    for share of c skip locked
), page as materialized (
    select p.id, p.person_deleted_at from campaign cross join lateral (
        select k.id, k.person_deleted_at from calls k
        where k.campaign_id = campaign.id and k.id > :after::bigint order by k.id limit :most::int) p
), held as materialized (
    select k.id from page p join calls k on k.id = p.id where p.person_deleted_at is null and not k.live
    for no key update of k skip locked
), gone as (
    update calls k set contact_name = '', variables = '{}', person_deleted_at = callwright_now() from held where k.id = held.id returning k.id
)
select (select count(*) from page) as looked_at, (select max(id) from page) as last, (select count(*) from gone) as removed,
       (select count(*) from page where person_deleted_at is null) - (select count(*) from gone) + 1 - (select count(*) from campaign)
           as left_alone;

-- name: people_forgotten(campaign_id)!
-- The names and variables of a campaign that has ended are gone, all of them; and what the reports of its imports quote of their files: the
-- file's name, and headers, which are the first contact's number and name where a file has no header. The counts stay.
with forgotten as (
    update campaigns set people_deleted_at = callwright_now() where id = :campaign_id::bigint and ended_at is not null returning id
)
update contact_imports set file_name = '', problems = null, report = report - 'columns'
where campaign_id = (select id from forgotten) and (file_name <> '' or problems is not null or report ? 'columns');

-- name: forget_test_callees(most)$
-- Names and variables of calls that belong to no campaign: how many went.
with due as materialized (
    select k.id from calls k
    where not k.live and k.campaign_id is null and k.person_deleted_at is null
      and k.ended_at < (select callwright_now() - r.contacts_days * interval '24 hours' from retention r)
    order by k.ended_at limit :most::int
    for no key update of k skip locked
), gone as (
    update calls k set contact_name = '', variables = '{}', person_deleted_at = callwright_now() from due where k.id = due.id returning k.id
)
select count(*) from gone;

-- name: note_deleted(recordings, transcripts, contacts, timelines, audit_lines)!
-- Counts what was deleted, in the transaction that deletes it.
insert into retention_days as d (day, recordings, transcripts, contacts, timelines, audit_lines)
values ((callwright_now() at time zone 'UTC')::date, :recordings::bigint, :transcripts::bigint, :contacts::bigint, :timelines::bigint,
        :audit_lines::bigint)
on conflict (day) do update set
    recordings = d.recordings + excluded.recordings, transcripts = d.transcripts + excluded.transcripts,
    contacts = d.contacts + excluded.contacts, timelines = d.timelines + excluded.timelines, audit_lines = d.audit_lines + excluded.audit_lines;

-- name: audit_days()!
-- One line of the audit log for each day that is over, once.
with over as (
    update retention_days set audited = true
    where not audited and day < (select (callwright_now() at time zone 'UTC')::date)
    returning day, recordings, transcripts, contacts, timelines, audit_lines
)
insert into audit_log (actor, action, subject, detail)
select 'callwright', 'retention.delete', 'retention',
       jsonb_build_object('day', day, 'recordings', recordings, 'transcripts', transcripts, 'contacts', contacts, 'timelines', timelines,
                          'audit_lines', audit_lines)
from over order by day;

-- name: days(most)
-- record_class: DeletedOnDay
-- What was deleted on the last days on which anything was, newest first.
select day, recordings, transcripts, contacts, timelines, audit_lines from retention_days order by day desc limit :most::int;

-- name: deleted_recordings(after_at, after_id, most)
-- record_class: DeletedRecording
-- Recordings that were deleted, in the order of time, for whoever has their files.
select id, recording_deleted_at as at, recording from calls
where recording_deleted_at is not null and (recording_deleted_at, id) > (:after_at::timestamptz, :after_id::bigint)
order by recording_deleted_at, id limit :most::int;

-- name: tell_folder(host, folder, waiting, problem)!
-- What a folder of recordings has still to delete. Folders that nobody has told of for a month are forgotten on the way.
with gone as (
    delete from recording_folders where told_at < callwright_now() - interval '30 days' and (host, folder) <> (:host::text, :folder::text)
)
insert into recording_folders (host, folder, waiting, problem) values (:host::text, :folder::text, :waiting::int, :problem::text)
on conflict (host, folder) do update set told_at = callwright_now(), waiting = excluded.waiting, problem = excluded.problem;

-- name: folders()
-- record_class: Folder
-- The folders of recordings, as their processes tell of them.
select host, folder, told_at, waiting, problem from recording_folders order by host, folder;

-- name: spoken_before()$
-- Lines that were spoken and not used since then are forgotten: when somebody was erased last, or the limit of contacts, by the hour; null
-- for none.
select greatest(erased_at, date_trunc('hour', callwright_now(), 'UTC') - contacts_days * interval '24 hours') from retention;

-- name: lock_campaigns_of(number)
-- Locks every campaign that has a contact of this number, in the order of their ids: no claim of theirs goes on meanwhile.
select c.id from campaigns c
where exists (select from contacts ct where ct.campaign_id = c.id and ct.number = :number::text)
order by c.id for no key update;

-- name: kept_of(number)^
-- record_class: KeptOfPerson
-- What is kept of whoever has this number.
select count(*) filter (where k.live) as live, count(*) as calls,
       count(*) filter (where k.recording is not null and k.recording_deleted_at is null) as recordings,
       count(*) filter (where k.transcript_deleted_at is null and exists (select from transcript_turns t where t.call_id = k.id)) as transcripts,
       (select count(*) from campaigns c join contacts ct on ct.campaign_id = c.id and ct.number = :number::text where not ct.erased) as contacts,
       (select count(*) from campaigns c join contacts ct on ct.campaign_id = c.id and ct.number = :number::text
        where ct.status = 'pending' and c.status not in ('completed', 'cancelled')) as pending
from calls k where k.number = :number::text;

-- name: hold_calls_of(number)$
-- Locks the calls to this number: their ids.
with held as materialized (
    select id from calls where number = :number::text and not live order by id for no key update
)
select array(select id from held);

-- name: erase_calls(ids)!
-- Recordings, names and variables of these calls, which are locked.
update calls set
    recording_kept_days = case when recording_deleted_at is null then null else recording_kept_days end,
    recording_deleted_at = coalesce(recording_deleted_at, callwright_now()),
    contact_name = '', variables = '{}', person_deleted_at = coalesce(person_deleted_at, callwright_now())
where id = any (:ids::bigint[]);

-- name: erase_contacts(number, reason)
-- Names and variables of the contacts of this number, whose campaigns are locked. Who was still to be called is skipped. The campaigns.
update contacts ct set
    name = '', variables = '{}', person_deleted_at = coalesce(ct.person_deleted_at, callwright_now()), erased = true,
    status = case when ct.status = 'pending' and c.status not in ('completed', 'cancelled') then 'skipped' else ct.status end,
    status_reason = case when ct.status = 'pending' and c.status not in ('completed', 'cancelled') then :reason::text else ct.status_reason end,
    blocked_by = null, blocked_reason = null, look_again_at = null, updated_at = callwright_now()
from campaigns c
where ct.campaign_id = c.id and ct.number = :number::text
returning ct.campaign_id;

-- name: forget_quotes_of_files(number)!
-- What reports of imports quote of their files, of those that may have the number's digits or its person's name in it; before the names are
-- erased. A number counts by its last seven digits, however it was typed; a name, in campaigns that have the number, by letters and digits.
with names as materialized (
    select distinct c.campaign_id, regexp_replace(folded(c.name), '\W|_', '', 'g') as name from (
        select campaign_id, contact_name as name from calls where number = :number::text and campaign_id is not null
        union
        select ct.campaign_id, ct.name from campaigns c join contacts ct on ct.campaign_id = c.id and ct.number = :number::text) c
), quoted as materialized (
    select id, campaign_id, file_name || E'\n' || coalesce(report ->> 'columns', '') as said from contact_imports
)
update contact_imports i set file_name = '', problems = null, report = report - 'columns'
from quoted q
where i.id = q.id and (
    position(right(ltrim(:number::text, '+'), 7) in translate(q.said, ' ().-/', '')) > 0
    or exists (
        select from names n where n.campaign_id = q.campaign_id and octet_length(n.name) > 2
        and position(n.name in regexp_replace(folded(q.said), '\W|_', '', 'g')) > 0));

-- name: forget_reasons(number, reason)!
-- Why the number was put on the do-not-call list, as an operator or a list said it; the entry stays.
with said as (
    update suppressions set reason = :reason::text where number = :number::text and source <> 'call' returning id
)
update audit_log set detail = detail - 'reason'
where subject in (select 'suppression ' || id from said) and detail ? 'reason';

-- name: forget_answers_about(number)!
-- Answers that are kept for whoever sends a command again, where they may quote the number: by its last seven digits. The keys stay, so that
-- nothing is done a second time.
update idempotency_keys set answer = null, asked = split_part(asked, '?', 1)
where status is not null
  and position(right(ltrim(:number::text, '+'), 7) in translate(concat(asked, E'\n', answer), ' ().-/', '')) > 0;

-- name: forget_messages_about(number)!
-- What other systems were told, or would have been, of this number.
delete from webhook_deliveries where data ->> 'number' = :number::text;

-- name: erased()!
-- Somebody was erased: spoken lines that may hold the name are forgotten.
update retention set erased_at = callwright_now();

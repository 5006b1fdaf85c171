-- A rehearsal campaign of any size, made by the database itself: the same seed makes the same calls. Each row's choices are hashes of its
-- place and the seed.

-- name: real_campaigns()$
-- How many campaigns could call real people.
select count(*) from campaigns c join phone_numbers n on n.id = c.phone_number_id join carrier_accounts a on a.id = n.carrier_account_id
where not a.rehearsal;

-- name: add_line()$
-- The number that seeded campaigns call from, on a rehearsal account that no process serves: nothing of it is ever dialed.
with account as (
    insert into carrier_accounts (name, carrier, rehearsal) values ('seeded', 'simulated', true)
    on conflict (name) do update set rehearsal = true returning id
)
insert into phone_numbers (e164, label, carrier_account_id) select '+19995550100', 'Seeded rehearsal data', id from account
on conflict (e164) do update set label = excluded.label
returning id;

-- name: agent(name)$
-- The agent of that name, if there is one.
select id from agents where lower(name) = lower(:name::text) and deleted_at is null;

-- name: add_campaign(name, agent_id, phone_number_id, days)$
-- A paused campaign that began so many days ago.
insert into campaigns (name, agent_id, agent_version, phone_number_id, status, status_reason, concurrency, max_retries, retry_delay_min,
                       created_by, created_at, started_at, running_since)
select :name::text, a.id, a.version, :phone_number_id::bigint, 'paused', 'rehearsal data, made by callwright seed', 100, 1, 60, 'seed',
       t.at, t.at, t.at
from agents a cross join (select callwright_now() - make_interval(days => :days::int) as at) t
where a.id = :agent_id::bigint
returning id;

-- name: prepare()#
-- What comes of the call at a place, for its contact and for itself; one in a million asks to be called back. For this connection only.
create or replace function pg_temp.fate(place bigint, seed bigint)
returns table (below int, outcome text, who text, goal text, reason text, ended_by text, contact_status text) language sql immutable as $$
    select * from (values
        (430, 'person', 'human', 'met', 'goodbye', 'agent', 'completed'),
        (520, 'person', 'human', 'not_met', 'declined', 'agent', 'completed'),
        (540, 'person', 'human', 'unclear', 'hung_up', 'callee', 'completed'),
        (550, 'person', 'human', 'not_met', 'opted_out', 'agent', 'completed'),
        (650, 'voicemail_message', 'voicemail', 'not_met', 'message_left', 'agent', 'completed'),
        (680, 'voicemail_no_message', 'voicemail', 'not_met', 'no_message', 'agent', 'failed'),
        (700, 'dropped', 'human', 'unclear', 'line_lost', 'carrier', 'failed'),
        (930, 'no_answer', null, null, null, 'carrier', 'pending'),
        (980, 'busy', null, null, null, 'carrier', 'pending'),
        (990, 'carrier_failure', null, null, null, 'carrier', 'failed'),
        (1000, 'refused', null, null, null, 'carrier', 'failed')
    ) as fates (below, outcome, who, goal, reason, ended_by, contact_status)
    where place % 1000000 <> 4711 and abs(hashint8extended(place, seed + 10)) % 1000 < fates.below
    union all
    select 0, 'callback', 'human', 'unclear', 'callback', 'agent', 'pending' where place % 1000000 = 4711
    order by 1 limit 1
$$;

-- name: add_contacts(campaign_id, seed, first, last, contacts, calls)!
-- Contacts by their place in the campaign, from 0, as their last call left them; numbers of an area code that nobody has. Who was not
-- reached is to be tried again, some live where it is night.
insert into contacts (campaign_id, number, name, variables, status, tries, begun, last_outcome, not_before, blocked_by, blocked_reason,
                      look_again_at)
select :campaign_id::bigint, '+1999' || lpad(g::text, 7, '0'), w.first || ' ' || w.last,
       jsonb_build_object('customer_name', w.first, 'appointment_date', w.day, 'appointment_time', w.hour),
       coalesce(f.contact_status, 'pending'), case when f.outcome is not null then 1 + l.place / :contacts::bigint else 0 end,
       f.outcome is not null, f.outcome,
       case when f.contact_status = 'pending' then callwright_now() + w.roll * interval '1 min' end,
       case when f.contact_status = 'pending' and w.roll < 400 then 'local_hours' end,
       case when f.contact_status = 'pending' and w.roll < 400 then 'it is night where they live' end,
       case when f.contact_status = 'pending' and w.roll < 400 then callwright_now() + interval '6 h' end
from generate_series(:first::bigint, :last::bigint) g
cross join lateral (
    select case when g < :calls::bigint then g + :contacts::bigint * ((:calls::bigint - 1 - g) / :contacts::bigint) end as place
) l
left join lateral pg_temp.fate(l.place, :seed::bigint) f on l.place is not null
cross join lateral (
    select (array['Ada','Alan','Anna','Barbara','Carla','Dennis','Donald','Edsger','Emma','Frances','Grace','Hugo','Ida','Jonas','Ken',
                  'Lena','Margaret','Nora','Otto','Radia'])[1 + abs(hashint8extended(g, :seed::bigint)) % 20] as first,
           (array['Adams','Baker','Clark','Dijkstra','Evans','Fischer','Garcia','Hopper','Ivanova','Jones','Knuth','Liskov','Miller',
                  'Novak','Otte','Perlman','Quinn','Ritchie','Silva','Turing'])[1 + abs(hashint8extended(g, :seed::bigint + 1)) % 20] as last,
           (array['Monday','Tuesday','Wednesday','Friday'])[1 + abs(hashint8extended(g, :seed::bigint + 2)) % 4] as day,
           (array['nine','ten','eleven','noon','two','three','four'])[1 + abs(hashint8extended(g, :seed::bigint + 3)) % 7] as hour,
           1 + abs(hashint8extended(g, :seed::bigint + 30)) % 1000 as roll
) w
order by g;

-- name: add_calls(campaign_id, seed, first, last, contacts, calls, days)^
-- Ended calls by their place, from 0, one contact after the other, spread over the working hours of so many days until yesterday. The first
-- and the last id.
with added as (
    insert into calls (campaign_id, contact_id, number, contact_name, variables, phone_number_id, carrier_account_id, agent_id,
                       agent_version, rehearsal, try, state, process_id, lease_until, planned_at, requested_at, posted_at, ringing_at,
                       answered_at, ended_at, carrier_ended_at, conversation_ended_at, outcome, end_reason, ended_by, who, goal, sentiment,
                       sentiment_word, opted_out, duration_ms, first_word_ms, message_delivered, summary, evidence)
    select c.id, ct.id, ct.number, ct.name, ct.variables, n.id, n.carrier_account_id, c.agent_id, c.agent_version, true,
           1 + g / :contacts::bigint, 'ended', 'seed', t.at, t.at, t.at, t.at, t.at + interval '2 s',
           case when f.who is not null then t.at + r.ring_ms * interval '1 ms' end,
           t.at + (r.ring_ms + case when f.who is not null then r.talk_ms else 0 end) * interval '1 ms',
           t.at + (r.ring_ms + case when f.who is not null then r.talk_ms else 0 end) * interval '1 ms',
           case when f.who is not null then t.at + (r.ring_ms + r.talk_ms) * interval '1 ms' end,
           f.outcome, f.reason, f.ended_by, f.who, f.goal,
           case when f.who = 'human' then case when r.mood < 300 then 0.6 when r.mood < 850 then 0.0 else -0.5 end when f.who is not null then 0.0 end,
           case when f.who = 'human' then case when r.mood < 300 then 'positive' when r.mood < 850 then 'neutral' else 'negative' end
                when f.who is not null then 'neutral' end,
           f.reason is not distinct from 'opted_out', case when f.who is not null then r.talk_ms end, case when f.who is not null then 120 + r.mood / 5 end,
           f.outcome = 'voicemail_message', case when f.goal = 'met' then 'The appointment was confirmed.' else '' end,
           case when f.who is not null then jsonb_build_object('who', jsonb_build_object('says', 'answered in a full sentence', 'turn', 1)) else '{}' end
    from generate_series(:first::bigint, :last::bigint) g
    cross join lateral (
        select abs(hashint8extended(g, :seed::bigint + 10)) % 1000 as fate, abs(hashint8extended(g, :seed::bigint + 11)) % 1000 as mood,
               4000 + abs(hashint8extended(g, :seed::bigint + 12)) % 16000 as ring_ms,
               8000 + abs(hashint8extended(g, :seed::bigint + 13)) % 80000 as talk_ms
    ) r
    cross join lateral pg_temp.fate(g, :seed::bigint) f
    cross join lateral (
        select date_trunc('day', callwright_now()) - make_interval(days => :days::int) + (g * :days::int / :calls::bigint) * interval '1 day'
               + interval '9 h' + (g * :days::int % :calls::bigint) * interval '9 h' / :calls::bigint as at
    ) t
    join campaigns c on c.id = :campaign_id::bigint
    join contacts ct on ct.campaign_id = c.id and ct.number = '+1999' || lpad((g % :contacts::bigint)::text, 7, '0')
    join phone_numbers n on n.id = c.phone_number_id
    order by g
    returning id
)
select min(id) as first_id, max(id) as last_id from added;

-- name: add_turns(campaign_id, seed, contacts, first_id, last_id)!
-- The conversations of these calls. Three in ten calls have the word thursday in them, one in a thousand the word wheelchair.
insert into transcript_turns (call_id, position, speaker, text, start_ms, end_ms)
select k.id, p, case when p % 2 = 0 then 'agent' else 'callee' end,
       case when p = 0 then 'Hello ' || k.contact_name || ', this is Sam of the Riverside Clinic about your appointment at '
                            || (k.variables ->> 'appointment_time') || '.'
            when p % 2 = 0 then (array['Can you come at that time?', 'Would another day suit you better?', 'Thank you, I will note that down.',
                'Please bring your insurance card and the letter from your doctor.', 'Is there anything else that we should know?',
                'I will send you a message with the address.', 'Then we will see you soon. Goodbye.', 'The visit takes about half an hour.'
                ])[1 + abs(hashint8extended(k.place * 64 + p, :seed::bigint + 20)) % 8]
            else (array['Yes, that is fine with me.', 'I am at work right now, can you be quick?', 'Let me look into my calendar for a moment.',
                'Who is calling, please?', 'No, I can not come, my daughter has a school play.', 'All right, thanks for the call.',
                'Could we make it a little later in the afternoon?', 'I had forgotten about it completely.', 'Is there parking near the clinic?',
                'My number has changed, please write down the new one.', 'That sounds good, see you then.', 'Please speak up, the line is bad.'
                ])[1 + abs(hashint8extended(k.place * 64 + p, :seed::bigint + 20)) % 12] end
       || case when p = 1 and abs(hashint8extended(k.place, :seed::bigint + 21)) % 1000 < 429 then ' Thursday would be best.' else '' end
       || case when p = 1 and abs(hashint8extended(k.place, :seed::bigint + 22)) % 10000 < 14 then ' I need a place for my wheelchair.' else '' end,
       p * 4000 + 200, p * 4000 + 3600
from (select c.*, substr(c.number, 6)::bigint + (c.try - 1) * :contacts::bigint as place from calls c
      where c.id between :first_id::bigint and :last_id::bigint and c.campaign_id = :campaign_id::bigint and c.who is not null) k
cross join lateral generate_series(0, case when k.who = 'human' then 3 + abs(hashint8extended(k.place, :seed::bigint + 23)) % 7 else 1 end) p;

-- name: add_events(campaign_id, first_id, last_id)!
-- What was told about these calls.
insert into call_events (call_id, at, source, kind)
select k.id, e.at, e.source, e.kind
from calls k
cross join lateral (values (k.requested_at, 'dialer', 'requested'), (k.ringing_at, 'carrier', 'ringing'),
                           (k.answered_at, 'carrier', 'answered'), (k.ended_at, 'carrier', 'ended')) as e (at, source, kind)
where k.id between :first_id::bigint and :last_id::bigint and k.campaign_id = :campaign_id::bigint and e.at is not null
order by k.id, e.at;

-- name: words_index()$
-- How the index of words is made.
select pg_get_indexdef('call_words_words'::regclass);

-- name: drop_words_index()!
-- Faster to make anew, once, than to keep while a great many transcripts are written.
drop index call_words_words;

-- name: tidy()!
-- What a database does by itself after a while: the planner knows the new rows, and that all can see them.
vacuum (analyze) contacts, calls, transcript_turns, call_events, call_words, call_results, call_first_words, call_half_hours,
    call_half_hour_first_words, campaign_counts;

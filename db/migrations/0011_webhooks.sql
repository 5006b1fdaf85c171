-- Outgoing webhooks: who is told of what, and an outbox that is written in the transaction of what it tells of, so that neither is there
-- without the other. Claims and dials pay nothing; the end of a call looks whether anybody wants to know, and mostly nobody does.

create table webhooks (
    id bigint generated always as identity primary key,
    url text not null,
    description text not null default '',
    events text[] not null check (cardinality(events) > 0), -- the names in db/webhook_events.py
    secret text not null, -- whsec_...: signing needs it as it is
    old_secret text, -- signs too until then, so that a receiver can change over without a gap
    old_secret_until timestamptz,
    active boolean not null default true,
    disabled_reason text not null default '', -- why it is not active, where that was not an admin
    failing_since timestamptz, -- the first failure since the last success
    last_error text not null default '',
    last_delivered_at timestamptz,
    created_by text not null default '',
    created_at timestamptz not null default callwright_now()
);

-- One message for one endpoint. No foreign key: the end of a call neither waits for nor fails by whoever deletes an endpoint; what is left
-- of one is never sent, and cleared by its age.
create table webhook_deliveries (
    id bigint generated always as identity primary key,
    webhook_id bigint not null,
    message_id text not null default 'msg_' || replace(gen_random_uuid()::text, '-', ''), -- the same in each attempt
    event text not null,
    data jsonb not null, -- as it was when it happened
    created_at timestamptz not null default callwright_now(),
    state text not null default 'waiting' check (state in ('waiting', 'delivered', 'given_up')),
    due_at timestamptz not null default callwright_now(), -- the next attempt, of those that wait
    leased_until timestamptz, -- a process is at it
    attempts int not null default 0, -- begun
    delivered_at timestamptz,
    status_code int, -- of the last attempt, as what follows
    error text not null default '',
    response text not null default '', -- its beginning
    duration_ms int
) with (fillfactor = 70);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, due_at, id) where state = 'waiting';
create index webhook_deliveries_page on webhook_deliveries (webhook_id, id);
create index webhook_deliveries_undelivered on webhook_deliveries (webhook_id, id) where state <> 'delivered';
create index webhook_deliveries_age on webhook_deliveries (created_at);

create function webhooks_want(happened text) returns boolean language sql stable as $$
    select exists (select from webhooks w where w.active and happened = any (w.events))
$$;
create function tell_webhooks(happened text, data jsonb) returns void language sql as $$
    insert into webhook_deliveries (webhook_id, event, data)
    select w.id, happened, data from webhooks w where w.active and happened = any (w.events) order by w.id
$$;

-- What is told. Ids are strings and names those of the API; times are in UTC, whatever the session's zone.

create function call_told(k calls) returns jsonb language plpgsql stable set timezone = 'UTC' as $$
begin
    return jsonb_build_object('id', k.id::text, 'campaign_id', k.campaign_id::text, 'contact_id', k.contact_id::text)
        || jsonb_build_object(
            'campaign_name', (select name from campaigns where id = k.campaign_id),
            'agent_id', k.agent_id::text, 'agent_version', k.agent_version,
            'caller', (select e164 from phone_numbers where id = k.phone_number_id),
            'number', k.number, 'contact_name', k.contact_name, 'variables', k.variables, 'rehearsal', k.rehearsal, 'attempt', k.try)
        || jsonb_build_object(
            'outcome', k.outcome, 'end_reason', k.end_reason, 'ended_by', k.ended_by, 'carrier_code', k.carrier_code,
            'carrier_call_id', k.carrier_call_id, 'who', k.who, 'goal', k.goal, 'fields', k.fields, 'summary', k.summary,
            'sentiment', k.sentiment, 'sentiment_word', k.sentiment_word, 'opted_out', k.opted_out, 'callback_at', k.callback_at)
        || jsonb_build_object(
            'requested_at', k.requested_at, 'ringing_at', k.ringing_at, 'answered_at', k.answered_at, 'ended_at', k.ended_at,
            'duration_ms', k.duration_ms, 'first_word_ms', k.first_word_ms, 'path', '/api/v1/calls/' || k.id);
end $$;

create function campaign_told(c campaigns) returns jsonb language plpgsql stable set timezone = 'UTC' as $$
begin
    return jsonb_build_object(
        'id', c.id::text, 'name', c.name, 'status', c.status, 'reason', c.status_reason,
        'rehearsal', (select a.rehearsal from phone_numbers n join carrier_accounts a on a.id = n.carrier_account_id where n.id = c.phone_number_id),
        'contacts', (select jsonb_build_object('pending', n.pending, 'in_progress', n.in_progress, 'completed', n.completed,
                                               'failed', n.failed, 'skipped', n.skipped)
                     from campaign_counts n where n.campaign_id = c.id),
        'started_at', c.started_at, 'ended_at', c.ended_at, 'path', '/api/v1/campaigns/' || c.id);
end $$;

create function contact_told(ct contacts) returns jsonb language plpgsql stable as $$
begin
    return jsonb_build_object(
        'id', ct.id::text, 'campaign_id', ct.campaign_id::text, 'campaign_name', (select name from campaigns where id = ct.campaign_id),
        'number', ct.number, 'name', ct.name, 'variables', ct.variables, 'status', ct.status, 'reason', ct.status_reason,
        'tries', ct.tries, 'last_outcome', ct.last_outcome, 'path', '/api/v1/contacts/' || ct.id);
end $$;

create function suppression_told(s suppressions) returns jsonb language plpgsql stable set timezone = 'UTC' as $$
begin
    return jsonb_build_object(
        'id', s.id::text, 'number', s.number, 'rehearsal', s.rehearsal, 'reason', s.reason, 'source', s.source,
        'call_id', s.call_id::text, 'added_by', s.added_by, 'added_at', s.added_at, 'path', '/api/v1/suppressions/' || s.id);
end $$;

-- A call has ended, or one that was given up as lost was found after all.
create function tell_of_call() returns trigger language plpgsql as $$
declare
    happened text := case when old.state = 'ended' then 'call.corrected' else 'call.ended' end;
begin
    if webhooks_want(happened) then
        perform tell_webhooks(happened, call_told(new));
    end if;
    return null;
end $$;
create trigger call_told after update of state, outcome on calls for each row
    when (new.state = 'ended' and new.requested_at is not null and (old.state, old.outcome) is distinct from (new.state, new.outcome))
    execute function tell_of_call();

-- An operator's verb, or an end; going from Pending to In Progress and back by its hours is neither.
create function tell_of_campaign() returns trigger language plpgsql as $$
declare
    happened text := 'campaign.' || case when new.status not in ('pending', 'in_progress') then new.status
                                         when old.status = 'draft' then 'started' else 'resumed' end;
begin
    if webhooks_want(happened) then
        perform tell_webhooks(happened, campaign_told(new));
    end if;
    return null;
end $$;
create trigger campaign_told after update of status on campaigns for each row
    when (old.status is distinct from new.status
          and not (old.status in ('pending', 'in_progress') and new.status in ('pending', 'in_progress')))
    execute function tell_of_campaign();

create function tell_of_contact() returns trigger language plpgsql as $$
begin
    if webhooks_want('contact.finished') then
        perform tell_webhooks('contact.finished', contact_told(new));
    end if;
    return null;
end $$;
create trigger contact_told after update of status on contacts for each row
    when (old.status is distinct from new.status and new.status in ('completed', 'failed', 'skipped'))
    execute function tell_of_contact();

-- Whoever imports a list knows what is on it: a message for each of 100,000 numbers would tell nothing new.
create function tell_of_suppression() returns trigger language plpgsql as $$
begin
    if webhooks_want('suppression.added') then
        perform tell_webhooks('suppression.added', suppression_told(new));
    end if;
    return null;
end $$;
create trigger suppression_told after insert on suppressions for each row when (new.source <> 'import')
    execute function tell_of_suppression();

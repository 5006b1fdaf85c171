-- What a campaign's own status was, and why: beside the verdicts on its contacts, the other half of "why was nobody called then?".

create table campaign_changes (
    id bigint generated always as identity primary key,
    campaign_id bigint not null references campaigns on delete cascade,
    at timestamptz not null default callwright_now(),
    status text not null,
    reason text not null
);
create index campaign_changes_campaign on campaign_changes (campaign_id, id);

create function note_campaign_change() returns trigger language plpgsql as $$
begin
    insert into campaign_changes (campaign_id, status, reason) values (new.id, new.status, new.status_reason);
    return null;
end $$;
create trigger campaign_made after insert on campaigns for each row execute function note_campaign_change();
create trigger campaign_changed after update of status on campaigns
    for each row when (old.status is distinct from new.status) execute function note_campaign_change();

-- Only texts that are spoken or prompted need their variables, not whatever else a definition holds (examples of what callees say, names).
create or replace function required_variables(definition jsonb) returns text[] language sql immutable parallel safe as $$
    select coalesce(array_agg(distinct lower(found[1])), '{}')
    from unnest(array[
             '$.first_message', '$.goodbye', '$.voicemail_message', '$.prompt', '$.goal',
             '$.script.who', '$.script.robot', '$.script.not_understood', '$.script.still_there', '$.script.when', '$.script.called_back',
             '$.script.wrong_person', '$.script.opted_out', '$.script.steps.*.say', '$.script.steps.*.reprompt'
         ]::jsonpath[]) as place,
         jsonb_path_query(definition, place) as said,
         regexp_matches(said #>> '{}', '\{\{[ \t-\r]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t-\r]*(\|[^}]*)?\}\}', 'g') as found
    where found[2] is null
$$;
alter table agent_versions drop column required_variables;
alter table agent_versions add column required_variables text[] not null generated always as (required_variables(definition)) stored;

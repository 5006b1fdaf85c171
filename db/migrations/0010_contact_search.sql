-- What a search among a campaign's contacts reads: their names and numbers, 64 contacts to a row, instead of a million wide rows.
-- It finds parts of any length, in any script. A change of a contact's status, the hot path, touches nothing of it.

-- Text without upper and lower case. In PostgreSQL 17 and newer that is so for the letters of all scripts; before, for those of the
-- database's locale.
do $$
begin
    execute format('create function folded(words text) returns text language sql immutable parallel safe as %L',
        'select lower(words' || case when to_regcollation('pg_c_utf8') is null then '' else ' collate pg_c_utf8' end || ')');
end $$;

create function block_of(contact_id bigint) returns bigint language sql immutable parallel safe as $$ select contact_id >> 6 $$;

create table contact_blocks (
    campaign_id bigint not null references campaigns on delete cascade,
    block bigint not null, -- of 64 ids
    names text not null, -- folded, a line each
    numbers text not null,
    endings text not null, -- the two digits that a masked number shows
    primary key (campaign_id, block)
) with (toast_tuple_target = 8160); -- as they are, beside one another: unpacking would take longer than reading
alter table contact_blocks
    alter column names set storage external, alter column numbers set storage external, alter column endings set storage external;

-- Contacts are added in bulk: to what their blocks hold, once per statement.
create function add_to_contact_blocks() returns trigger language plpgsql as $$
begin
    insert into contact_blocks as b (campaign_id, block, names, numbers, endings)
    select campaign_id, block_of(id), string_agg(folded(name), E'\n'), string_agg(number, E'\n'), string_agg(right(number, 2), E'\n')
    from added group by 1, 2 order by 1, 2
    on conflict (campaign_id, block) do update set
        names = b.names || E'\n' || excluded.names, numbers = b.numbers || E'\n' || excluded.numbers,
        endings = b.endings || E'\n' || excluded.endings;
    return null;
end $$;

-- Writes blocks anew, from the contacts that are there. Under their locks: what somebody else has added meanwhile is seen then, or comes on top.
create function renew_contact_blocks(of_campaign bigint, blocks bigint[]) returns void language plpgsql set enable_seqscan = off as $$
begin
    perform from contact_blocks where campaign_id = of_campaign and block = any (blocks) order by block for update;
    update contact_blocks b set (names, numbers, endings) = (
        select coalesce(string_agg(folded(c.name), E'\n'), ''), coalesce(string_agg(c.number, E'\n'), ''),
               coalesce(string_agg(right(c.number, 2), E'\n'), '')
        from contacts c
        where c.id >= b.block << 6 and c.id < (b.block + 1) << 6 and c.campaign_id + 0 = of_campaign) -- + 0: found by their ids
    where b.campaign_id = of_campaign and b.block = any (blocks);
end $$;
create function renew_blocks_of_removed() returns trigger language plpgsql as $$
begin
    perform renew_contact_blocks(campaign_id, array_agg(distinct block_of(id))) from removed group by campaign_id order by campaign_id;
    return null;
end $$;
create function renew_block_of_changed() returns trigger language plpgsql as $$
begin
    perform renew_contact_blocks(new.campaign_id, array[block_of(new.id)]);
    return null;
end $$;
create trigger contacts_added_to_blocks after insert on contacts referencing new table as added
    for each statement execute function add_to_contact_blocks();
create trigger contacts_removed_from_blocks after delete on contacts referencing old table as removed
    for each statement execute function renew_blocks_of_removed();
create trigger contact_changed_in_block after update of name, number on contacts
    for each row when ((old.name, old.number) is distinct from (new.name, new.number)) execute function renew_block_of_changed();

insert into contact_blocks (campaign_id, block, names, numbers, endings)
select campaign_id, block_of(id), string_agg(folded(name), E'\n'), string_agg(number, E'\n'), string_agg(right(number, 2), E'\n')
from contacts group by 1, 2;
analyze contact_blocks;

-- Whether a contact is one that is searched for: `asked` is a part of its name, or `digits` one of its number; of a masked number, of
-- what it shows.
create function contact_fits(name text, number text, asked text, digits text, masked boolean)
returns boolean language sql immutable parallel safe as $$
    select position(asked in folded(name)) > 0
           or digits <> '' and position(digits in case when masked then right(number, 2) else number end) > 0
$$;

-- A page of a campaign's contacts in their order, all of them or those in `of_status`, whose name or number has `search` in it. Numbers are found
-- however they are written: +49 (30) 1234. Few contacts of a status are walked through; otherwise blocks say where it is worth looking.
-- Both are read in the order of their index, so that a full page ends it, and never all of them to be sorted first.
create function contacts_found(of_campaign bigint, of_status text, search text, masked boolean, after_id bigint, most int)
returns setof bigint language plpgsql stable rows 30 set enable_seqscan = off set enable_sort = off as $$
declare
    asked text := folded(btrim(search));
    digits text := case when asked ~ '^[-+0-9 ()./]+$' then regexp_replace(asked, '[^+0-9]', '', 'g') else '' end;
    below bigint := coalesce(after_id, 0);
    here bigint;
    found_here int;
begin
    if of_status is not null and (asked = '' or (
        select coalesce((to_jsonb(n) ->> of_status)::bigint, 0) <= 20000 from campaign_counts n where n.campaign_id = of_campaign)) then
        return query
            select c.id from contacts c
            where c.campaign_id = of_campaign and c.status = of_status and c.id > below
              and contact_fits(c.name, c.number, asked, digits, masked)
            order by c.id limit most;
        return;
    end if;
    for here in
        select b.block from contact_blocks b
        where b.campaign_id = of_campaign and b.block >= block_of(below)
          and (position(asked in b.names) > 0
               or digits <> '' and position(digits in case when masked then b.endings else b.numbers end) > 0)
        order by b.block
    loop
        return query
            select c.id from contacts c
            where c.campaign_id + 0 = of_campaign and c.id >= here << 6 and c.id < (here + 1) << 6 and c.id > below -- + 0: as above
              and (of_status is null or c.status = of_status) and contact_fits(c.name, c.number, asked, digits, masked)
            order by c.id limit most;
        get diagnostics found_here = row_count;
        most := most - found_here;
        exit when most <= 0;
    end loop;
end $$;

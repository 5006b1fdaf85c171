-- Every row that an import refused, as a gzipped CSV; the report beside it has the counts.
alter table contact_imports add column problems bytea;
alter table contact_imports alter column problems set storage external; -- it is packed already
create index contact_imports_campaign on contact_imports (campaign_id, id);

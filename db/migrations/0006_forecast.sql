-- What was expected of a campaign when it started, to hold what happens against it.
create table campaign_forecasts (
    campaign_id bigint primary key references campaigns on delete cascade,
    made_at timestamptz not null,
    finishes_at timestamptz, -- null: it was not expected to finish by itself
    earliest_at timestamptz,
    latest_at timestamptz,
    contacts double precision not null,
    calls double precision not null,
    reached double precision not null,
    buckets jsonb not null -- [[start, end (seconds since 1970), calls, reached], ...], in order
);

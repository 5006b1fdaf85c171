-- What pages and searches over a million calls read.
select 1;

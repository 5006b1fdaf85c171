-- What claims of one line write again and again lies apart from what people edit.
select 1;

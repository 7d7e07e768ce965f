{{ config(post_hook="{{ append_further_blocks(this) }}") }}

-- Every candidate in the one order of all timelines: time, then the reasoned rank among events of one time and the code (both are
-- told by code_id), then the raw row. The values come last, for raw tables in which a key occurs twice. Rows are numbered by where they
-- stand in the table, from 0: a window that counts would cost a third of the sort again.
-- DuckDB keeps what it sorts in memory. Where that is too little, the patients are sorted in blocks, one after another.
{{ sorted_candidates_of(blocks_of_patients()[0]) }}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ take_out_changed(this) }}",
    post_hook="{{ append_further_blocks(this) }}"
) }}

-- Every candidate in the one order of all timelines: time, then the reasoned rank among events of one time and the code (both are
-- told by tie_order), then the raw row. The values come last, for raw tables in which a key occurs twice.
-- DuckDB keeps what it sorts in memory. Where that is too little, the patients are sorted in blocks, one after another.
-- A later build sorts only the patients whose fingerprint has changed and leaves the rows of the others as they stand.
{{ sorted_candidates_of(blocks_of_patients()[0], after=this if is_incremental() else none) }}
-- depends_on: {{ ref('changed_patients') }}

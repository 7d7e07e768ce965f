{#
    The patients in as many ranges of subject_id as the memory limit asks for, as conditions, in their order. A landed row makes at
    most about two candidates. patients is named outright: the candidates stand on it, and in a unit test ref() would name another.
#}
{% macro blocks_of_patients() %}
    {%- if not execute -%}{{ return(['true']) }}{%- endif -%}
    {%- set needed -%}
        with landed as (
            select sum(estimated_size) as n_rows
            from duckdb_tables()
            where database_name = 'scratch' and schema_name = 'staging'
        ),

        allowed as (
            select
                cast(split_part(current_setting('memory_limit'), ' ', 1) as double) * power(
                    1024, position(substr(split_part(current_setting('memory_limit'), ' ', 2), 1, 1) in 'KMGT')
                ) as bytes
        )

        select cast(ceil(coalesce(n_rows, 0) * 2 * {{ var('bytes_a_candidate') }} / bytes) as integer) as n_blocks
        from landed cross join allowed
    {%- endset -%}
    {%- set n_blocks = run_query(needed).columns[0].values()[0] or 1 -%}
    {%- if n_blocks < 2 -%}{{ return(['true']) }}{%- endif -%}
    {%- set edges = run_query(
        "select unnest(" ~ inner_quantiles('subject_id', n_blocks) ~ ") from " ~ target.database ~ ".timelines.patients"
    ).columns[0].values() -%}
    {%- set blocks = ["(subject_id <= " ~ edges[0] ~ " or subject_id is null)"] -%}
    {%- for edge in edges[1:] -%}
        {%- do blocks.append("subject_id > " ~ edges[loop.index0] ~ " and subject_id <= " ~ edge) -%}
    {%- endfor -%}
    {%- do blocks.append("subject_id > " ~ edges[-1]) -%}
    {{ return(blocks) }}
{% endmacro %}

{# The candidates of the patients that a condition names: their timelines in order, and behind them what is set aside. #}
{% macro sorted_candidates_of(patients) -%}
with coded as (
    select
        candidates.subject_id,
        candidates.time,
        candidates.occurred_at,
        codes.code_id,
        candidates.numeric_value,
        candidates.text_value,
        candidates.hadm_id,
        candidates.stay_id,
        candidates.source_key,
        candidates.is_row_event,
        candidates.set_aside_reason
    from {{ ref('event_candidates') }} as candidates
    inner join {{ ref('codes') }} as codes
        on
            candidates.event_kind = codes.event_kind
            and candidates.code = codes.code
            and candidates.source_table = codes.source_table
            and candidates.unit is not distinct from codes.unit
    where {{ patients | replace('subject_id', 'candidates.subject_id') }}
)

select
    subject_id,
    time,
    occurred_at,
    code_id,
    numeric_value,
    text_value,
    hadm_id,
    stay_id,
    source_key,
    is_row_event,
    set_aside_reason
from coded
order by
    set_aside_reason asc nulls first,
    subject_id asc nulls last,
    time asc nulls first,
    code_id asc nulls last,
    source_key asc nulls last,
    occurred_at asc nulls last,
    numeric_value asc nulls last,
    text_value asc nulls last
{%- endmacro %}

{# After the first block, which makes the table: the others, each sorted and appended. #}
{% macro append_further_blocks(relation) %}
    {%- for patients in blocks_of_patients()[1:] -%}
        {%- do run_query("insert into " ~ relation ~ " " ~ sorted_candidates_of(patients)) -%}
    {%- endfor -%}
{% endmacro %}

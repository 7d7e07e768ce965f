{#
    How the timelines are sorted: only the patients whose raw rows have changed since the last build, in as many blocks as the memory
    limit asks for. Tables are named outright where ref() would, in a unit test, name another, or stand behind a condition.
#}

{# The table of an earlier build that this one can add to, none where all patients are sorted anew. #}
{% macro earlier_candidates() %}
    {%- if not execute or flags.FULL_REFRESH -%}{{ return(none) }}{%- endif -%}
    {%- set candidates = adapter.get_relation(target.database, 'timelines', 'sorted_candidates') -%}
    {%- if not candidates or not candidates.is_table or not adapter.get_relation(target.database, 'timelines', 'codes') -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set columns = adapter.get_columns_in_relation(candidates) | map(attribute='name') | list -%}
    {{ return(candidates if 'fingerprint' in columns and 'event_number' in columns else none) }}
{% endmacro %}

{# Whether a row belongs to a patient who is sorted in this build. Rows without a patient are few: they always are. #}
{% macro is_sorted_now(subject_id) -%}
    ({{ subject_id }} is null or {{ subject_id }} in (select changed.subject_id from scratch.events.changed_patients as changed))
{%- endmacro %}

{#
    After changed_patients: says how many there are. Where they are more than half, or the earlier table has another form, it is dropped,
    since sorting all anew then costs less than taking out and adding.
#}
{% macro decide_what_to_sort() %}
    {%- set present = adapter.get_relation(target.database, 'timelines', 'sorted_candidates') -%}
    {%- if present -%}
        {%- set counts -%}
            select
                (select count(*) from scratch.events.changed_patients) as n_changed,
                (select count(*) from scratch.events.patient_fingerprints) as n_patients
        {%- endset -%}
        {%- set n_changed, n_patients = run_query(counts).rows[0].values() -%}
        {%- if earlier_candidates() and n_changed == 0 -%}
            {%- do log("no patient's rows have changed: all timelines stand as they are", info=true) -%}
        {%- elif earlier_candidates() and 2 * n_changed <= n_patients -%}
            {%- do log(
                "timelines of " ~ n_changed ~ " of " ~ n_patients ~ " patients have changed: only these are made anew", info=true
            ) -%}
        {%- else -%}
            {%- do adapter.ensure_transaction() -%}
            {%- do adapter.drop_relation(present) -%}
            {%- do adapter.commit() -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

{#
    The patients to sort in as many ranges of subject_id as the memory limit asks for, as conditions, in their order. A landed row makes
    at most about two candidates.
#}
{% macro blocks_of_patients() %}
    {%- if not execute or not adapter.get_relation('scratch', 'events', 'changed_patients') -%}{{ return(['true']) }}{%- endif -%}
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
        ),

        sorted_now as (
            select
                (select count(*) from scratch.events.changed_patients)
                / cast(nullif((select count(*) from scratch.events.patient_fingerprints), 0) as double) as share
        )

        select cast(ceil(coalesce(n_rows * share, 0) * 2 * {{ var('bytes_a_candidate') }} / bytes) as integer) as n_blocks
        from landed cross join allowed cross join sorted_now
    {%- endset -%}
    {%- set n_blocks = run_query(needed).columns[0].values()[0] or 1 -%}
    {%- if n_blocks < 2 -%}{{ return(['true']) }}{%- endif -%}
    {%- set edges = run_query(
        "select unnest(" ~ inner_quantiles('subject_id', n_blocks) ~ ") from scratch.events.changed_patients"
    ).columns[0].values() -%}
    {%- set blocks = ["(subject_id <= " ~ edges[0] ~ " or subject_id is null)"] -%}
    {%- for edge in edges[1:] -%}
        {%- do blocks.append("subject_id > " ~ edges[loop.index0] ~ " and subject_id <= " ~ edge) -%}
    {%- endfor -%}
    {%- do blocks.append("subject_id > " ~ edges[-1]) -%}
    {{ return(blocks) }}
{% endmacro %}

{#
    The candidates of the patients that a condition names: their timelines in order, and behind them what is set aside, numbered on from
    what the table `after` holds.
#}
{% macro sorted_candidates_of(patients, after=none) -%}
with coded as (
    select
        candidates.subject_id,
        candidates.time,
        candidates.occurred_at,
        codes.code_id,
        codes.tie_order,
        candidates.numeric_value,
        candidates.text_value,
        candidates.hadm_id,
        candidates.stay_id,
        candidates.source_key,
        candidates.is_row_event,
        candidates.set_aside_reason,
        prints.fingerprint
    from {{ ref('event_candidates') }} as candidates
    inner join {{ ref('codes') }} as codes
        on
            candidates.event_kind = codes.event_kind
            and candidates.code = codes.code
            and candidates.source_table = codes.source_table
            and candidates.unit is not distinct from codes.unit
    left join {{ ref('patient_fingerprints') }} as prints on candidates.subject_id = prints.subject_id
    where
        {{ patients | replace('subject_id', 'candidates.subject_id') }}
        {%- if earlier_candidates() %}
        and {{ is_sorted_now('candidates.subject_id') }}
        {%- endif %}
),

in_order as (
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
        set_aside_reason,
        fingerprint
    from coded
    order by
        set_aside_reason asc nulls first,
        subject_id asc nulls last,
        time asc nulls first,
        tie_order asc nulls last,
        source_key asc nulls last,
        occurred_at asc nulls last,
        numeric_value asc nulls last,
        text_value asc nulls last
)

select
    {% if after -%}
    (select coalesce(max(event_number) + 1, 0) from {{ after }}) + {{ number_as_they_come() }} as event_number,
    {%- else -%}
    {{ number_as_they_come() }} as event_number,
    {%- endif %}
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
    set_aside_reason,
    fingerprint
from in_order
{%- endmacro %}

{# Before the first block: what an earlier build holds of the patients who are sorted now. #}
{% macro take_out_changed(relation) %}
    {%- if is_incremental() -%}
    delete from {{ relation }} where {{ is_sorted_now('subject_id') }}
    {%- endif -%}
{% endmacro %}

{# After the first block: the others, each sorted and appended. #}
{% macro append_further_blocks(relation) %}
    {%- for patients in blocks_of_patients()[1:] -%}
        {%- do run_query("insert into " ~ relation ~ " " ~ sorted_candidates_of(patients, after=relation)) -%}
    {%- endfor -%}
{% endmacro %}

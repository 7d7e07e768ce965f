{#
    The materialization of clinical tasks. A model selects candidates, each with the reason that sets it aside from the cohort or NULL;
    of it are made the table of the cohort, <task>, and the table of how the cohort came about, <task>_flow. What the task is (the
    description and `meta` of its yml entry) is kept as the table's comment, as JSON, for those who export it. A task is empty where the
    timelines hold none of a kind of event that it needs: its source is off, or absent.
#}
{% materialization task, adapter='duckdb' %}
    {%- set flow = this.incorporate(path={'identifier': this.identifier ~ '_flow'}, type='table') -%}
    {%- set cohort = this.incorporate(type='table') -%}
    {%- set task = config.get('meta').task -%}
    {%- set missing = missing_kinds(task.needs) -%}
    {%- if missing -%}
        {%- do log("task " ~ this.identifier ~ " is empty: the timelines hold no " ~ missing | join(", no "), info=true) -%}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('candidates') -%}
        create or replace temporary table task_candidates as
        select {{ task_columns() | join(', ') }}
        from ({{ compiled_code }}) as candidates
        {% if missing %}where false{% endif %}
    {%- endcall -%}
    {#- All within one transaction: a build that fails leaves the former tables. -#}
    {%- for relation in [cohort, flow] -%}
        {%- set present = load_cached_relation(relation) -%}
        {%- if present -%}{%- do adapter.drop_relation(present) -%}{%- endif -%}
    {%- endfor -%}
    {%- call statement('main') -%}{{ create_table_as(False, cohort, cohort_of('task_candidates')) }}{%- endcall -%}
    {%- call statement('flow') -%}create table {{ flow }} as ({{ flow_of('task_candidates') }}){%- endcall -%}
    {%- do run_query("comment on table " ~ cohort ~ " is '" ~ task_definition(missing) | replace("'", "''") ~ "'") -%}
    {%- do run_query("drop table task_candidates") -%}
    {%- do gather_cohort_flows() -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [cohort, flow]}) }}
{% endmaterialization %}

{# What every task model selects; `exclusion` alone is left out of its table. #}
{% macro task_columns() %}
    {{ return([
        'subject_id', 'prediction_time', 'label', 'hadm_id', 'stay_id', 'prompt_event_index', 'threshold', 'exclusion'
    ] + (['variant'] if 'variant' in model.columns else [])) }}
{% endmacro %}

{# Kinds of event that a task needs and the timelines do not hold. #}
{% macro missing_kinds(needed) %}
    {%- set found = run_query(
        "select distinct event_kind from " ~ target.database ~ ".timelines.codes where event_kind in (" ~ text_list(needed) ~ ")"
    ).columns[0].values() | list -%}
    {{ return(needed | reject('in', found) | list) }}
{% endmacro %}

{# The members of the cohort, in their order. #}
{% macro cohort_of(candidates) -%}
    select {{ model.columns.keys() | join(', ') }}
    from {{ candidates }}
    where exclusion is null
    order by
        {% if 'variant' in model.columns %}variant asc nulls last, {% endif -%}
        subject_id asc nulls last, prediction_time asc nulls last, hadm_id asc nulls last, stay_id asc nulls last, prompt_event_index asc nulls last
{%- endmacro %}

{#
    How a cohort came about: all candidates, then, reason by reason in the order of the numbers that the reasons begin with, how many are
    set aside and how many candidates and patients are left. Where one table holds several tasks, each has a flow of its own.
#}
{% macro flow_of(candidates) -%}
    {%- set has_variants = 'variant' in model.columns %}
    with numbered as (
        select
            {{ 'variant' if has_variants else 'cast(null as text)' }} as variant,
            subject_id,
            coalesce(cast(split_part(exclusion, ' ', 1) as integer), 1000) as step,
            substr(exclusion, length(split_part(exclusion, ' ', 1)) + 2) as reason
        from {{ candidates }}
    ),

    variants as (
        {% if has_variants -%}
        select distinct variant from numbered
        {%- else -%}
        select cast(null as text) as variant
        {%- endif %}
    ),

    steps as (
        select variant, 0 as step, 'all candidates' as reason, 0 as n_left_out
        from variants

        union all

        select variant, step, reason, count(*)
        from numbered
        where reason is not null
        group by variant, step, reason
    )

    select
        steps.variant,
        steps.step,
        steps.reason,
        steps.n_left_out,
        count(numbered.step) as n_left,
        count(distinct numbered.subject_id) as n_patients_left
    from steps
    left join numbered on steps.step < numbered.step and steps.variant is not distinct from numbered.variant
    group by steps.variant, steps.step, steps.reason, steps.n_left_out
    order by steps.variant asc nulls last, steps.step asc nulls last, steps.reason asc nulls last
{%- endmacro %}

{# What a task is, as JSON: its yml entry, the kinds of event that it lacks, and which timelines it stands on. #}
{% macro task_definition(missing) %}
    {{ return(tojson({
        'name': model.name,
        'description': model.description,
        'label': model.columns.label.data_type,
        'task': config.get('meta').task,
        'missing': missing,
        'timelines': run_query(timelines_stamp(target.database)).rows[0].values()[0],
    }, sort_keys=true)) }}
{% endmacro %}

{# A number that changes with the timelines' lengths and patients, so that tasks of other timelines are known for what they are. #}
{% macro timelines_stamp(database) -%}
    select cast(hash(bit_xor(hash(spans.subject_id, spans.n_events, patients.died_at, patients.split)), count(*)) as text)
    from {{ database }}.timelines.timeline_spans as spans
    inner join {{ database }}.timelines.patients as patients on spans.subject_id = patients.subject_id
{%- endmacro %}

{# All tasks' flows as one view, tasks.cohort_flow; made anew with each task, since which tasks there are is known by their files alone. #}
{% macro gather_cohort_flows() %}
    {%- set names = [] -%}
    {%- for node in graph.nodes.values() if node.config.materialized == 'task' -%}{%- do names.append(node.name ~ '_flow') -%}{%- endfor -%}
    {#- A flow without this column is left from a build by other rules. -#}
    {%- set built = run_query(
        "select table_name from duckdb_columns() where database_name = '" ~ this.database ~ "' and schema_name = '" ~ this.schema
        ~ "' and table_name in (" ~ text_list(names) ~ ") and column_name = 'variant' order by table_name"
    ).columns[0].values() -%}
    {%- set flows = [] -%}
    {%- for name in built -%}
        {%- do flows.append(
            "select '" ~ name[:-5] ~ "' as task, variant, step, reason, n_left_out, n_left, n_patients_left from "
            ~ this.schema ~ "." ~ name
        ) -%}
    {%- endfor -%}
    {%- do run_query(
        "create or replace view " ~ this.database ~ "." ~ this.schema ~ ".cohort_flow as " ~ flows | join(" union all ")
    ) -%}
{% endmacro %}

{#
    Why a candidate is not of the cohort, NULL where it is: the first of some [condition, reason] that holds, with its place before it,
    which orders the flow.
#}
{% macro first_exclusion(rules) -%}
    case
        {%- for condition, reason in rules %}
        when {{ condition }} then '{{ loop.index }} {{ reason }}'
        {%- endfor %}
    end
{%- endmacro %}

{#
    CTEs that end in `last_events`: for the rows of a CTE or model with subject_id and moment, the event_index of the patient's last event
    at or before the moment, -1 where there is none. Events are matched by patient and day in one pass, and by patient alone only for the
    moments on whose day nothing had happened yet, so that no sort of all events is needed.
#}
{% macro find_last_events(moments) -%}
events_of_the_day as (
    select moments.subject_id, moments.moment, max(events.event_index) as event_index
    from {{ moments }} as moments
    inner join {{ ref('ordered_events') }} as events
        on moments.subject_id = events.subject_id and cast(moments.moment as date) = cast(events.time as date)
    where events.time <= moments.moment
    group by moments.subject_id, moments.moment
),

days_without_events as (
    select distinct moments.subject_id, moments.moment
    from {{ moments }} as moments
    left join events_of_the_day as found on moments.subject_id = found.subject_id and moments.moment = found.moment
    where moments.moment is not null and found.moment is null
),

-- Small tables are joined to all events by equalities alone, and never keep what has no match: any other join holds all events at once,
-- or compares them pair by pair.
events_of_former_days as (
    select
        moments.subject_id,
        moments.moment,
        max(case when events.time <= moments.moment or events.time is null then events.event_index end) as event_index
    from days_without_events as moments
    inner join {{ ref('ordered_events') }} as events on moments.subject_id = events.subject_id
    group by moments.subject_id, moments.moment
),

last_events as (
    select subject_id, moment, event_index
    from events_of_the_day

    union all

    select moments.subject_id, moments.moment, coalesce(former.event_index, -1) as event_index
    from days_without_events as moments
    left join events_of_former_days as former on moments.subject_id = former.subject_id and moments.moment = former.moment
)
{%- endmacro %}

{# What the yml entry of a task's table says of it in `meta`. #}
{% macro task_of(relation) %}
    {%- set found = namespace(task={}) -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.name == relation.identifier -%}
        {%- set found.task = node.config.meta.task -%}
    {%- endfor -%}
    {{ return(found.task) }}
{% endmacro %}

{# Whether a code begins with one of some prefixes and with none of the exceptions. #}
{% macro begins_with_any(code, prefixes, exceptions=none) -%}
    (
        {%- for prefix in prefixes or [] %}
        {{ 'or ' if not loop.first }}substr({{ code }}, 1, {{ prefix | length }}) = '{{ prefix }}'
        {%- else %}
        false
        {%- endfor %}
    )
    {%- for prefix in exceptions or [] %}
    and substr({{ code }}, 1, {{ prefix | length }}) <> '{{ prefix }}'
    {%- endfor %}
{%- endmacro %}

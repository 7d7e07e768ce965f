{#
    The rule, for set_aside_reason, that care charted far outside its ICU stay has a wrong year or a wrong stay. It reads started_at and
    ended_at of icu_stay_times. What is charted shortly before or after a stay, as on the way to the operating theatre, is kept.
#}
{% macro far_outside_the_stay(began, ended) -%}
    {%- set days = "interval '" ~ var('max_days_outside_stay') ~ " days'" -%}
    {{ return([
        began ~ " > ended_at + " ~ days ~ " or " ~ ended ~ " < started_at - " ~ days,
        "far outside the stay",
    ]) }}
{%- endmacro %}

{#
    A line in the log for each table that the score of the first ICU day lacks. Without one of them there is no score. The registry is
    named outright: in a unit test source() would name what the test gives in its place.
#}
{% macro log_what_the_score_lacks() -%}
    {%- if execute and flags.WHICH in ('run', 'build') -%}
        {%- set query -%}
            select source_table from raw.registry.tables
            where not is_present and source_table in ({{ text_list(var('sofa_tables')) }}) order by source_table
        {%- endset -%}
        {%- set absent = run_query(query).columns[0].values() -%}
        {%- if absent -%}
            {%- do log("no score of the first ICU day: " ~ absent | join(", ") ~ " not there", info=true) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# The name of an item by its number, from {name: itemid}. #}
{% macro item_name(items, itemid='itemid') -%}
    case {{ itemid }}
        {%- for name, number in items.items() %}
        when {{ number }} then '{{ name }}'
        {%- endfor %}
    end
{%- endmacro %}

{#
    The whole of a staging model: every row of a raw table, with the columns that models read, cast from text to the registry's types.

    `unreadable_columns` names the columns whose text could not be cast; the events models set such rows aside, so that a
    garbled value is counted and not read as missing.
#}
{% macro land_raw_table(module, table_name) %}
    {%- set columns = registered_columns(module, table_name) -%}
    {%- do say_if_absent(module ~ '.' ~ table_name) -%}
select
    {%- for column in columns %}
    {%- if column.data_type == 'text' %}
    {{ column.column_name }},
    {%- else %}
    {{ read_as(column.column_name, column.data_type) }} as {{ column.column_name }},
    {%- endif %}
    {%- endfor %}
    nullif(
        concat_ws(
            ', '
            {%- for column in columns if column.data_type != 'text' %},
            case
                when {{ column.column_name }} is not null and {{ read_as(column.column_name, column.data_type) }} is null
                    then '{{ column.column_name }}'
            end
            {%- endfor %}
        ),
        ''
    ) as unreadable_columns
from {{ source(module, table_name) }}
{% endmacro %}

{# The columns of a raw table that are landed, each with its column_name and data_type, in their order. #}
{% macro registered_columns(module, table_name) %}
    {%- set query -%}
        select column_name, data_type from {{ source('registry', 'columns') }}
        where module = '{{ module }}' and table_name = '{{ table_name }}' order by position
    {%- endset -%}
    {{ return(run_query(query).rows if execute else []) }}
{% endmacro %}

{# A line in the log for a raw table that is not there, in a command that builds models. #}
{% macro say_if_absent(full_name) %}
    {%- set query -%}
        select 1 from {{ source('registry', 'tables') }} where source_table = '{{ full_name }}' and not is_present
    {%- endset -%}
    {%- if execute and not makes_events('meds.data') and flags.WHICH in ('run', 'build') and run_query(query).rows -%}
        {%- do log("raw table " ~ full_name ~ " is not there: no events are made of it", info=true) -%}
    {%- endif -%}
{% endmacro %}

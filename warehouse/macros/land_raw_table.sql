{#
    The whole of a staging model: every row and column of a raw table, cast from text to the registry's types.

    `unreadable_columns` names the columns whose text could not be cast; the events models set such rows aside, so that a
    garbled value is counted and not read as missing.
#}
{% macro land_raw_table(module, table_name) %}
    {%- set registry = source('registry', 'columns') -%}
    {%- set tables = source('registry', 'tables') -%}
    {%- set columns = [] -%}
    {%- if execute -%}
        {%- set query -%}
            select column_name, data_type from {{ registry }}
            where module = '{{ module }}' and table_name = '{{ table_name }}' order by position
        {%- endset -%}
        {%- set columns = run_query(query).rows -%}
        {%- set full_name = module ~ '.' ~ table_name -%}
        {%- set absent = run_query("select 1 from " ~ tables ~ " where source_table = '" ~ full_name ~ "' and not is_present") -%}
        {%- if absent.rows and not makes_events('meds.data') and flags.WHICH in ('run', 'build') -%}
            {%- do log("raw table " ~ full_name ~ " is not there: no events are made of it", info=true) -%}
        {%- endif -%}
    {%- endif -%}
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

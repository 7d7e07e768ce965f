{#
    Rows of one table of the report, data/report/tables/NAME.parquet (NAME: the model's), in the columns and types that the model's
    yml declares. No row and the same types where no report was made yet; a column that an older report lacks is null.
#}
{% macro read_report_table() -%}
    {%- set path = env_var('EHR_DATA', 'data') ~ '/report/tables/' ~ model.name ~ '.parquet' -%}
    {%- set found = execute and run_query("select count(*) from glob('" ~ path ~ "')").columns[0].values()[0] > 0 -%}
    {%- set there = run_query("select name from parquet_schema('" ~ path ~ "')").columns[0].values() if found else [] -%}
    select
        {% for column in model.columns.values() -%}
            cast({{ column.name if column.name in there else 'null' }} as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
        {% endfor -%}
    {% if found %}from read_parquet('{{ path }}'){% else %}where false{% endif %}
{%- endmacro %}

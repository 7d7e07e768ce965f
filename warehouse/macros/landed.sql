{#
    The materialization of staging: a table that is left as it stands while the raw file and the model's SQL stay what they were. What it
    was landed from is kept as the table's comment.
#}
{% materialization landed, adapter='duckdb' %}
    {%- set stamp = landing_stamp(model.name, compiled_code) -%}
    {%- set present = load_cached_relation(this) -%}
    {%- if present and present.is_table and stamp and not flags.FULL_REFRESH and stamp_of(this) == stamp -%}
        {%- call noop_statement('main', 'UNCHANGED', 'UNCHANGED', 0) -%}{%- endcall -%}
        {{ return({'relations': [this]}) }}
    {%- endif -%}
    {%- set built = materialization_table_duckdb() -%}
    {%- if stamp -%}
        {%- do adapter.ensure_transaction() -%}
        {%- do run_query("comment on table " ~ this ~ " is '" ~ stamp ~ "'") -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
    {{ return(built) }}
{% endmaterialization %}

{# What a raw table is landed from, as a short text; none where its file's time of change is not known. #}
{% macro landing_stamp(model_name, sql) %}
    {%- set raw_table = model_name | replace('stg_', '') | replace('__', '.') -%}
    {%- set found = run_query(
        "select file_stamp from " ~ source('registry', 'tables') ~ " where source_table = '" ~ raw_table ~ "'"
    ) -%}
    {{ return(local_md5(sql ~ found.rows[0].file_stamp) if found.rows else none) }}
{% endmacro %}

{% macro stamp_of(relation) %}
    {%- set found = run_query(
        "select comment from duckdb_tables() where database_name = '" ~ relation.database ~ "' and schema_name = '"
        ~ relation.schema ~ "' and table_name = '" ~ relation.identifier ~ "'"
    ) -%}
    {{ return(found.rows[0].comment if found.rows else none) }}
{% endmacro %}

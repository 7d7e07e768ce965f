{# Schemas are called as the folders are (timelines, tokens, runs), without dbt's `main_` before them. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}

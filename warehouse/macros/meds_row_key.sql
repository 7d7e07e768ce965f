{# The key of a row of a MEDS dataset: its file and its place there, padded so that keys sort as the rows stand. #}
{% macro meds_row_key() -%}
    file_name || '#' || lpad(cast(file_row as text), 12, '0')
{%- endmacro %}

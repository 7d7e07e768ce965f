{# Free text as one part of a code: trimmed, UNK where there is none, and never holding the // that parts a code. #}
{% macro code_part(text) -%}
    coalesce(replace(nullif(trim({{ text }}), ''), '//', '/'), 'UNK')
{%- endmacro %}

{#
    How a laboratory item is written as a code: once for each row in events_labevents, once for each item in event_codes.
#}

{# The unit of a result; a blank one is none. #}
{% macro lab_unit(valueuom) %}nullif(trim({{ valueuom }}), ''){% endmacro %}

{% macro lab_specimen_code(itemid) -%}
    'LAB//SPECIMEN_COLLECTED//' || coalesce(cast({{ itemid }} as text), 'UNK')
{%- endmacro %}

{% macro lab_result_code(itemid, unit) -%}
    'LAB//RESULT//' || coalesce(cast({{ itemid }} as text), 'UNK') || '//' || coalesce({{ unit }}, 'UNK')
{%- endmacro %}

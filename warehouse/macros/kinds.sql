{# Kinds of event whose codes name a drug. #}
{% macro drug_kinds() %}{{ return(['drug_order', 'drug_administration', 'home_drug', 'ed_dispensing']) }}{% endmacro %}

{# Kinds of event whose codes are ICD codes of diagnoses: PREFIX//ICD//<version>//<code>. #}
{% macro diagnosis_kinds() %}{{ return(['diagnosis', 'ed_diagnosis']) }}{% endmacro %}

{# The drug that a code names, in lower case: PRESCRIPTION//START//<drug>, or <prefix>//<drug>. #}
{% macro drug_in_code() -%}
    lower(trim(split_part(code, '//', case when event_kind = 'drug_order' then 3 else 2 end)))
{%- endmacro %}

{# Texts as the items of a SQL list. #}
{% macro text_list(texts) %}'{{ texts | join("', '") }}'{% endmacro %}

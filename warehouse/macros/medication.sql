{# Whether an entry of the administration record says that the drug was given: NULL, Not Given, Hold Dose and Stopped do not. #}
{% macro says_given(event_txt) -%}
    coalesce(
        {{ event_txt }} like 'Administered%'
        or {{ event_txt }} like 'Started%'
        or {{ event_txt }} like 'Restarted%'
        or {{ event_txt }} like 'Applied%'
        or {{ event_txt }} like 'Partial Administered%'
        or {{ event_txt }} like 'Delayed Administered%'
        or {{ event_txt }} like 'Delayed Started%'
        or {{ event_txt }} like 'Removed Existing / Applied New%',
        false
    )
{%- endmacro %}

{# A dose in free text as a number, with or without a comma at the thousands; NULL for ranges, words and scrubbed text. #}
{% macro dose_as_number(dose) -%}
    case
        when {{ dose }} not like '%,%' or {{ dose }} like '%,___' or {{ dose }} like '%,___.%'
            then {{ read_as("replace(" ~ dose ~ ", ',', '')", 'double') }}
    end
{%- endmacro %}

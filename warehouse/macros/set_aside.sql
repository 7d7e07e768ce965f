{#
    The reason why a raw row makes no event, NULL where it makes one. Every events model calls it with its own rules, a list of
    [condition, reason]; the first that holds is the reason, and a value that could not be read comes before all.
#}
{% macro set_aside_reason(rules=[], unreadable='unreadable_columns') -%}
    case
        when {{ unreadable }} is not null then 'unreadable ' || {{ unreadable }}
        {%- for condition, reason in rules %}
        when {{ condition }} then '{{ reason }}'
        {%- endfor %}
    end
{%- endmacro %}

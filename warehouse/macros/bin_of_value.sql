{#
    The quantile token of numeric_value among the bins first to last, from their upper_edges. The bins are halved again and again, so
    that a value is compared with about log2 of their number and not with each.
#}
{% macro bin_of_value(first, last) -%}
    {%- if first == last -%}
    'Q//{{ first }}'
    {%- else -%}
    {%- set middle = (first + last) // 2 -%}
    case
        when numeric_value <= {{ list_item('upper_edges', middle) }} then {{ bin_of_value(first, middle) }}
        else {{ bin_of_value(middle + 1, last) }}
    end
    {%- endif -%}
{%- endmacro %}

{# Numbers the rows that share a key, from 1; the order makes the choice of the first one the same in every build. #}
{% macro copy_number(key, order) -%}
    row_number() over (
        partition by {{ key | join(', ') }}
        order by {% for column in order %}{{ column }} asc nulls last{{ ', ' if not loop.last }}{% endfor %}
    )
{%- endmacro %}

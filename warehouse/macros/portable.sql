{#
    The few constructs that DuckDB and Spark spell differently, each behind one dispatched macro, so that the models
    themselves stay portable.
#}

{# Seconds from one timestamp to another, as a double. #}
{% macro seconds_between(earlier, later) %}{{ return(adapter.dispatch('seconds_between')(earlier, later)) }}{% endmacro %}
{% macro duckdb__seconds_between(earlier, later) %}(epoch({{ later }}) - epoch({{ earlier }})){% endmacro %}
{% macro spark__seconds_between(earlier, later) %}(unix_timestamp({{ later }}) - unix_timestamp({{ earlier }})){% endmacro %}

{# A number from 0 to n - 1 that depends on the text alone: from md5, which every engine computes alike. #}
{% macro hash_bucket(text, n) %}{{ return(adapter.dispatch('hash_bucket')(text, n)) }}{% endmacro %}
{% macro duckdb__hash_bucket(text, n) %}(('0x' || substr(md5({{ text }}), 1, 8))::bigint % {{ n }}){% endmacro %}
{% macro spark__hash_bucket(text, n) %}(conv(substr(md5({{ text }}), 1, 8), 16, 10)::bigint % {{ n }}){% endmacro %}

{# The inner n - 1 quantiles of a column that part it into n bins, as one list; each is a value that occurs (type 1). #}
{% macro inner_quantiles(column, n) %}{{ return(adapter.dispatch('inner_quantiles')(column, n)) }}{% endmacro %}
{% macro duckdb__inner_quantiles(column, n) -%}
    quantile_disc({{ column }}, [{% for i in range(1, n) %}{{ i }} / {{ n }}::double{{ ', ' if not loop.last }}{% endfor %}])
{%- endmacro %}
{% macro spark__inner_quantiles(column, n) -%}
    array({% for i in range(1, n) %}percentile_disc({{ i / n }}) within group (order by {{ column }}){{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{# The i-th item of such a list, counted from 1. #}
{% macro list_item(list, i) %}{{ return(adapter.dispatch('list_item')(list, i)) }}{% endmacro %}
{% macro duckdb__list_item(list, i) %}{{ list }}[{{ i }}]{% endmacro %}
{% macro spark__list_item(list, i) %}element_at({{ list }}, {{ i }}){% endmacro %}

{# A query with one column n, the whole numbers from 1 to `last`. #}
{% macro numbers_up_to(last) %}{{ return(adapter.dispatch('numbers_up_to')(last)) }}{% endmacro %}
{% macro duckdb__numbers_up_to(last) %}select unnest(range(1, {{ last }} + 1)) as n{% endmacro %}
{% macro spark__numbers_up_to(last) %}select explode(sequence(1, {{ last }})) as n{% endmacro %}

{# A column of text cast to a type of the registry, NULL where it cannot be read; a number that is not finite cannot. #}
{% macro read_as(column, data_type) -%}
    {%- if data_type == 'double' -%}
    case
        when lower({{ column }}) not like '%nan%' and lower({{ column }}) not like '%inf%' then try_cast({{ column }} as double)
    end
    {%- else -%}
    try_cast({{ column }} as {{ data_type }})
    {%- endif -%}
{%- endmacro %}

{# The last instant of a date, as a timestamp: where a fact of that day is placed when its time of day is not known. #}
{% macro end_of_day(date) %}(cast({{ date }} as timestamp) + interval '23 hours 59 minutes 59 seconds'){% endmacro %}

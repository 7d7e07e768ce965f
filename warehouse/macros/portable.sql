{#
    The few constructs that DuckDB and Spark spell differently, each behind one dispatched macro, so that the models
    themselves stay portable.
#}

{# Seconds from one timestamp to another, as a double. #}
{% macro seconds_between(earlier, later) %}{{ return(adapter.dispatch('seconds_between')(earlier, later)) }}{% endmacro %}
{% macro duckdb__seconds_between(earlier, later) %}(epoch({{ later }}) - epoch({{ earlier }})){% endmacro %}
{% macro spark__seconds_between(earlier, later) %}(unix_timestamp({{ later }}) - unix_timestamp({{ earlier }})){% endmacro %}

{# Whole years from one timestamp to another, as of an age. #}
{% macro full_years_between(earlier, later) %}{{ return(adapter.dispatch('full_years_between')(earlier, later)) }}{% endmacro %}
{% macro duckdb__full_years_between(earlier, later) %}date_sub('year', {{ earlier }}, {{ later }}){% endmacro %}
{% macro spark__full_years_between(earlier, later) %}floor(months_between({{ later }}, {{ earlier }}) / 12){% endmacro %}

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

{# How many items a list holds. #}
{% macro list_length(list) %}{{ return(adapter.dispatch('list_length')(list)) }}{% endmacro %}
{% macro duckdb__list_length(list) %}len({{ list }}){% endmacro %}
{% macro spark__list_length(list) %}size({{ list }}){% endmacro %}

{#
    Numbers from 0 for rows that come sorted from a subquery, in the order in which they come. Spark does not keep that order: there the
    model would have to count over its sort key.
#}
{% macro number_as_they_come() %}{{ return(adapter.dispatch('number_as_they_come')()) }}{% endmacro %}
{% macro duckdb__number_as_they_come() %}(row_number() over () - 1){% endmacro %}

{#
    A column of the row before, for rows that come sorted by `order` from a subquery; a window with an order of its own would hold all
    rows once more. Spark does not keep that order: there the window has it.
#}
{% macro previous_as_they_come(column, order) %}{{ return(adapter.dispatch('previous_as_they_come')(column, order)) }}{% endmacro %}
{% macro duckdb__previous_as_they_come(column, order) %}lag({{ column }}) over (){% endmacro %}
{% macro spark__previous_as_they_come(column, order) %}lag({{ column }}) over (order by {{ order }} asc nulls last){% endmacro %}

{# A whole number that tells rows apart: from whole rows (the alias of a table) and values. It may change with the engine's version. #}
{% macro row_hash(items) %}{{ return(adapter.dispatch('row_hash')(items)) }}{% endmacro %}
{% macro duckdb__row_hash(items) %}hash({{ items | join(', ') }}){% endmacro %}
{% macro spark__row_hash(items) %}xxhash64({{ items | join(', ') }}){% endmacro %}

{# A list of the given expressions. #}
{% macro list_of(items) %}{{ return(adapter.dispatch('list_of')(items)) }}{% endmacro %}
{% macro duckdb__list_of(items) %}[{{ items | join(', ') }}]{% endmacro %}
{% macro spark__list_of(items) %}array({{ items | join(', ') }}){% endmacro %}

{# The values of a group as a list, in the order of another column. #}
{% macro list_in_order(column, order) %}{{ return(adapter.dispatch('list_in_order')(column, order)) }}{% endmacro %}
{% macro duckdb__list_in_order(column, order) %}list({{ column }} order by {{ order }}){% endmacro %}
{% macro spark__list_in_order(column, order) -%}
    transform(array_sort(collect_list(struct({{ order }} as place, {{ column }} as item))), pair -> pair.item)
{%- endmacro %}

{# A list that holds an item `times` times, NULL where it holds none. #}
{% macro repeated(item, times) %}{{ return(adapter.dispatch('repeated')(item, times)) }}{% endmacro %}
{% macro duckdb__repeated(item, times) %}case when {{ times }} > 0 then list_resize([{{ item }}], {{ times }}, {{ item }}) end{% endmacro %}
{% macro spark__repeated(item, times) %}case when {{ times }} > 0 then array_repeat({{ item }}, {{ times }}) end{% endmacro %}

{# Lists one after another; a NULL is an empty one. #}
{% macro joined_lists(lists) %}{{ return(adapter.dispatch('joined_lists')(lists)) }}{% endmacro %}
{% macro duckdb__joined_lists(lists) %}list_concat({{ lists | join(', ') }}){% endmacro %}
{% macro spark__joined_lists(lists) -%}
    concat({% for list in lists %}coalesce({{ list }}, array()){{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{# A CTE `exploded`: a row for each item of a list, with its place from 0 and the columns to keep. #}
{% macro explode(relation, list, item, keep) %}{{ return(adapter.dispatch('explode')(relation, list, item, keep)) }}{% endmacro %}
{% macro duckdb__explode(relation, list, item, keep) -%}
exploded as (
    select {{ keep | join(', ') }}, unnest({{ list }}) as {{ item }}, generate_subscripts({{ list }}, 1) - 1 as place
    from {{ relation }}
)
{%- endmacro %}
{% macro spark__explode(relation, list, item, keep) -%}
exploded as (
    select {{ keep | join(', ') }}, {{ item }}, place
    from {{ relation }} lateral view posexplode({{ list }}) items as place, {{ item }}
)
{%- endmacro %}

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

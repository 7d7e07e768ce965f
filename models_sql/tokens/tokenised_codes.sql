{% set edges = [] %}
{% for i in range(1, var('n_bins')) %}{% do edges.append('edges.edge_' ~ i) %}{% endfor %}

-- The entries of the dictionary that become tokens, with what their values are compared with.
with edges as (
    select
        code
        {%- for i in range(1, var('n_bins')) -%}
        ,
        min(case when break_index = {{ i }} then upper_edge end) as edge_{{ i }}
        {%- endfor %}
    from {{ ref('quantile_breaks') }}
    group by code
)

select
    codes.code_id,
    codes.event_kind,
    codes.code,
    event_kinds.takes_value,
    case
        when edges.code is not null
            then {{ list_of(edges) }}
    end as upper_edges
from {{ ref('codes') }} as codes
inner join {{ ref('code_counts') }} as counted on codes.event_kind = counted.event_kind and codes.code = counted.code
inner join {{ ref('event_kinds') }} as event_kinds on codes.event_kind = event_kinds.event_kind
left join edges on event_kinds.takes_value and codes.code = edges.code
where counted.untokenised_reason is null
order by codes.code_id asc nulls last

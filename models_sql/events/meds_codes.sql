{{ config(enabled=makes_events('meds.data'), materialized='table') }}

-- The kind of event that a code of a MEDS dataset tells of, decided once per code. The dataset may name kinds as we do; else it is
-- that of the longest prefix which the code begins with, in whole parts. What no kind knows is of the kind `meds`, and its code
-- is its token. Who was born and who died is told by the standard's own codes alone.
with used as (
    select code, event_kind as given_kind, count(*) as n_rows
    from {{ ref('stg_meds__data') }}
    where code is not null
    group by code, event_kind
),

used_codes as (
    select distinct code
    from used
),

-- No kind has more prefixes than this.
numbers as (
    {% for n in range(1, 21) %}
    select {{ n }} as n
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

prefixes as (
    select
        event_kinds.event_kind,
        cast(event_kinds.tie_rank as integer) as tie_rank,
        trim(split_part(event_kinds.code_prefixes, '|', numbers.n)) as prefix
    from {{ source('reference', 'event_kinds') }} as event_kinds
    cross join numbers
    where split_part(event_kinds.code_prefixes, '|', numbers.n) <> ''
),

matches as (
    select
        used_codes.code,
        prefixes.event_kind,
        row_number() over (
            partition by used_codes.code
            order by length(prefixes.prefix) desc nulls last, prefixes.tie_rank asc nulls last, prefixes.event_kind asc nulls last
        ) as choice
    from used_codes
    inner join prefixes
        on
            split_part(used_codes.code, '//', 1) = split_part(prefixes.prefix, '//', 1)
            and (
                used_codes.code = prefixes.prefix
                or (prefixes.prefix like '%//' and substr(used_codes.code, 1, length(prefixes.prefix)) = prefixes.prefix)
                or substr(used_codes.code, 1, length(prefixes.prefix) + 2) = prefixes.prefix || '//'
            )
)

select
    used.code,
    used.given_kind,
    case
        when matches.event_kind in ('birth', 'death') then matches.event_kind
        when given.event_kind not in ('birth', 'death') then given.event_kind
        else coalesce(matches.event_kind, 'meds')
    end as event_kind,
    used.n_rows
from used
left join matches on used.code = matches.code and matches.choice = 1
left join {{ source('reference', 'event_kinds') }} as given on used.given_kind = given.event_kind
order by used.code asc nulls last, used.given_kind asc nulls last

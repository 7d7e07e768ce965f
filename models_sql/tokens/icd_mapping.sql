-- One ICD-10 code for each ICD-9 code in use. Of several, the rule takes the first source that knows the code, an exact before
-- an approximate equivalent, one code before a part of a combination, then the first in the alphabet.
with used_codes as (
    select
        split_part(code, '//', 4) as icd_9,
        case when event_kind = 'procedure' then 'pcs' else 'cm' end as kind,
        sum(n_events) as n_events
    from {{ ref('code_counts') }}
    where event_kind in ('procedure', {{ text_list(diagnosis_kinds()) }}) and split_part(code, '//', 3) = '9'
    group by icd_9, kind
),

-- The five flags of the equivalence files: approximate, no map, combination, scenario, choice list.
equivalents as (
    select
        kind,
        icd_9,
        icd_10,
        source_rank,
        substr(flags, 1, 1) as is_approximate,
        substr(flags, 3, 1) as is_combination
    from {{ source('reference', 'icd9_to_icd10') }}
    where substr(flags, 2, 1) = '0' and icd_10 is not null
),

ordered as (
    select
        kind,
        icd_9,
        icd_10,
        source_rank,
        row_number() over (
            partition by kind, icd_9
            order by
                source_rank asc nulls last, is_approximate asc nulls last, is_combination asc nulls last, icd_10 asc nulls last
        ) as choice
    from equivalents
)

select
    used_codes.kind,
    used_codes.icd_9,
    ordered.icd_10,
    cast(ordered.source_rank as integer) as source_rank,
    cast(used_codes.n_events as bigint) as n_events
from used_codes
left join ordered on used_codes.kind = ordered.kind and used_codes.icd_9 = ordered.icd_9 and ordered.choice = 1
order by used_codes.kind asc nulls last, used_codes.icd_9 asc nulls last

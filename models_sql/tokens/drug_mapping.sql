-- One ATC code for each drug name in use. A name matches a listed drug when it is that drug, or begins with it as a whole word
-- (furosemide in `Furosemide IV`); the longest listed drug wins. Of several codes of one drug, the rule takes the first source,
-- a code for systemic use before one for the skin, eye, ear, nose or mouth, then the first in the alphabet.
with used_names as (
    select
        {{ drug_in_code() }} as drug,
        sum(n_events) as n_events
    from {{ ref('code_counts') }}
    where event_kind in ({{ text_list(drug_kinds()) }})
    group by drug
),

listed as (
    select
        lower(trim(drug)) as listed_drug,
        atc_code,
        source_rank,
        -- Groups of the classification whose drugs act where they are put: stomatologicals, haemorrhoids, skin, throat, nose, eye, ear.
        case
            when
                substr(atc_code, 1, 3) in ('A01', 'C05', 'R01', 'R02') or substr(atc_code, 1, 1) in ('D', 'S')
                then 1
            else 0
        end as is_local
    from {{ source('reference', 'drug_to_atc') }}
    where atc_code is not null and drug is not null
),

-- Joined on the first word, so that only names that can match are compared.
matches as (
    select
        used_names.drug,
        listed.atc_code,
        listed.source_rank,
        row_number() over (
            partition by used_names.drug
            order by
                length(listed.listed_drug) desc nulls last,
                listed.source_rank asc nulls last,
                listed.is_local asc nulls last,
                listed.atc_code asc nulls last
        ) as choice
    from used_names
    inner join listed
        on
            split_part(replace(used_names.drug, ',', ' '), ' ', 1) = split_part(replace(listed.listed_drug, ',', ' '), ' ', 1)
            and (
                used_names.drug = listed.listed_drug
                or substr(used_names.drug, 1, length(listed.listed_drug) + 1)
                in (listed.listed_drug || ' ', listed.listed_drug || ',')
            )
)

select
    used_names.drug,
    matches.atc_code,
    cast(matches.source_rank as integer) as source_rank,
    cast(used_names.n_events as bigint) as n_events
from used_names
left join matches on used_names.drug = matches.drug and matches.choice = 1
order by used_names.drug asc nulls last

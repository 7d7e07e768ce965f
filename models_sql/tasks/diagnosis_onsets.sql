{{ config(materialized='table') }}

-- When each patient was first coded with each category of ICD-10-CM (three characters), in hospital or in the emergency department. The
-- category is that of the tokens, so that ICD-9 codes count as what they are mapped to.
with category_codes as (
    select codes.code_id, split_part(code_tokens.token, '//', 2) as category
    from {{ ref('codes') }} as codes
    inner join {{ ref('code_tokens') }} as code_tokens
        on codes.event_kind = code_tokens.event_kind and codes.code = code_tokens.code
    where
        code_tokens.event_kind in ({{ text_list(diagnosis_kinds()) }})
        and code_tokens.position = 0
        and code_tokens.token like 'ICD10CM//%'
)

select
    events.subject_id,
    category_codes.category,
    min(events.time) as first_coded_at
from {{ ref('ordered_events') }} as events
inner join category_codes on events.code_id = category_codes.code_id
group by events.subject_id, category_codes.category
order by events.subject_id asc nulls last, category_codes.category asc nulls last

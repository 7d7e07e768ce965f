-- HCFA groups (MS-DRG), which more stays have than APR ones; the lowest number where a stay has several.
with billed as (
    select
        events.subject_id,
        events.hadm_id,
        events.time,
        events.event_index,
        try_cast(split_part(codes.code, '//', 3) as bigint) as drg
    from {{ ref('ordered_events') }} as events
    inner join {{ ref('codes') }} as codes on events.code_id = codes.code_id
    where codes.event_kind = 'drg' and codes.code like 'DRG//HCFA//%'
),

grouped as (
    select stays.subject_id, stays.nth_stay, min(billed.drg) as drg, min(billed.event_index) as first_event_index
    from {{ ref('hospital_stays') }} as stays
    inner join billed
        on
            stays.subject_id = billed.subject_id
            and (stays.hadm_id = billed.hadm_id or (billed.hadm_id is null and stays.discharged_at = billed.time))
    group by stays.subject_id, stays.nth_stay
)

select
    stays.subject_id,
    stays.discharged_at as prediction_time,
    grouped.drg as label,
    stays.hadm_id,
    cast(null as bigint) as stay_id,
    stays.discharge_event_index as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion(hospital_stay_rules() + [
        ["stays.discharge_event_index is null", "discharge written down after death"],
        ["grouped.drg is null", "no HCFA group"],
        ["grouped.first_event_index < stays.discharge_event_index", "group known before discharge"],
    ]) }} as exclusion
from {{ ref('hospital_stays') }} as stays
left join grouped on stays.subject_id = grouped.subject_id and stays.nth_stay = grouped.nth_stay

with scores as (
    select events.subject_id, events.stay_id, max(events.numeric_value) as sofa
    from {{ ref('ordered_events') }} as events
    inner join {{ ref('codes') }} as codes on events.code_id = codes.code_id
    where codes.event_kind = 'sofa'
    group by events.subject_id, events.stay_id
)

select
    stays.subject_id,
    stays.admitted_at as prediction_time,
    cast(scores.sofa as bigint) as label,
    stays.hadm_id,
    stays.stay_id,
    stays.prompt_at_admission as prompt_event_index,
    cast(null as double) as threshold,
    {{ first_exclusion(icu_stay_rules() + [["scores.sofa is null", "no score of the first day"]]) }} as exclusion
from {{ ref('icu_stays') }} as stays
left join scores on stays.subject_id = scores.subject_id and stays.stay_id = scores.stay_id

{{ config(enabled=makes_events('icu.inputevents')) }}

with source as (
    select
        subject_id,
        hadm_id,
        stay_id,
        starttime,
        start_known_at,
        amount,
        amount_unit,
        rate,
        rate_unit,
        is_push,
        set_aside_reason,
        continues,
        is_last_of_run,
        run_ended_at,
        run_known_at,
        run_amount,
        run_unit,
        coalesce(cast(itemid as text), 'UNK') as item,
        -- The start comes first, so that stretches charted together keep their order.
        concat_ws('-', starttime, orderid, itemid) as source_key
    from {{ ref('input_stretches') }}
),

-- A row is known when it is stored, which for the last stretch of a bag is often its end; nothing tells whether it was stored before.
-- The unit is part of the code, so that rates and amounts of several units never share a break.
facts as (
    select
        subject_id,
        hadm_id,
        stay_id,
        source_key,
        start_known_at as time,
        starttime as occurred_at,
        case when continues then 'INFUSION_CHANGE//' else 'INFUSION_START//' end || item || '//' || coalesce(rate_unit, 'UNK') as code,
        rate as numeric_value,
        rate_unit as unit,
        case when continues then 'infusion_change' else 'infusion_start' end as event_kind,
        true as is_row_event,
        set_aside_reason
    from source
    where not is_push

    union all

    -- The amount of a whole run, known when its last row is stored.
    select
        subject_id,
        hadm_id,
        stay_id,
        source_key,
        run_known_at,
        run_ended_at,
        'INFUSION_END//' || item || '//' || coalesce(run_unit, 'UNK'),
        run_amount,
        run_unit,
        case when run_known_at = start_known_at then 'infusion_end_charted_late' else 'infusion_end' end,
        false,
        set_aside_reason
    from source
    where is_last_of_run and not is_push

    union all

    select
        subject_id,
        hadm_id,
        stay_id,
        source_key,
        start_known_at,
        starttime,
        'BOLUS//' || item || '//' || coalesce(amount_unit, 'UNK'),
        amount,
        amount_unit,
        'bolus',
        true,
        set_aside_reason
    from source
    where is_push
)

select
    subject_id,
    time,
    occurred_at,
    code,
    numeric_value,
    cast(null as text) as text_value,
    unit,
    hadm_id,
    stay_id,
    'icu.inputevents' as source_table,
    source_key,
    event_kind,
    is_row_event,
    set_aside_reason
from facts

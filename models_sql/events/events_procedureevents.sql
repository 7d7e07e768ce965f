{{ config(enabled=makes_events('icu.procedureevents')) }}

with source as (
    select
        procedures.subject_id,
        procedures.hadm_id,
        procedures.stay_id,
        procedures.orderid,
        procedures.starttime,
        procedures.endtime,
        procedures.storetime,
        procedures.location,
        procedures.statusdescription,
        procedures.unreadable_columns,
        coalesce(cast(procedures.itemid as text), 'UNK') as item,
        stays.started_at,
        stays.ended_at
    from {{ ref('stg_icu__procedureevents') }} as procedures
    left join {{ ref('icu_stay_times') }} as stays on procedures.stay_id = stays.stay_id
),

{% set rules = [
    ["starttime is null or endtime is null", "no time"],
    ["statusdescription = 'Rewritten'", "rewritten"],
    ["endtime < starttime", "ends before it starts"],
    far_outside_the_stay('starttime', 'endtime'),
] %}
-- A row is stored last when its procedure ends, and nothing tells whether it was stored before: a start is known no earlier.
facts as (
    select
        subject_id,
        hadm_id,
        stay_id,
        orderid,
        greatest(starttime, storetime) as time,
        starttime as occurred_at,
        'PROCEDURE//START//' || item as code,
        nullif(trim(location), '') as text_value,
        'bedside_procedure_start' as event_kind,
        true as is_row_event,
        {{ set_aside_reason(rules) }} as set_aside_reason
    from source

    union all

    -- What has no duration, as an X-ray, is charted to last one minute: its end tells nothing.
    select
        subject_id,
        hadm_id,
        stay_id,
        orderid,
        greatest(endtime, storetime),
        endtime,
        'PROCEDURE//END//' || item,
        null,
        'bedside_procedure_end',
        false,
        {{ set_aside_reason(rules) }}
    from source
    where endtime > starttime + interval '1 minute'
)

select
    subject_id,
    time,
    occurred_at,
    code,
    cast(null as double) as numeric_value,
    text_value,
    cast(null as text) as unit,
    hadm_id,
    stay_id,
    'icu.procedureevents' as source_table,
    cast(orderid as text) as source_key,
    event_kind,
    is_row_event,
    set_aside_reason
from facts

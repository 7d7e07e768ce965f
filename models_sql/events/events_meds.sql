{{ config(enabled=makes_events('meds.data')) }}

with source as (
    select
        data.subject_id,
        data.time,
        data.occurred_at,
        data.code,
        data.numeric_value,
        data.text_value,
        data.unit,
        data.hadm_id,
        data.stay_id,
        data.source_table,
        data.source_key,
        data.row_key,
        data.unreadable_columns,
        coalesce(codes.event_kind, 'meds') as told_kind
    from {{ ref('stg_meds__data') }} as data
    left join {{ ref('meds_codes') }} as codes
        on data.code = codes.code and data.event_kind is not distinct from codes.given_kind
),

facts as (
    select
        source.subject_id,
        source.time,
        source.occurred_at,
        source.code,
        source.numeric_value,
        source.text_value,
        source.unit,
        source.hadm_id,
        source.stay_id,
        source.source_table,
        source.source_key,
        source.unreadable_columns,
        -- Without a time a fact of the person is static; what takes place in time, as a laboratory result does, has lost its time.
        case when source.time is null and source.told_kind in ('demographic', 'meds') then 'static' else source.told_kind end as event_kind,
        (source.told_kind = 'birth' and source.row_key <> people.birth_row_key)
        or (source.told_kind = 'death' and source.row_key <> people.death_row_key) as is_copy
    from source
    left join {{ ref('meds_patients') }} as people on source.subject_id = people.subject_id
)

-- A static fact has no time, however the dataset dates it (sex at birth, say).
select
    subject_id,
    case when event_kind <> 'static' then time end as time,
    case when event_kind = 'static' then coalesce(occurred_at, time) else occurred_at end as occurred_at,
    coalesce(code, 'UNK') as code,
    numeric_value,
    text_value,
    unit,
    hadm_id,
    stay_id,
    source_table,
    source_key,
    event_kind,
    true as is_row_event,
    {{ set_aside_reason([
        ["nullif(trim(code), '') is null", "no code"],
        ["time is null and event_kind <> 'static'", "no time"],
        ["is_copy", "duplicate key"],
    ]) }} as set_aside_reason
from facts

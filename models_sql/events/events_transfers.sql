{{ config(enabled=makes_events('hosp.transfers')) }}

with source as (
    select
        transfers.subject_id,
        transfers.hadm_id,
        transfers.transfer_id,
        transfers.eventtype,
        transfers.careunit,
        transfers.intime,
        transfers.unreadable_columns,
        admission_times.admitted_at,
        admission_times.discharged_at
    from {{ ref('stg_hosp__transfers') }} as transfers
    left join {{ ref('admission_times') }} as admission_times
        on transfers.hadm_id = admission_times.hadm_id and transfers.subject_id = admission_times.subject_id
)

-- Every visit to the emergency department has its row. All other rows are of patients who were admitted: before the admission they
-- would announce it, as that of the discharge lounge does, and the row of the discharge would announce the discharge.
select
    subject_id,
    case
        when intime is null or eventtype = 'ED' then intime
        when eventtype = 'discharge' then greatest(intime, discharged_at)
        else greatest(intime, admitted_at)
    end as time,
    intime as occurred_at,
    'TRANSFER_TO//' || {{ code_part('eventtype') }} || '//' || {{ code_part('careunit') }} as code,
    cast(null as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.transfers' as source_table,
    cast(transfer_id as text) as source_key,
    'transfer' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([["intime is null", "no time"]]) }} as set_aside_reason
from source

{% set is_copy = ["copy_number > 1", "duplicate key"] %}

with source as (
    select
        admissions.subject_id,
        admissions.hadm_id,
        admissions.admittime,
        admissions.dischtime,
        admissions.admission_type,
        admissions.admission_location,
        admissions.discharge_location,
        admissions.marital_status,
        admissions.race,
        admissions.edregtime,
        admissions.edouttime,
        admissions.unreadable_columns,
        admission_times.discharged_at,
        {{ copy_number(
            ['admissions.hadm_id'],
            ['admissions.subject_id', 'admissions.admittime', 'admissions.dischtime', 'admissions.deathtime']
        ) }} as copy_number
    from {{ ref('stg_hosp__admissions') }} as admissions
    left join {{ ref('admission_times') }} as admission_times on admissions.hadm_id = admission_times.hadm_id
),

facts as (
    select
        subject_id,
        hadm_id,
        admittime as time,
        admittime as occurred_at,
        'HOSPITAL_ADMISSION//' || {{ code_part('admission_type') }} || '//' || {{ code_part('admission_location') }} as code,
        'hospital_admission' as event_kind,
        true as is_row_event,
        {{ set_aside_reason([is_copy, ["admittime is null", "no time"]]) }} as set_aside_reason
    from source

    union all

    select
        subject_id, hadm_id, admittime as time, admittime as occurred_at,
        'RACE//' || {{ code_part('race') }}, 'demographic', false,
        {{ set_aside_reason([is_copy, ["admittime is null", "no time"]]) }}
    from source

    union all

    select
        subject_id, hadm_id, admittime as time, admittime as occurred_at,
        'MARITAL_STATUS//' || {{ code_part('marital_status') }}, 'demographic', false,
        {{ set_aside_reason([is_copy, ["admittime is null", "no time"]]) }}
    from source

    union all

    -- Of all visits to the emergency department only those that led to an admission have a row here: before the admission, a
    -- registration would announce it.
    select
        subject_id, hadm_id, greatest(edregtime, admittime) as time, edregtime as occurred_at,
        'ED_REGISTRATION', 'ed_registration', false, {{ set_aside_reason([is_copy]) }}
    from source
    where edregtime is not null

    union all

    select
        subject_id, hadm_id, greatest(edouttime, admittime) as time, edouttime as occurred_at,
        'ED_OUT', 'ed_out', false, {{ set_aside_reason([is_copy]) }}
    from source
    where edouttime is not null

    union all

    select
        subject_id, hadm_id, discharged_at, dischtime,
        'HOSPITAL_DISCHARGE//' || {{ code_part('discharge_location') }}, 'hospital_discharge', false,
        {{ set_aside_reason([is_copy, ["discharged_at is null", "no time"]]) }}
    from source
)

select
    subject_id,
    time,
    occurred_at,
    code,
    cast(null as double) as numeric_value,
    cast(null as text) as text_value,
    cast(null as text) as unit,
    hadm_id,
    cast(null as bigint) as stay_id,
    'hosp.admissions' as source_table,
    cast(hadm_id as text) as source_key,
    event_kind,
    is_row_event,
    set_aside_reason
from facts

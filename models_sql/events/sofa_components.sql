{{ config(enabled=makes_events('sofa'), materialized='table') }}

-- The six components of the SOFA score of each first ICU day, as the MIT concepts define them. A component of which nothing was
-- measured has 0 points and says so.

{% set invasive_modes = [
    '(S) CMV', 'APRV', 'APRV/Biphasic+ApnPress', 'APRV/Biphasic+ApnVol', 'APV (cmv)', 'APV (simv)', 'ASV', 'Ambient',
    'Apnea Ventilation', 'CMV', 'CMV/ASSIST', 'CMV/ASSIST/AutoFlow', 'CMV/AutoFlow', 'CPAP/PPS', 'CPAP/PSV+Apn TCPL',
    'CPAP/PSV+ApnPres', 'CPAP/PSV+ApnVol', 'MMV', 'MMV/AutoFlow', 'MMV/PSV', 'MMV/PSV/AutoFlow', 'P-CMV', 'P-SIMV', 'PCV+',
    'PCV+/PSV', 'PCV+Assist', 'PRES/AC', 'PRVC/AC', 'PRVC/SIMV', 'PSV/SBT', 'SIMV', 'SIMV/AutoFlow', 'SIMV/PRES', 'SIMV/PSV',
    'SIMV/PSV/AutoFlow', 'SIMV/VOL', 'SYNCHRON MASTER', 'SYNCHRON SLAVE', 'VOL/AC', 'VS',
] %}
{% set known_modes = invasive_modes + ['DuoPaP', 'NIV', 'NIV-ST'] %}

with facts as (
    select
        stay_id,
        occurred_at,
        measurement,
        specimen_id,
        text_value,
        case
            -- An inspired share of oxygen is typed as a share or in per cent; between the two it is a flow in litres.
            when measurement in ('fio2', 'fio2_charted') and number > 0.2 and number <= 1 then number * 100
            when measurement in ('fio2', 'fio2_charted') and not number between 20 and 100 then null
            when measurement in ('platelets', 'bilirubin', 'creatinine', 'pao2') and number <= 0 then null
            when measurement = 'creatinine' and number > 150 then null
            when measurement like 'mean_pressure%' and (number <= 0 or number >= 300) then null
            else number
        end as number
    from {{ ref('sofa_facts') }}
),

-- Arterial blood gases. The share of oxygen is that of the specimen, else the last one charted within four hours before.
gases as (
    select
        stay_id,
        specimen_id,
        max(occurred_at) as drawn_at,
        max(case when measurement = 'pao2' then number end) as pao2,
        max(case when measurement = 'fio2' then number end) as fio2
    from facts
    where measurement in ('specimen_type', 'pao2', 'fio2') and specimen_id is not null
    group by stay_id, specimen_id
    having max(case when measurement = 'specimen_type' then text_value end) = 'ART.'
),

gases_with_oxygen as (
    select
        gases.stay_id,
        gases.specimen_id,
        gases.drawn_at,
        gases.pao2,
        coalesce(gases.fio2, charted.number) as fio2,
        row_number() over (
            partition by gases.stay_id, gases.specimen_id
            order by charted.occurred_at desc nulls last, charted.number desc nulls last
        ) as nearness
    from gases
    left join facts as charted
        on
            gases.stay_id = charted.stay_id
            and charted.measurement = 'fio2_charted'
            and charted.number is not null
            and charted.occurred_at between gases.drawn_at - interval '4 hours' and gases.drawn_at
),

-- How the patient breathed whenever it was charted: a tracheostomy comes before a tube, as in the MIT concepts.
breathing as (
    select
        stay_id,
        occurred_at,
        max(case when measurement = 'oxygen_device' and text_value in ('Tracheostomy tube', 'Trach mask') then 1 else 0 end) as has_stoma,
        max(
            case
                when measurement = 'oxygen_device' and text_value = 'Endotracheal tube' then 1
                when measurement like 'ventilator_mode%' and text_value in ({{ text_list(invasive_modes) }}) then 1
                else 0
            end
        ) as has_tube
    from facts
    where
        -- A T-piece says nothing of what drives the breath.
        (measurement = 'oxygen_device' and text_value not in ('T-piece', 'Other'))
        or (measurement like 'ventilator_mode%' and text_value in ({{ text_list(known_modes) }}))
    group by stay_id, occurred_at
),

-- A gas is ventilated where the last charting before it says so; after 14 hours of silence it says nothing any more.
gases_with_breathing as (
    select
        gases.stay_id,
        100 * gases.pao2 / gases.fio2 as ratio,
        coalesce(breathing.has_tube = 1 and breathing.has_stoma = 0, false) as is_ventilated,
        row_number() over (
            partition by gases.stay_id, gases.specimen_id
            order by breathing.occurred_at desc nulls last
        ) as nearness
    from gases_with_oxygen as gases
    left join breathing
        on
            gases.stay_id = breathing.stay_id
            and gases.drawn_at >= breathing.occurred_at
            and gases.drawn_at < breathing.occurred_at + interval '14 hours'
    where gases.nearness = 1
),

oxygenation as (
    select
        stay_id,
        min(case when is_ventilated then ratio end) as ventilated_ratio,
        min(case when not is_ventilated then ratio end) as unventilated_ratio
    from gases_with_breathing
    where nearness = 1
    group by stay_id
),

-- The mean of the pressures of one minute counts as one pressure.
pressures as (
    select stay_id, occurred_at, avg(number) as mean_pressure
    from facts
    where measurement like 'mean_pressure%'
    group by stay_id, occurred_at
),

circulation as (
    select stay_id, min(mean_pressure) as mean_pressure
    from pressures
    group by stay_id
),

-- The coma scale: a patient who cannot speak for a tube counts as awake (verbal 0 stands for the tube); a part that was not charted
-- is taken from the charting before it if that is less than six hours old, else as normal.
coma_parts as (
    select
        stay_id,
        occurred_at,
        max(case when measurement = 'gcs_motor' then number end) as motor,
        max(
            case
                when measurement = 'gcs_verbal' and text_value = 'No Response-ETT' then 0
                when measurement = 'gcs_verbal' then number
            end
        ) as verbal,
        max(case when measurement = 'gcs_eyes' then number end) as eyes
    from facts
    where measurement in ('gcs_motor', 'gcs_verbal', 'gcs_eyes')
    group by stay_id, occurred_at
),

coma_sequence as (
    select
        stay_id,
        motor,
        verbal,
        eyes,
        lag(occurred_at) over (partition by stay_id order by occurred_at asc nulls last)
        > occurred_at - interval '6 hours' as is_recent,
        lag(motor) over (partition by stay_id order by occurred_at asc nulls last) as last_motor,
        lag(verbal) over (partition by stay_id order by occurred_at asc nulls last) as last_verbal,
        lag(eyes) over (partition by stay_id order by occurred_at asc nulls last) as last_eyes
    from coma_parts
),

coma_scores as (
    select
        stay_id,
        case
            when verbal = 0 or (verbal is null and is_recent and last_verbal = 0) then 15
            -- What was charted with the tube in place says nothing of the patient without it.
            when is_recent and last_verbal = 0 then coalesce(motor, 6) + coalesce(verbal, 5) + coalesce(eyes, 4)
            else
                coalesce(motor, case when is_recent then last_motor end, 6)
                + coalesce(verbal, case when is_recent then last_verbal end, 5)
                + coalesce(eyes, case when is_recent then last_eyes end, 4)
        end as coma_scale
    from coma_sequence
),

consciousness as (
    select stay_id, min(coma_scale) as coma_scale
    from coma_scores
    group by stay_id
),

extremes as (
    select
        stay_id,
        min(case when measurement = 'platelets' then number end) as platelets,
        max(case when measurement = 'bilirubin' then number end) as bilirubin,
        max(case when measurement = 'creatinine' then number end) as creatinine,
        {% for drug in ['norepinephrine', 'epinephrine', 'dopamine', 'dobutamine'] -%}
        max(case when measurement = '{{ drug }}' then number end) as {{ drug }},
        {% endfor -%}
        sum(case when measurement = 'urine' then try_cast(number as decimal(18, 3)) end) as urine
    from facts
    group by stay_id
),

measured as (
    select
        windows.subject_id,
        windows.hadm_id,
        windows.stay_id,
        windows.started_at,
        windows.closes_at,
        oxygenation.ventilated_ratio,
        oxygenation.unventilated_ratio,
        extremes.platelets,
        extremes.bilirubin,
        circulation.mean_pressure,
        extremes.norepinephrine,
        extremes.epinephrine,
        extremes.dopamine,
        extremes.dobutamine,
        consciousness.coma_scale,
        extremes.creatinine,
        -- A window cut short by the end of the stay is brought to a whole day.
        cast(extremes.urine as double) * 86400
        / nullif({{ seconds_between('windows.started_at', 'windows.closes_at') }}, 0) as urine_per_day
    from {{ ref('sofa_windows') }} as windows
    left join oxygenation on windows.stay_id = oxygenation.stay_id
    left join extremes on windows.stay_id = extremes.stay_id
    left join circulation on windows.stay_id = circulation.stay_id
    left join consciousness on windows.stay_id = consciousness.stay_id
),

scored as (
    select
        subject_id,
        hadm_id,
        stay_id,
        started_at,
        closes_at,
        case
            when ventilated_ratio < 100 then 4
            when ventilated_ratio < 200 then 3
            when least(ventilated_ratio, unventilated_ratio) < 300 then 2
            when least(ventilated_ratio, unventilated_ratio) < 400 then 1
            when coalesce(ventilated_ratio, unventilated_ratio) is not null then 0
        end as respiration,
        case
            when platelets < 20 then 4
            when platelets < 50 then 3
            when platelets < 100 then 2
            when platelets < 150 then 1
            when platelets is not null then 0
        end as coagulation,
        case
            when bilirubin >= 12 then 4
            when bilirubin >= 6 then 3
            when bilirubin >= 2 then 2
            when bilirubin >= 1.2 then 1
            when bilirubin is not null then 0
        end as liver,
        case
            when dopamine > 15 or epinephrine > 0.1 or norepinephrine > 0.1 then 4
            when dopamine > 5 or epinephrine > 0 or norepinephrine > 0 then 3
            when dopamine > 0 or dobutamine > 0 then 2
            when mean_pressure < 70 then 1
            when coalesce(mean_pressure, dopamine, dobutamine, epinephrine, norepinephrine) is not null then 0
        end as cardiovascular,
        case
            when coma_scale < 6 then 4
            when coma_scale < 10 then 3
            when coma_scale < 13 then 2
            when coma_scale < 15 then 1
            when coma_scale is not null then 0
        end as nervous_system,
        case
            when creatinine >= 5 or urine_per_day < 200 then 4
            when creatinine >= 3.5 or urine_per_day < 500 then 3
            when creatinine >= 2 then 2
            when creatinine >= 1.2 then 1
            when coalesce(creatinine, urine_per_day) is not null then 0
        end as renal
    from measured
)

{% set components = ['respiration', 'coagulation', 'liver', 'cardiovascular', 'nervous_system', 'renal'] %}
select
    subject_id,
    hadm_id,
    stay_id,
    started_at,
    closes_at,
    {% for component in components -%}
    coalesce({{ component }}, 0) as {{ component }},
    {{ component }} is null as {{ component }}_is_missing,
    {% endfor -%}
    coalesce({{ components | join(', 0) + coalesce(') }}, 0) as sofa,
    coalesce({{ components | join(', ') }}) is null as is_without_facts
from scored

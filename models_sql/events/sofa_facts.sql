{{ config(enabled=makes_events('sofa'), materialized='table') }}

-- All that was known of each first ICU day when it was over, of the items that the score is computed from: one pass over each raw
-- table. A fact stored after the window does not count, however early it was measured.

-- Of hosp.labevents.
{% set laboratory_items = {
    'specimen_type': 52033,
    'pao2': 50821,
    'fio2': 50816,
    'platelets': 51265,
    'bilirubin': 50885,
    'creatinine': 50912,
} %}
-- Of icu.chartevents: GCS - Eye Opening, Verbal Response, Motor Response; Arterial Blood Pressure mean, Non Invasive Blood Pressure
-- mean, ART BP Mean; Inspired O2 Fraction; Ventilator Mode, Ventilator Mode (Hamilton); O2 Delivery Device(s).
{% set charted_items = {
    'gcs_eyes': 220739,
    'gcs_verbal': 223900,
    'gcs_motor': 223901,
    'mean_pressure_arterial': 220052,
    'mean_pressure_cuff': 220181,
    'mean_pressure_line': 225312,
    'fio2_charted': 223835,
    'ventilator_mode': 223849,
    'ventilator_mode_hamilton': 229314,
    'oxygen_device': 226732,
} %}
-- Of icu.inputevents.
{% set vasopressors = {
    'norepinephrine': 221906,
    'epinephrine': 221289,
    'dopamine': 221662,
    'dobutamine': 221653,
} %}
-- Of icu.outputevents: Foley, Void, Condom Cath, Ileoconduit, Suprapubic, R Nephrostomy, L Nephrostomy, Straight Cath,
-- R Ureteral Stent, L Ureteral Stent, GU Irrigant/Urine Volume Out, and GU Irrigant Volume In, which is taken off again.
{% set irrigant_in = 227488 %}
{% set urine = [226559, 226560, 226561, 226584, 226563, 226564, 226565, 226567, 226557, 226558, 227489, irrigant_in] %}

select
    windows.subject_id,
    windows.stay_id,
    labs.charttime as occurred_at,
    {{ item_name(laboratory_items, 'labs.itemid') }} as measurement,
    labs.specimen_id,
    labs.valuenum as number,
    trim(labs.value) as text_value
from {{ ref('stg_hosp__labevents') }} as labs
inner join {{ ref('sofa_windows') }} as windows
    on
        labs.subject_id = windows.subject_id
        and labs.charttime >= windows.opens_at
        and greatest(labs.charttime, labs.storetime) <= windows.closes_at
where labs.itemid in ({{ laboratory_items.values() | join(', ') }}) and labs.unreadable_columns is null

union all

select
    windows.subject_id,
    windows.stay_id,
    charted.charttime,
    {{ item_name(charted_items, 'charted.itemid') }},
    null,
    charted.valuenum,
    trim(charted.value)
from {{ ref('stg_icu__chartevents') }} as charted
inner join {{ ref('sofa_windows') }} as windows
    on
        charted.stay_id = windows.stay_id
        and charted.charttime >= windows.opens_at
        and greatest(charted.charttime, charted.storetime) <= windows.closes_at
where charted.itemid in ({{ charted_items.values() | join(', ') }}) and charted.unreadable_columns is null

union all

-- Rates in mcg/kg/min; one in mg/kg/min of a patient who weighs 1 kg is in truth in mcg/kg/min.
select
    windows.subject_id,
    windows.stay_id,
    inputs.starttime,
    {{ item_name(vasopressors, 'inputs.itemid') }},
    null,
    case
        when inputs.rateuom = 'mcg/kg/min' or (inputs.rateuom = 'mg/kg/min' and inputs.patientweight = 1) then inputs.rate
        when inputs.rateuom = 'mg/kg/min' then inputs.rate * 1000
        when inputs.rateuom = 'mcg/min' then inputs.rate / nullif(inputs.patientweight, 0)
    end,
    null
from {{ ref('stg_icu__inputevents') }} as inputs
inner join {{ ref('sofa_windows') }} as windows
    on
        inputs.stay_id = windows.stay_id
        and inputs.starttime >= windows.opens_at
        and greatest(inputs.starttime, inputs.storetime) <= windows.closes_at
where
    inputs.itemid in ({{ vasopressors.values() | join(', ') }})
    and inputs.unreadable_columns is null
    and coalesce(inputs.statusdescription, '') != 'Rewritten'

union all

-- Urine counts from the start of the stay.
select
    windows.subject_id,
    windows.stay_id,
    outputs.charttime,
    'urine',
    null,
    case when outputs.itemid = {{ irrigant_in }} then -abs(outputs.value) else outputs.value end,
    null
from {{ ref('stg_icu__outputevents') }} as outputs
inner join {{ ref('sofa_windows') }} as windows
    on
        outputs.stay_id = windows.stay_id
        and outputs.charttime >= windows.started_at
        and greatest(outputs.charttime, outputs.storetime) <= windows.closes_at
where outputs.itemid in ({{ urine | join(', ') }}) and outputs.unreadable_columns is null

{#
    What is measured in the emergency department. triage and vitalsign have one column for each, and are made into one event
    for each that is there.
#}

{# The vital signs that are numbers, with the least and the most that can be one: what lies beyond is a slip of the pen. #}
{% macro ed_vital_signs() %}
    {{ return([
        {'column': 'temperature', 'kind': 'ed_vital', 'code': 'ED_VITAL//TEMPERATURE', 'unit': 'F', 'least': 77, 'most': 113},
        {'column': 'heartrate', 'kind': 'ed_vital', 'code': 'ED_VITAL//HEART_RATE', 'unit': 'bpm', 'least': 1, 'most': 300},
        {'column': 'resprate', 'kind': 'ed_vital', 'code': 'ED_VITAL//RESPIRATORY_RATE', 'unit': 'insp/min', 'least': 1, 'most': 70},
        {'column': 'o2sat', 'kind': 'ed_vital', 'code': 'ED_VITAL//OXYGEN_SATURATION', 'unit': '%', 'least': 1, 'most': 100},
        {'column': 'sbp', 'kind': 'ed_vital', 'code': 'ED_VITAL//SYSTOLIC_BLOOD_PRESSURE', 'unit': 'mmHg', 'least': 1, 'most': 400},
        {'column': 'dbp', 'kind': 'ed_vital', 'code': 'ED_VITAL//DIASTOLIC_BLOOD_PRESSURE', 'unit': 'mmHg', 'least': 1, 'most': 300},
    ]) }}
{% endmacro %}

{# A temperature in degrees Fahrenheit; one that can only be in degrees Celsius is converted, to the decimal it is written with. #}
{% macro in_fahrenheit(temperature) -%}
    case when {{ temperature }} between 25 and 45 then round({{ temperature }} * 1.8 + 32, 1) else {{ temperature }} end
{%- endmacro %}

{# Pain as a number from 0 to 10, also where it is written 8/10; NULL for words and for what the scale does not have. #}
{% macro pain_score(pain) -%}
    case
        when try_cast(replace(trim({{ pain }}), '/10', '') as double) between 0 and 10
            then try_cast(replace(trim({{ pain }}), '/10', '') as double)
    end
{%- endmacro %}

{#
    The place, from 1, of the measurement by which the ledger counts the row: the first that can be used, else the first that is
    there, and 0 where nothing was measured.
#}
{% macro row_measurement(measurements) -%}
    coalesce(
        case
            {%- for measurement in measurements %}
            when {{ is_plausible(measurement) }} then {{ loop.index }}
            {%- endfor %}
        end,
        case
            {%- for measurement in measurements %}
            when {{ measurement.column }} is not null then {{ loop.index }}
            {%- endfor %}
        end,
        0
    )
{%- endmacro %}

{# Whether a measurement is there and can be one. #}
{% macro is_plausible(measurement) -%}
    {%- if measurement.least is defined -%}
    {{ measurement.column }} between {{ measurement.least }} and {{ measurement.most }}
    {%- else -%}
    {{ measurement.column }} is not null
    {%- endif -%}
{%- endmacro %}

{#
    One row per measurement that is there, and one for a row of nothing, from a CTE `source` with subject_id, stay_id, time,
    row_measurement, unreadable_columns and a column for each measurement. `rules` say which rows make no event at all.
#}
{% macro measurement_facts(measurements, rules) -%}
    {%- for measurement in measurements %}
    select
        subject_id,
        stay_id,
        time,
        '{{ measurement.code }}' as code,
        cast({{ measurement.number or ('null' if measurement.is_text else measurement.column) }} as double) as numeric_value,
        {%- if measurement.number %}
        case when {{ measurement.number }} is null then {{ measurement.column }} end as text_value,
        {%- else %}
        cast({{ measurement.column if measurement.is_text else 'null' }} as text) as text_value,
        {%- endif %}
        cast({{ "'" ~ measurement.unit ~ "'" if measurement.unit else 'null' }} as text) as unit,
        '{{ measurement.kind }}' as event_kind,
        row_measurement = {{ loop.index }} as is_row_event,
        {{ set_aside_reason(rules + [["not (" ~ is_plausible(measurement) ~ ")", "implausible value"]]) }} as set_aside_reason
    from source
    where {{ measurement.column }} is not null

    union all
    {% endfor %}
    select
        subject_id, stay_id, time, '{{ measurements[0].code }}', null, null, null, '{{ measurements[0].kind }}', true,
        {{ set_aside_reason(rules + [["true", "nothing measured"]]) }}
    from source
    where row_measurement = 0
{%- endmacro %}

{#
    Which sources are on: those of the preset, unless the var `sources` says otherwise. warehouse/switches.py says the same to Python;
    a test holds the two together.
#}

{# Whether the rows of a raw table, or the score `sofa`, become events. #}
{% macro makes_events(source) %}
    {% if var('preset') not in var('presets') %}
        {{ exceptions.raise_compiler_error("preset is " ~ var('preset') ~ "; it takes " ~ var('presets') | join(' or ')) }}
    {% endif %}
    {% set switches = var('sources') %}
    {# A score without one of its tables would be another score. #}
    {% set broken = namespace(by_switch=false) %}
    {% for table in var('sofa_tables') if source == 'sofa' and switches.get(table) is false %}{% set broken.by_switch = true %}{% endfor %}
    {{ return(not broken.by_switch and switches.get(source, source in var('presets')[var('preset')])) }}
{% endmacro %}

{# Whether a raw table is landed: for its events, for the score that is computed from it, or for the times of another table. #}
{% macro is_landed(table) %}
    {{ return(makes_events(table) or (table in var('sofa_tables') and makes_events('sofa')) or gives_times(table)) }}
{% endmacro %}

{# Whether a table that makes events has its times in this one. #}
{% macro gives_times(table) %}
    {% set asked = namespace(by_any=false) %}
    {% for timed, clock in var('clocks').items() if clock == table and makes_events(timed) %}{% set asked.by_any = true %}{% endfor %}
    {{ return(asked.by_any) }}
{% endmacro %}

{# The events model of each source: of the raw tables, and of the score, which is computed from several of them. #}
{% macro event_sources() %}
    {{ return({
        'hosp.patients': 'events_patients',
        'hosp.admissions': 'events_admissions',
        'hosp.transfers': 'events_transfers',
        'hosp.services': 'events_services',
        'hosp.labevents': 'events_labevents',
        'hosp.prescriptions': 'events_prescriptions',
        'hosp.emar': 'events_emar',
        'hosp.diagnoses_icd': 'events_diagnoses_icd',
        'hosp.procedures_icd': 'events_procedures_icd',
        'hosp.drgcodes': 'events_drgcodes',
        'hosp.omr': 'events_omr',
        'icu.icustays': 'events_icustays',
        'hosp.microbiologyevents': 'events_microbiologyevents',
        'hosp.emar_detail': 'events_emar_detail',
        'hosp.hcpcsevents': 'events_hcpcsevents',
        'ed.edstays': 'events_edstays',
        'ed.triage': 'events_triage',
        'ed.vitalsign': 'events_vitalsign',
        'ed.pyxis': 'events_pyxis',
        'ed.medrecon': 'events_medrecon',
        'ed.diagnosis': 'events_ed_diagnosis',
        'icu.chartevents': 'events_chartevents',
        'icu.inputevents': 'events_inputevents',
        'icu.ingredientevents': 'events_ingredientevents',
        'icu.outputevents': 'events_outputevents',
        'icu.procedureevents': 'events_procedureevents',
        'sofa': 'events_sofa',
        'meds.data': 'events_meds',
    }) }}
{% endmacro %}

{# The staging model of a raw table. #}
{% macro staging_model(table) %}{{ return('stg_' ~ table | replace('.', '__')) }}{% endmacro %}

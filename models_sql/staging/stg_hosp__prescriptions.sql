{{ config(enabled=is_landed('hosp.prescriptions')) }}

{{ land_raw_table('hosp', 'prescriptions') }}

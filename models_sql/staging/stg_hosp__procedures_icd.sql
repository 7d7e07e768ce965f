{{ config(enabled=is_landed('hosp.procedures_icd')) }}

{{ land_raw_table('hosp', 'procedures_icd') }}

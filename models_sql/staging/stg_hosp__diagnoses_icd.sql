{{ config(enabled=is_landed('hosp.diagnoses_icd')) }}

{{ land_raw_table('hosp', 'diagnoses_icd') }}

{{ land_raw_table('hosp', 'diagnoses_icd') }}

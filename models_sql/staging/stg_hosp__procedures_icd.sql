{{ land_raw_table('hosp', 'procedures_icd') }}

{{ land_raw_table('hosp', 'd_icd_diagnoses') }}

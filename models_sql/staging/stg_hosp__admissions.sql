{{ land_raw_table('hosp', 'admissions') }}

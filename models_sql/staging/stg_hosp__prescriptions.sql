{{ land_raw_table('hosp', 'prescriptions') }}

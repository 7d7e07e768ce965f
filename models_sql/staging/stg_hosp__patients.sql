{{ land_raw_table('hosp', 'patients') }}

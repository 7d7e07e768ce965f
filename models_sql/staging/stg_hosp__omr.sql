{{ land_raw_table('hosp', 'omr') }}

{{ land_raw_table('hosp', 'emar') }}

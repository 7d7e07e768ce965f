{{ land_raw_table('hosp', 'services') }}

{{ land_raw_table('hosp', 'transfers') }}

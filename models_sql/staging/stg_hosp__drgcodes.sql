{{ land_raw_table('hosp', 'drgcodes') }}

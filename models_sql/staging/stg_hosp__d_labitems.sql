{{ land_raw_table('hosp', 'd_labitems') }}

{{ land_raw_table('hosp', 'labevents') }}

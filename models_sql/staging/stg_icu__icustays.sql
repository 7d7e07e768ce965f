{{ land_raw_table('icu', 'icustays') }}

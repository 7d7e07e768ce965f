{{ land_raw_table('icu', 'd_items') }}

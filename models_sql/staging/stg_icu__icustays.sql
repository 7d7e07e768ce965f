{{ config(enabled=is_landed('icu.icustays')) }}

{{ land_raw_table('icu', 'icustays') }}

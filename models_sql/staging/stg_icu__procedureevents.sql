{{ config(enabled=is_landed('icu.procedureevents')) }}

{{ land_raw_table('icu', 'procedureevents') }}

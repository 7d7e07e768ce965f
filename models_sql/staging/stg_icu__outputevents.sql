{{ config(enabled=is_landed('icu.outputevents')) }}

{{ land_raw_table('icu', 'outputevents') }}

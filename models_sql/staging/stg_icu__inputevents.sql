{{ config(enabled=is_landed('icu.inputevents')) }}

{{ land_raw_table('icu', 'inputevents') }}

{{ config(enabled=is_landed('icu.chartevents')) }}

{{ land_raw_table('icu', 'chartevents') }}

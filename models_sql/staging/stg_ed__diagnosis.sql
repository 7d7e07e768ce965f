{{ config(enabled=is_landed('ed.diagnosis')) }}

{{ land_raw_table('ed', 'diagnosis') }}

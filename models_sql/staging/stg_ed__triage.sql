{{ config(enabled=is_landed('ed.triage')) }}

{{ land_raw_table('ed', 'triage') }}

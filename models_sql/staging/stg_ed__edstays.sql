{{ config(enabled=is_landed('ed.edstays')) }}

{{ land_raw_table('ed', 'edstays') }}

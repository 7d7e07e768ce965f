{{ config(enabled=is_landed('ed.vitalsign')) }}

{{ land_raw_table('ed', 'vitalsign') }}

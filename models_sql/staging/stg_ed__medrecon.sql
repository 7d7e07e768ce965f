{{ config(enabled=is_landed('ed.medrecon')) }}

{{ land_raw_table('ed', 'medrecon') }}

{{ config(enabled=is_landed('hosp.emar')) }}

{{ land_raw_table('hosp', 'emar') }}

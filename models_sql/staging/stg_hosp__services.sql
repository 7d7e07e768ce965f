{{ config(enabled=is_landed('hosp.services')) }}

{{ land_raw_table('hosp', 'services') }}

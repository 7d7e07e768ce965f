{{ config(enabled=is_landed('hosp.emar_detail')) }}

{{ land_raw_table('hosp', 'emar_detail') }}

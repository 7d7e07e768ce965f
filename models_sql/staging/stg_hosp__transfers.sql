{{ config(enabled=is_landed('hosp.transfers')) }}

{{ land_raw_table('hosp', 'transfers') }}

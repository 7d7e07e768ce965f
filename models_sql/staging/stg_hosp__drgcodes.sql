{{ config(enabled=is_landed('hosp.drgcodes')) }}

{{ land_raw_table('hosp', 'drgcodes') }}

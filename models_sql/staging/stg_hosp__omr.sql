{{ config(enabled=is_landed('hosp.omr')) }}

{{ land_raw_table('hosp', 'omr') }}

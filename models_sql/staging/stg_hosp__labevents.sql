{{ config(enabled=is_landed('hosp.labevents')) }}

{{ land_raw_table('hosp', 'labevents') }}

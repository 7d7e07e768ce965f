{{ config(enabled=is_landed('hosp.microbiologyevents')) }}

{{ land_raw_table('hosp', 'microbiologyevents') }}

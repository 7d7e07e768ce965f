{{ config(enabled=is_landed('hosp.hcpcsevents')) }}

{{ land_raw_table('hosp', 'hcpcsevents') }}

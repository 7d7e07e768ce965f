{{ config(enabled=makes_events('meds.data')) }}

select subject_id, split
from {{ source('meds', 'subject_splits') }}

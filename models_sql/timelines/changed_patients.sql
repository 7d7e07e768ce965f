{{ config(
    database='scratch',
    schema='events',
    post_hook={'sql': '{{ decide_what_to_sort() }}', 'transaction': false}
) }}

{% set earlier = earlier_candidates() %}

-- The patients whose timelines an earlier build has not, or has from other rows or by other rules; those who are gone among them.
with built as (
    {% if earlier %}
    select subject_id, min(fingerprint) as fingerprint
    from {{ earlier }}
    where subject_id is not null
    group by subject_id
    {% else %}
    select cast(null as bigint) as subject_id, cast(null as bigint) as fingerprint
    where false
    {% endif %}
)

select coalesce(prints.subject_id, built.subject_id) as subject_id
from {{ ref('patient_fingerprints') }} as prints
full join built on prints.subject_id = built.subject_id
where prints.fingerprint is distinct from built.fingerprint

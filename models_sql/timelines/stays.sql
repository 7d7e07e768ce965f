-- Stays as their first and last events tell them, whichever source these come from. Where a source names no stay, an end belongs to
-- the latest beginning before it.
{% set kinds = [
    ('hospital', 'hospital_admission', 'hospital_discharge', 'hadm_id'),
    ('icu', 'icu_admission', 'icu_discharge', 'stay_id'),
    ('ed', 'ed_arrival', 'ed_departure', 'stay_id'),
] %}

with boundary_codes as (
    {% for kind, beginning, end, key in kinds %}
    select code_id, tie_order, '{{ kind }}' as kind, event_kind = '{{ beginning }}' as is_beginning, code
    from {{ ref('codes') }}
    where event_kind in ('{{ beginning }}', '{{ end }}')
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- An end that is written down after death stays out of the timeline, and still tells in which stay the patient died.
boundaries as (
    select
        events.subject_id,
        events.time,
        codes.tie_order,
        events.hadm_id,
        events.stay_id,
        codes.kind,
        codes.is_beginning,
        codes.code,
        case
            {%- for kind, beginning, end, key in kinds %}
            when codes.kind = '{{ kind }}' then events.{{ key }}
            {%- endfor %}
        end as source_stay
    from {{ ref('sorted_candidates') }} as events
    inner join boundary_codes as codes on events.code_id = codes.code_id
    where
        events.set_aside_reason is null
        or (events.set_aside_reason = 'administrative, after death' and not codes.is_beginning)
),

numbered as (
    select
        subject_id,
        time,
        hadm_id,
        stay_id,
        kind,
        is_beginning,
        code,
        source_stay,
        case
            when source_stay is null
                then sum(case when is_beginning and source_stay is null then 1 else 0 end) over (
                    partition by subject_id, kind
                    order by time asc nulls last, tie_order asc nulls last
                    rows between unbounded preceding and current row
                )
        end as nth_unnamed
    from boundaries
),

stays as (
    select
        subject_id,
        kind,
        source_stay,
        nth_unnamed,
        min(hadm_id) as hadm_id,
        min(stay_id) as stay_id,
        min(case when is_beginning then time end) as started_at,
        max(case when not is_beginning then time end) as written_end,
        min(case when is_beginning then code end) as first_code,
        min(case when not is_beginning then code end) as last_code
    from numbered
    group by subject_id, kind, source_stay, nth_unnamed
)

select
    stays.subject_id,
    stays.kind,
    stays.hadm_id,
    stays.stay_id,
    stays.started_at,
    case when patients.died_at < stays.written_end then patients.died_at else stays.written_end end as ended_at,
    nullif(split_part(stays.first_code, '//', 2), 'UNK') as began_as,
    nullif(nullif(split_part(stays.first_code, '//', 3), 'UNK'), '') as came_from,
    nullif(split_part(stays.last_code, '//', 2), 'UNK') as ended_as,
    case
        when patients.died_at is null then false
        when stays.started_at is null or stays.started_at > patients.died_at then false
        else patients.died_at <= stays.written_end
    end as died_in
from stays
inner join {{ ref('patients') }} as patients on stays.subject_id = patients.subject_id
order by
    stays.subject_id asc nulls last,
    stays.started_at asc nulls last,
    stays.kind asc nulls last,
    stays.source_stay asc nulls last,
    stays.nth_unnamed asc nulls last

-- Distinct codes with how often they occur. A code alone decides whether its events become tokens, so that the decision
-- is made here, once per code, and counts how many events it takes in or leaves out.
-- One code may stand in the dictionary once for each of its units: its events are counted under the first of these numbers.
with numbered as (
    select code_id, event_kind, code, min(code_id) over (partition by event_kind, code) as counted_as
    from {{ ref('codes') }}
),

of_patients as (
    select numbered.counted_as, events.subject_id, count(*) as n_events, count(events.numeric_value) as n_values
    from {{ ref('ordered_events') }} as events
    inner join numbered on events.code_id = numbered.code_id
    group by numbered.counted_as, events.subject_id
),

of_codes as (
    select
        of_patients.counted_as,
        sum(of_patients.n_events) as n_events,
        count(*) as n_patients,
        sum(case when patients.split = 'train' then of_patients.n_events else 0 end) as n_train_events,
        sum(case when patients.split = 'train' then of_patients.n_values else 0 end) as n_train_values
    from of_patients
    inner join {{ ref('patients') }} as patients on of_patients.subject_id = patients.subject_id
    group by of_patients.counted_as
),

counted as (
    select
        numbered.event_kind,
        numbered.code,
        of_codes.n_events,
        of_codes.n_patients,
        of_codes.n_train_events,
        of_codes.n_train_values
    from of_codes
    inner join numbered on of_codes.counted_as = numbered.code_id
),

lab_ranks as (
    select
        code,
        row_number() over (order by n_train_events desc nulls last, code asc nulls last) as code_rank
    from counted
    where event_kind = 'lab_result'
),

-- Of what is charted in intensive care, vital signs come first, then the commonest numbers.
charted_ranks as (
    select
        code,
        row_number() over (
            order by
                case when split_part(code, '//', 2) in ({{ text_list(var('vital_items')) }}) then 0 else 1 end asc nulls last,
                n_train_values desc nulls last,
                code asc nulls last
        ) as code_rank
    from counted
    where event_kind = 'charted' and n_train_values > 0
),

parsed as (
    select
        counted.event_kind,
        counted.code,
        counted.n_events,
        counted.n_patients,
        counted.n_train_events,
        counted.n_train_values,
        lab_ranks.code_rank as lab_rank,
        charted_ranks.code_rank as charted_rank,
        case when counted.event_kind = 'drug_administration' then split_part(counted.code, '//', 3) end as administration
    from counted
    left join lab_ranks on counted.event_kind = 'lab_result' and counted.code = lab_ranks.code
    left join charted_ranks on counted.event_kind = 'charted' and counted.code = charted_ranks.code
)

select
    event_kind,
    code,
    cast(n_events as bigint) as n_events,
    n_patients,
    cast(n_train_events as bigint) as n_train_events,
    cast(n_train_values as bigint) as n_train_values,
    case
        when event_kind in ('static', 'birth', 'demographic') then 'told by the static prefix'
        when event_kind = 'lab_specimen' then 'the preset keeps results, not specimens'
        when event_kind = 'lab_result' and lab_rank > {{ var('n_labs') }} then 'not among the commonest laboratory codes'
        when event_kind = 'lab_result' and n_train_events = 0 then 'not among the commonest laboratory codes'
        when event_kind = 'charted' and charted_rank is null then 'charted in words'
        when event_kind = 'charted' and charted_rank > {{ var('n_charted') }} then 'not among the commonest charted codes'
        when event_kind = 'micro_specimen' then 'the preset keeps results, not specimens'
        when event_kind = 'transfer' and code like 'TRANSFER_TO//discharge//%' then 'told by the discharge from hospital'
        when event_kind = 'drug_administration' and not {{ says_given('administration') }} then 'no drug was given'
    end as untokenised_reason
from parsed
order by event_kind asc nulls last, code asc nulls last

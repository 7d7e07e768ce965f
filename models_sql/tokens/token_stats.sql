{{ config(materialized='view') }}

{% set contexts = [512, 1024, 2048, 4096] %}

-- How long the timelines are as tokens, what they are made of, and what a context cuts off. It is a view because each build would
-- pay one more pass over all events for it; the pass stands once in the query.
with written_codes as (
    select codes.code_id, vocabulary.family, {{ list_length('codes.token_ids') }} as n_tokens
    from {{ ref_within('code_token_ids') }} as codes
    inner join {{ ref_within('vocabulary') }} as vocabulary on {{ list_item('codes.token_ids', 1) }} = vocabulary.token_id
),

-- All tokens of a code are of one family; a value and a gap have families of their own.
by_code_family as (
    select
        patients.split,
        events.subject_id,
        codes.family,
        count(*) as n_events,
        sum(codes.n_tokens) as n_tokens,
        sum(case when events.value_token like 'Q//%' then 1 else 0 end) as n_quantiles,
        sum(case when events.value_token not like 'Q//%' then 1 else 0 end) as n_texts,
        sum(case when events.n_interval_tokens > 0 then 1 else 0 end) as n_gaps,
        sum(events.n_interval_tokens) as n_intervals
    from {{ ref_within('event_tokens') }} as events
    inner join written_codes as codes on events.code_id = codes.code_id
    inner join {{ ref_within('patients') }} as patients on events.subject_id = patients.subject_id
    group by patients.split, events.subject_id, codes.family
),

by_patient as (
    select
        split,
        subject_id,
        sum(n_events) as n_events,
        sum(n_tokens + n_quantiles + n_texts + n_intervals) as n_tokens,
        sum(n_quantiles) as n_quantiles,
        sum(n_texts) as n_texts,
        sum(n_gaps) as n_gaps,
        sum(n_intervals) as n_intervals
    from by_code_family
    group by split, subject_id
),

by_family as (
    select split, family, n_events, n_tokens
    from by_code_family

    union all

    select split, 'quantile', n_quantiles as n_events, n_quantiles as n_tokens
    from by_patient

    union all

    select split, 'text_value', n_texts as n_events, n_texts as n_tokens
    from by_patient

    union all

    select split, 'time', n_gaps, n_intervals
    from by_patient

    union all

    select split, 'all', n_events, n_tokens
    from by_patient
),

families as (
    select split, family, count(*) as n_patients, sum(n_events) as n_events, sum(n_tokens) as n_tokens
    from by_family
    where n_tokens > 0
    group by split, family
),

-- The trainer's window opens with the static prefix and is predicted one token on.
prefix as (
    select max(slot) + 1 as n_static
    from {{ ref_within('static_prefix') }}
),

contexts as (
    {% for context in contexts %}
    select {{ context }} as context, {{ context }} + 1 - n_static as n_places
    from prefix
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

truncation as (
    select
        by_patient.split,
        contexts.context,
        avg(case when by_patient.n_tokens > contexts.n_places then 1.0 else 0.0 end) as share_of_patients,
        sum(greatest(by_patient.n_tokens - contexts.n_places, 0)) / cast(sum(by_patient.n_tokens) as double) as share_of_tokens
    from by_patient
    cross join contexts
    group by by_patient.split, contexts.context
),

lengths as (
    select
        split,
        avg(n_tokens) as mean,
        percentile_disc(0.5) within group (order by n_tokens) as median,
        percentile_disc(0.95) within group (order by n_tokens) as p95,
        max(n_tokens) as max
    from by_patient
    group by split
),

measures as (
    {% for measure in ['patients', 'events', 'tokens'] %}
    select split, '{{ measure }}' as measure, family as item, cast(n_{{ measure }} as double) as value
    from families

    union all
    {% endfor %}
    {% for figure in ['mean', 'median', 'p95', 'max'] %}
    select split, 'tokens_per_patient', '{{ figure }}', cast({{ figure }} as double)
    from lengths

    union all
    {% endfor %}
    {% for share in ['share_of_patients', 'share_of_tokens'] %}
    select split, '{{ share }}_beyond', cast(context as text), cast({{ share }} as double)
    from truncation
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select split, measure, item, value
from measures

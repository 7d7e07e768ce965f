-- Every token that the data can be written with, and the id it is written as. Counts are of the train split alone: a token that
-- train has seldom or never seen is written as its family's OTHER (a static one as UNKNOWN).
{% set families = [
    'special', 'static', 'time', 'admission', 'discharge', 'transfer', 'icu', 'service', 'lab', 'quantile', 'text_value', 'omr',
    'drug', 'diagnosis', 'procedure', 'drg', 'birth_death'
] %}
{% set open_families = {
    'admission': 'ADMISSION//OTHER', 'discharge': 'HOSPITAL_DISCHARGE//OTHER', 'transfer': 'TRANSFER_TO//OTHER', 'icu': 'ICU//OTHER',
    'service': 'SERVICE//OTHER', 'lab': 'LAB//OTHER', 'text_value': 'TEXT//OTHER', 'omr': 'OMR//OTHER', 'drug': 'DRUG//OTHER',
    'diagnosis': 'DIAGNOSIS//OTHER', 'procedure': 'PROCEDURE//OTHER', 'drg': 'DRG//OTHER'
} %}
{% set static_slots = ['SEX', 'MARITAL_STATUS', 'RACE', 'BMI', 'AGE', 'START_YEAR'] %}

{% set always = [('PAD', 'special'), ('Q//NONE', 'quantile'), ('DRUG_ORDER', 'drug'), ('MEDS_DEATH', 'birth_death')] %}
{% for slot in static_slots %}{% do always.append((slot ~ '//UNKNOWN', 'static')) %}{% endfor %}
{% for interval in var('time_intervals') %}{% do always.append(('TIME//' ~ interval.name, 'time')) %}{% endfor %}
{% for i in range(1, var('n_bins') + 1) %}{% do always.append(('Q//' ~ i, 'quantile')) %}{% endfor %}
{% for family, token in open_families.items() %}{% do always.append((token, family)) %}{% endfor %}

with always_there as (
    {%- for token, family in always %}
    select '{{ token }}' as token, '{{ family }}' as family
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Values and intervals are counted in one pass over the events; the few pairs are added up below.
counted_on_events as (
    select
        events.value_token,
        events.interval_token,
        sum(case when patients.split = 'train' then 1 else 0 end) as n_train_events,
        sum(case when patients.split = 'train' then events.n_interval_tokens else 0 end) as n_train_intervals
    from {{ ref('event_tokens') }} as events
    inner join {{ ref('patients') }} as patients on events.subject_id = patients.subject_id
    group by events.value_token, events.interval_token
),

in_the_data as (
    select token, family, n_train_events as n_train
    from {{ ref('code_tokens') }}

    union all

    select value_token, case when value_token like 'Q//%' then 'quantile' else 'text_value' end, n_train_events
    from counted_on_events
    where value_token is not null

    union all

    select interval_token, 'time', n_train_intervals
    from counted_on_events
    where interval_token is not null

    union all

    select prefix.token, 'static', case when patients.split = 'train' then 1 else 0 end
    from {{ ref('static_prefix_tokens') }} as prefix
    inner join {{ ref('patients') }} as patients on prefix.subject_id = patients.subject_id

    union all

    select token, family, 0
    from always_there

    union all

    -- The families of further sources have their OTHER where the sources are read.
    select distinct upper(family) || '//OTHER', family, 0
    from {{ ref('code_tokens') }}
    where family not in ({{ text_list(open_families) }}, 'birth_death')
),

counted as (
    select in_the_data.token, in_the_data.family, sum(in_the_data.n_train) as n_train
    from in_the_data
    group by in_the_data.token, in_the_data.family
),

written as (
    select
        counted.token,
        counted.family,
        counted.n_train,
        case
            when counted.n_train >= {{ var('min_token_count') }} or always_there.token is not null then counted.token
            when counted.token like '%//OTHER' then counted.token
            when counted.family = 'static' then split_part(counted.token, '//', 1) || '//UNKNOWN'
            {%- for family, token in open_families.items() %}
            when counted.family = '{{ family }}' then '{{ token }}'
            {%- endfor %}
            else upper(counted.family) || '//OTHER'
        end as written_as
    from counted
    left join always_there on counted.token = always_there.token
),

ids as (
    select
        token,
        row_number() over (
            order by
                case family
                    {%- for family in families %}
                    when '{{ family }}' then {{ loop.index0 }}
                    {%- endfor %}
                end asc nulls last,
                family asc nulls last,
                token asc nulls last
        ) - 1 as token_id
    from written
    where token = written_as
)

select
    written.token,
    written.family,
    cast(written.n_train as bigint) as n_train,
    written.written_as,
    cast(ids.token_id as integer) as token_id
from written
left join ids on written.written_as = ids.token
order by ids.token_id asc nulls last, written.token asc nulls last

{{ config(enabled=makes_events('icu.inputevents'), materialized='table') }}

-- One row per stretch of a fluid or drug, with the run that it is part of. A change of rate, a new bag and a second line each begin a
-- new stretch while the drug runs on: stretches of one item that leave no gap are one run, which starts and ends once.
with source as (
    select
        inputs.subject_id,
        inputs.hadm_id,
        inputs.stay_id,
        inputs.orderid,
        inputs.itemid,
        inputs.starttime,
        inputs.endtime,
        inputs.storetime,
        inputs.amount,
        inputs.rate,
        inputs.statusdescription,
        inputs.unreadable_columns,
        nullif(trim(inputs.amountuom), '') as amount_unit,
        nullif(trim(inputs.rateuom), '') as rate_unit,
        -- A push has no rate, and its end is written down as a minute after its start.
        inputs.rate is null and inputs.endtime <= inputs.starttime + interval '1 minute' as is_push,
        stays.started_at,
        stays.ended_at
    from {{ ref('stg_icu__inputevents') }} as inputs
    left join {{ ref('icu_stay_times') }} as stays on inputs.stay_id = stays.stay_id
),

judged as (
    select
        subject_id,
        hadm_id,
        stay_id,
        orderid,
        itemid,
        starttime,
        endtime,
        storetime,
        amount,
        amount_unit,
        rate,
        rate_unit,
        coalesce(is_push, false) as is_push,
        {{ set_aside_reason([
            ["starttime is null or endtime is null", "no time"],
            ["statusdescription = 'Rewritten'", "rewritten"],
            ["endtime < starttime", "ends before it starts"],
            far_outside_the_stay('starttime', 'endtime'),
            ["amount = 0 and coalesce(rate, 0) = 0", "nothing was given"],
        ]) }} as set_aside_reason
    from source
),

{% set item = 'subject_id, stay_id, itemid, is_push, set_aside_reason' %}
{% set in_order = 'order by starttime asc nulls last, endtime asc nulls last, orderid asc nulls last' %}
compared as (
    select
        subject_id,
        hadm_id,
        stay_id,
        orderid,
        itemid,
        starttime,
        endtime,
        storetime,
        amount,
        amount_unit,
        rate,
        rate_unit,
        is_push,
        set_aside_reason,
        coalesce(
            not is_push
            and starttime <= max(endtime) over (
                partition by {{ item }} {{ in_order }} rows between unbounded preceding and 1 preceding
            ),
            false
        ) as continues
    from judged
),

numbered as (
    select
        subject_id,
        hadm_id,
        stay_id,
        orderid,
        itemid,
        starttime,
        endtime,
        storetime,
        amount,
        amount_unit,
        rate,
        rate_unit,
        is_push,
        set_aside_reason,
        continues,
        sum(case when continues then 0 else 1 end) over (
            partition by {{ item }} {{ in_order }} rows between unbounded preceding and current row
        ) as run
    from compared
)

select
    subject_id,
    hadm_id,
    stay_id,
    orderid,
    itemid,
    starttime,
    greatest(starttime, storetime) as start_known_at,
    amount,
    amount_unit,
    rate,
    rate_unit,
    is_push,
    set_aside_reason,
    continues,
    row_number() over (
        partition by {{ item }}, run
        order by starttime desc nulls last, endtime desc nulls last, orderid desc nulls last
    ) = 1 as is_last_of_run,
    max(endtime) over (partition by {{ item }}, run) as run_ended_at,
    max(greatest(endtime, storetime)) over (partition by {{ item }}, run) as run_known_at,
    -- In decimals, whose sum is the same in whatever order it is taken; amounts in several units have none.
    case
        when min(amount_unit) over (partition by {{ item }}, run) = max(amount_unit) over (partition by {{ item }}, run)
            then cast(sum(try_cast(amount as decimal(24, 6))) over (partition by {{ item }}, run) as double)
    end as run_amount,
    case
        when min(amount_unit) over (partition by {{ item }}, run) = max(amount_unit) over (partition by {{ item }}, run)
            then max(amount_unit) over (partition by {{ item }}, run)
    end as run_unit
from numbered

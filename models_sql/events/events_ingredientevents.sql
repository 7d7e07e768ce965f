{{ config(enabled=makes_events('icu.ingredientevents')) }}

with source as (
    select
        ingredients.subject_id,
        ingredients.hadm_id,
        ingredients.stay_id,
        ingredients.orderid,
        ingredients.itemid,
        ingredients.starttime,
        ingredients.endtime,
        ingredients.storetime,
        ingredients.amount,
        ingredients.statusdescription,
        ingredients.unreadable_columns,
        nullif(trim(ingredients.amountuom), '') as unit,
        stays.started_at,
        stays.ended_at
    from {{ ref('stg_icu__ingredientevents') }} as ingredients
    left join {{ ref('icu_stay_times') }} as stays on ingredients.stay_id = stays.stay_id
)

-- How much water or protein a stretch has given is known when it has run; that it runs is told by the fluid itself. The key begins
-- with the start, so that stretches charted together keep their order.
select
    subject_id,
    greatest(endtime, storetime) as time,
    endtime as occurred_at,
    'INGREDIENT//' || coalesce(cast(itemid as text), 'UNK') || '//' || coalesce(unit, 'UNK') as code,
    amount as numeric_value,
    cast(null as text) as text_value,
    unit,
    hadm_id,
    stay_id,
    'icu.ingredientevents' as source_table,
    concat_ws('-', starttime, orderid, itemid) as source_key,
    'ingredient' as event_kind,
    true as is_row_event,
    {{ set_aside_reason([
        ["starttime is null or endtime is null", "no time"],
        ["statusdescription = 'Rewritten'", "rewritten"],
        ["endtime < starttime", "ends before it starts"],
        far_outside_the_stay('starttime', 'endtime'),
        ["amount is null", "no value"],
        ["amount = 0", "nothing was given"],
    ]) }} as set_aside_reason
from source

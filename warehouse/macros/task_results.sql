{#
    A task on laboratory results, 24 hours after admission: adults who are still in the hospital then and have at least one result of
    `codes` in the 48 hours that follow, as long as the stay lasts.

    codes: codes of the results, each an item in one unit, all on one scale. beyond: above or below the threshold, which is a number or
    SQL over `patients.sex` and `known.lowest`, the lowest result of the 7 days before. decided_by: next, where the first result that
    follows decides, or any. or_equal: a result on the threshold is beyond it. set_aside: further rules of who is no candidate, over
    judged.threshold and judged.last_value, the last result of the 7 days before.

    A result is known when it is stored: its specimen may have been drawn before the moment.
#}
{% macro result_task(codes, beyond, threshold, decided_by='next', or_equal=false, set_aside=[]) -%}
{%- set is_beyond = {'above': '>', 'below': '<'}[beyond] ~ ('=' if or_equal else '') ~ ' judged.threshold' -%}
{%- set rules = hospital_stay_rules() + [
    ["stays.discharged_at <= stays.prediction_time", "left or died within 24 hours"]
] + set_aside + [["outcomes.label is null", "no result in the 48 hours after"]] -%}
with result_codes as (
    select code_id
    from {{ ref('codes') }}
    where event_kind = 'lab_result' and code in ({{ text_list(codes) }})
),

results as (
    select events.subject_id, events.event_index, events.time, events.numeric_value
    from {{ ref('ordered_events') }} as events
    inner join result_codes on events.code_id = result_codes.code_id
    where events.numeric_value is not null
),

stays as (
    select
        subject_id, nth_stay, hadm_id, admitted_at, discharged_at, age_at_admission, is_observation, prompt_a_day_later,
        admitted_at + interval '24 hours' as prediction_time
    from {{ ref('hospital_stays') }}
),

before as (
    select
        stays.subject_id,
        stays.nth_stay,
        results.numeric_value,
        row_number() over (
            partition by stays.subject_id, stays.nth_stay order by results.event_index desc nulls last
        ) as nth_last
    from stays
    inner join results on stays.subject_id = results.subject_id
    where results.time <= stays.prediction_time and results.time >= stays.prediction_time - interval '7 days'
),

known as (
    select
        subject_id,
        nth_stay,
        min(numeric_value) as lowest,
        max(case when nth_last = 1 then numeric_value end) as last_value
    from before
    group by subject_id, nth_stay
),

judged as (
    select stays.subject_id, stays.nth_stay, known.last_value, cast({{ threshold }} as double) as threshold
    from stays
    inner join {{ ref('patients') }} as patients on stays.subject_id = patients.subject_id
    left join known on stays.subject_id = known.subject_id and stays.nth_stay = known.nth_stay
),

after as (
    select
        stays.subject_id,
        stays.nth_stay,
        results.numeric_value,
        row_number() over (partition by stays.subject_id, stays.nth_stay order by results.event_index asc nulls last) as nth
    from stays
    inner join results on stays.subject_id = results.subject_id
    where
        results.time > stays.prediction_time
        and results.time <= stays.prediction_time + interval '48 hours'
        and results.time <= stays.discharged_at
),

outcomes as (
    select
        after.subject_id,
        after.nth_stay,
        max(case when after.numeric_value {{ is_beyond }} then 1 else 0 end) = 1 as label
    from after
    inner join judged on after.subject_id = judged.subject_id and after.nth_stay = judged.nth_stay
    {%- if decided_by == 'next' %}
    where after.nth = 1
    {%- endif %}
    group by after.subject_id, after.nth_stay
)

select
    stays.subject_id,
    stays.prediction_time,
    outcomes.label,
    stays.hadm_id,
    cast(null as bigint) as stay_id,
    stays.prompt_a_day_later as prompt_event_index,
    judged.threshold,
    {{ first_exclusion(rules) }} as exclusion
from stays
inner join judged on stays.subject_id = judged.subject_id and stays.nth_stay = judged.nth_stay
left join outcomes on stays.subject_id = outcomes.subject_id and stays.nth_stay = outcomes.nth_stay
{%- endmacro %}

{#
    Rules for visits to the emergency department at the moment when triage is known, over the columns of ed_visits. Who has left by then
    is known to have left, and where to.
#}
{% macro ed_triage_rules() %}
    {{ return([
        ["coalesce(age_at_arrival, 0) < 18", "under 18 at arrival, or of unknown age"],
        ["died_at <= triaged_at", "died before triage was known"],
        ["departed_at <= triaged_at", "left before triage was known"],
    ]) }}
{% endmacro %}

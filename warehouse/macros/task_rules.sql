{# Rules that tasks share, for first_exclusion: each a list of [condition, reason]. #}

{# Types of admission that are watched and not admitted: legally outpatients, of hours rather than days. #}
{% macro observation_types() %}{{ return(['EU OBSERVATION', 'DIRECT OBSERVATION', 'AMBULATORY OBSERVATION']) }}{% endmacro %}

{# Stays of adults who were admitted and of whom the end is known, over the columns of hospital_stays. #}
{% macro hospital_stay_rules() %}
    {{ return([
        ["admitted_at is null", "no admission before death"],
        ["coalesce(age_at_admission, 0) < 18", "under 18 at admission, or of unknown age"],
        ["is_observation", "observation, not admitted"],
        ["discharged_at is null", "no discharge recorded"],
        ["discharged_at <= admitted_at", "discharged by the minute of admission"],
    ]) }}
{% endmacro %}

{# Stays of adults in intensive care of which the end is known, over the columns of icu_stays. #}
{% macro icu_stay_rules() %}
    {{ return([
        ["admitted_at is null", "no admission to intensive care before death"],
        ["coalesce(age_at_admission, 0) < 18", "under 18 at admission, or of unknown age"],
        ["discharged_at is null", "no discharge from intensive care recorded"],
        ["discharged_at <= admitted_at", "discharged by the minute of admission"],
    ]) }}
{% endmacro %}

-- The vars that the warehouse was built with, as JSON, so that whoever reads it need not be told.
{% set names = [
    'preset', 'sources', 'split_salt', 'tuning_per_mille', 'held_out_per_mille', 'icd_at', 'triage_minutes', 'max_days_outside_stay',
    'n_labs', 'n_charted', 'vital_items', 'n_bins', 'min_values_for_breaks', 'min_token_count', 'time_intervals', 'days_of_known_death',
    'new_diagnoses'
] %}

{% for name in names %}
select '{{ name }}' as name, '{{ tojson(var(name)) | replace("'", "''") }}' as value
{% if not loop.last %}union all{% endif %}
{% endfor %}

-- KDIGO stage 3 by creatinine: three times the baseline, or 4.0 mg/dL (KDIGO 2012, table 2). The baseline is the lowest creatinine of the
-- 7 days before, which the first of the stay is among. Renal replacement and urine output, by which KDIGO also stages, are left out.
{{ result_task(
    codes=['LAB//RESULT//50912//mg/dL', 'LAB//RESULT//52546//mg/dL', 'LAB//RESULT//52024//mg/dL'],
    beyond='above',
    or_equal=true,
    threshold='least(round(3.0 * known.lowest, 2), 4.0)',
    decided_by='any',
    set_aside=[
        ["judged.last_value is null", "no result in the 7 days before"],
        ["judged.last_value >= judged.threshold", "in stage 3 already"],
    ]
) }}

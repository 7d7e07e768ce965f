-- Below the haemoglobin that defines anaemia in adults: 12 g/dL in women who are not pregnant, 13 g/dL in men (World Health Organization,
-- guideline on haemoglobin cutoffs, 2024). Blood counts (two items) and blood gases.
{{ result_task(
    codes=['LAB//RESULT//51222//g/dL', 'LAB//RESULT//51640//g/dL', 'LAB//RESULT//50811//g/dL'],
    beyond='below',
    threshold="case patients.sex when 'F' then 12.0 when 'M' then 13.0 end",
    set_aside=[["judged.threshold is null", "sex unknown"]]
) }}

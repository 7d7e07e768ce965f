-- Above the 5.5 mmol/L from which guidelines speak of hyperkalaemia (UK Kidney Association 2023: 5.5 to 5.9 is mild). A mEq of potassium
-- is a mmol. Serum (two items) and whole blood (two).
{{ result_task(
    codes=[
        'LAB//RESULT//50971//mEq/L', 'LAB//RESULT//52610//mEq/L', 'LAB//RESULT//50822//mEq/L', 'LAB//RESULT//52452//mEq/L'
    ],
    beyond='above',
    threshold='5.5'
) }}

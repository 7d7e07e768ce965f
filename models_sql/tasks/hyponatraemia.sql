-- Below the 135 mmol/L that define hyponatraemia (Spasovski et al., Eur J Endocrinol 2014; 170: G1-G47; 130 to 135 is mild). A mEq of
-- sodium is a mmol. Serum (two items) and whole blood (two).
{{ result_task(
    codes=[
        'LAB//RESULT//50983//mEq/L', 'LAB//RESULT//52623//mEq/L', 'LAB//RESULT//50824//mEq/L', 'LAB//RESULT//52455//mEq/L'
    ],
    beyond='below',
    threshold='135.0'
) }}

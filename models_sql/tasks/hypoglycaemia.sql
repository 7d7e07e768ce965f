-- Below the 70 mg/dL of level 1 hypoglycaemia (American Diabetes Association, Standards of Care, section 6). Of the laboratory: what is
-- measured at the bedside has another code and only some presets read it.
{{ result_task(
    codes=[
        'LAB//RESULT//50931//mg/dL', 'LAB//RESULT//52569//mg/dL', 'LAB//RESULT//50809//mg/dL', 'LAB//RESULT//52027//mg/dL'
    ],
    beyond='below',
    threshold='70.0'
) }}

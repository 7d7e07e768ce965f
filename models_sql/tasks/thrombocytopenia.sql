-- Below the 150 K/uL that define thrombocytopenia.
{{ result_task(
    codes=['LAB//RESULT//51265//K/uL', 'LAB//RESULT//51704//K/uL'],
    beyond='below',
    threshold='150.0'
) }}

{{ config(enabled=is_landed('icu.ingredientevents')) }}

{{ land_raw_table('icu', 'ingredientevents') }}

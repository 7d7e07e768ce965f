{{ config(enabled=is_landed('ed.pyxis')) }}

{{ land_raw_table('ed', 'pyxis') }}

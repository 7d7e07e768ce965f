{#
    Rows of one kind of file in the run folders (a file name under data/runs/*/, or below another `root` than runs), with the given
    columns {name: type} and `run_id`, the folder's name. A .jsonl file gives a row a line, another one row. No row and the same types
    where there is no such file, as before the first run. What is no JSON object (a line that a killed process left torn) is left out;
    the files are read as text, since read_json ends a whole build over one of them.
#}
{% macro read_run_files(file_name, columns, root='runs') -%}
    {%- set pattern = env_var('EHR_DATA', 'data') ~ '/' ~ root ~ '/*/' ~ file_name -%}
    {%- set found = execute and run_query("select count(*) from glob('" ~ pattern ~ "')").columns[0].values()[0] > 0 -%}
    {%- set documents = "unnest(string_split(content, chr(10)))" if file_name.endswith('.jsonl') else 'content' -%}
    {%- if found %}
    select
        {% for name, type in columns.items() %}try_cast(document ->> '{{ name }}' as {{ type }}) as {{ name }},
        {% endfor -%}
        split_part(replace(filename, '\', '/'), '/', {{ -2 - file_name.count('/') }}) as run_id
    from (
        select filename, try_cast({{ documents }} as json) as document
        from read_text('{{ pattern }}')
    ) as files
    where json_type(document) = 'OBJECT'
    {%- else %}
    select
        {% for name, type in columns.items() %}cast(null as {{ type }}) as {{ name }},
        {% endfor -%}
        cast(null as varchar) as run_id
    where false
    {%- endif %}
{%- endmacro %}

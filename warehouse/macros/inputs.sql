{# What a model is made from, for those who must know whether it has changed. #}

{#
    The tables that stand beneath a model, at any depth, and the reference tables that views beneath it read: for each its name, its
    relation and whether its rows tell of patients.
#}
{% macro tables_beneath(model_name) %}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set reached = ['model.' ~ project_name ~ '.' ~ model_name] -%}
    {%- set tables = [] -%}
    {#- The list grows while it is walked. -#}
    {%- for unique_id in reached -%}
        {%- set node = graph.nodes.get(unique_id) or graph.sources.get(unique_id) -%}
        {%- if node and (node.resource_type == 'source' or node.config.materialized != 'view') -%}
            {%- if node.resource_type != 'source' or node.source_name == 'reference' -%}
                {%- do tables.append({
                    'name': node.name, 'relation': node.relation_name, 'tells_of_patients': 'subject_id' in node.columns
                }) -%}
            {%- endif -%}
        {%- endif -%}
        {%- for beneath in (node.depends_on.nodes if node and node.resource_type != 'source' else []) if beneath not in reached -%}
            {%- do reached.append(beneath) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(tables) }}
{% endmacro %}

{# The SQL of all views of a schema as one text. #}
{% macro text_of_views(database, schema) -%}
    (
        select coalesce(string_agg(sql, '' order by view_name), '')
        from duckdb_views()
        where database_name = '{{ database }}' and schema_name = '{{ schema }}'
    )
{%- endmacro %}

{# A text that changes with the rule by which candidates are sorted. #}
{% macro sorting_rules() %}{{ return(local_md5(sorted_candidates_of.macro.macro_sql)) }}{% endmacro %}

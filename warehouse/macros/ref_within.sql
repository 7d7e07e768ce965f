{# A model of the same database, named without it: a view then still works when its file is renamed or attached under another name. #}
{% macro ref_within(model) %}{{ return(ref(model).include(database=false)) }}{% endmacro %}

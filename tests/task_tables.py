"""Tables of tasks as the materialization `task` makes them, without dbt: from a compiled model, over a built warehouse.

The SQL is that of warehouse/macros/task.sql itself; what the macros ask dbt for is answered here.
"""

import json
import re
from collections.abc import Sequence
from functools import cache

import duckdb
import jinja2

from warehouse.paths import REPOSITORY


def make_task(connection: duckdb.DuckDBPyConnection, node: dict) -> None:
    """Make <task> and <task>_flow of a node of the manifest, with the table's comment."""
    task, relation = node["config"]["meta"]["task"], node["relation_name"].replace('"', "")
    found = {kind for (kind,) in connection.execute("select distinct event_kind from timelines.codes").fetchall()}
    missing = [kind for kind in task["needs"] if kind not in found]
    connection.execute(
        f"create or replace temporary table task_candidates as from ({node['compiled_code']}) "
        + ("where false" if missing else "")
    )
    connection.execute(f"create table {relation} as {_render('cohort_of', node, 'task_candidates')}")
    connection.execute(f"create table {relation}_flow as {_render('flow_of', node, 'task_candidates')}")
    definition = {
        "name": node["name"],
        "description": node["description"],
        "label": node["columns"]["label"]["data_type"],
        "task": task,
        "missing": missing,
        "timelines": connection.execute(_render("timelines_stamp", node, "warehouse")).fetchone()[0],
    }
    comment = json.dumps(definition, sort_keys=True).replace("'", "''")
    connection.execute(f"comment on table {relation} is '{comment}'")


def gather_flows(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    """Make the view tasks.cohort_flow over the flows of all tasks."""
    flows = [f"select '{name}' as task, * from tasks.{name}_flow" for name in names]
    connection.execute(f"create view tasks.cohort_flow as {' union all '.join(flows)}")


def _render(macro: str, node: dict, argument: str) -> str:
    return _macros().from_string(f"{_text()}{{{{ {macro}('{argument}') }}}}").render(model=node)


@cache
def _macros() -> jinja2.Environment:
    return jinja2.Environment(extensions=["jinja2.ext.do"])


@cache
def _text() -> str:
    text = (REPOSITORY / "warehouse" / "macros" / "task.sql").read_text()
    return re.sub(r"{% materialization .*?{% endmaterialization %}", "", text, flags=re.DOTALL)

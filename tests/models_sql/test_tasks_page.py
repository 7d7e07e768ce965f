"""models_sql/tasks/README.md: the task that it shows how to add is made by dbt, and its table holds every task.

Where tasks have changed on purpose, `REWRITE_TASKS=1 pytest tests/models_sql/test_tasks_page.py` writes the table anew.
"""

import json
import os
import random
import re
import shutil
from pathlib import Path

import duckdb

from tests.conftest import REPOSITORY, RunDbt
from tests.models_sql.test_tasks import chance_rows
from tests.raw_tables import write_raw_tables

PAGE = REPOSITORY / "models_sql" / "tasks" / "README.md"
TABLE = re.compile(r"(\| task \| asked of whom, when, what \|\n\|---\|---\|\n)(?:\|.*\n)*")


def test_the_task_of_the_page_is_one_file_and_one_entry(run_dbt: RunDbt, tmp_path: Path):
    page = PAGE.read_text()
    (sql,), (entry,) = (re.findall(rf"```{kind}\n(.*?)```", page, flags=re.DOTALL) for kind in ("sql", "yaml"))
    project = tmp_path / "project"
    shutil.copytree(REPOSITORY / "models_sql", project / "models_sql")
    for name in ("dbt_project.yml", "profiles.yml", "selectors.yml", "warehouse"):
        (project / name).symlink_to(REPOSITORY / name)
    (project / "models_sql" / "tasks" / "prolonged_stay_3d.sql").write_text(sql)
    with (project / "models_sql" / "tasks" / "_tasks.yml").open("a") as file:
        file.write("\n" + entry)
    raw = write_raw_tables(tmp_path / "raw", chance_rows(random.Random(3), n_patients=50))
    env = {"EHR_DATA": tmp_path, "MIMIC_IV_ROOT": raw, "PYTHONPATH": REPOSITORY}
    done = run_dbt("run", "--select", "+prolonged_stay_3d", "--project-dir", project, env=env)
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        n_rows, n_wrong = connection.execute(
            "select count(*), count(*) filter (where label is distinct from (discharged_at - prediction_time > interval '3 days')) "
            "from tasks.prolonged_stay_3d inner join tasks.hospital_stays using (hadm_id)"
        ).fetchone()
        assert n_rows > 10 and n_wrong == 0
        flow = connection.execute(
            "select reason, n_left from tasks.cohort_flow where task = 'prolonged_stay_3d' order by step"
        )
        reasons = dict(flow.fetchall())
        assert reasons["planned"] == n_rows and next(iter(reasons)) == "all candidates"
        comment = connection.execute("select comment from duckdb_tables() where table_name = 'prolonged_stay_3d'")
        definition = json.loads(comment.fetchone()[0])
        assert definition["task"]["outcome"] == {"kind": "duration", "days": 3} and definition["missing"] == []


def test_the_page_names_every_task_with_its_definition(models: list[dict]):
    tasks = sorted((node for node in models if node["config"]["materialized"] == "task"), key=lambda node: node["name"])
    lines = "".join(f"| `{node['name']}` | {' '.join(node['description'].split())} |\n" for node in tasks)
    page = PAGE.read_text()
    written = TABLE.sub(lambda found: found[1] + lines, page)
    if os.environ.get("REWRITE_TASKS"):
        PAGE.write_text(written)
    assert len(tasks) >= 13 and written == PAGE.read_text()


def test_every_task_says_what_a_simulation_needs(models: list[dict]):
    for node in (node for node in models if node["config"]["materialized"] == "task"):
        task = node["config"]["meta"]["task"]
        assert set(task) <= {"needs", "prompt", "outcome", "stop", "horizon_days", "ends_with_event"}, node["name"]
        assert task["needs"] and task["prompt"] and task["outcome"]["kind"] and isinstance(task["stop"], list)
        whole_sentence = " ".join(node["description"].split())
        assert whole_sentence.endswith(".") and ". " not in whole_sentence, node["name"]
        label = {"time_to_stop": "double", "value": "bigint", "class": "bigint"}.get(task["outcome"]["kind"], "boolean")
        assert node["columns"]["label"]["data_type"] == label, node["name"]

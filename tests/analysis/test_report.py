"""The report from a small warehouse: what is on the page and beside it, what is set aside, and clear mistakes."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import fields
from html.parser import HTMLParser

import duckdb
import pytest
import vl_convert

from analysis.charts import page_spec
from analysis.outlook import Outlook
from analysis.report import main
from analysis.result_tables import SCHEMAS, result_tables
from analysis.study import read_study
from analysis.task_scores import read_task_scores, scores_by_task
from tests.analysis.conftest import simulate, write_task_scores, write_warehouse
from warehouse.errors import UserError

DEMO = {"budgets": (1e11, 3e11, 1e12), "sizes": [6, 5, 5], "span": 20.0, "noise": 0.003, "seed": 3}


def report(warehouse, out, *extra):
    return main(["--warehouse", str(warehouse), "--out", str(out), "--bootstrap", "100", *extra])


class Page(HTMLParser):
    """Figures with their alternative texts, scripts, tags that were left open, and addresses that leave the page."""

    def __init__(self, text):
        super().__init__()
        self.figures, self.scripts, self.open, self.outside = {}, [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if "data-chart" in values:
            self.figures[values["data-chart"]] = values["aria-label"]
        if tag == "script":
            self.scripts.append("")
        if tag not in ("img", "meta", "link", "br", "input"):
            self.open.append(tag)
        self.outside += [v for k, v in attributes if k in ("src", "href") and not v.startswith(("data:", "#"))]

    def handle_startendtag(self, tag, attributes):
        """An element of SVG that closes itself."""

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


# The third has a name and a reason that would be markup if they were not escaped.
OTHERS = (
    ("x1", "failed", "loss is not finite at step 40"),
    ("x2", "running", None),
    ("x3<script>alert(1)</script>", "failed", "<b>bold</b>"),
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo's warehouse."""
    return write_warehouse(tmp_path_factory.mktemp("demo") / "warehouse.duckdb", simulate(**DEMO), OTHERS)


@pytest.fixture(scope="module")
def demo_report(demo, tmp_path_factory):
    """The demo's report, made once, and what was printed."""
    out, printed = tmp_path_factory.mktemp("out") / "report", io.StringIO()
    with redirect_stdout(printed):
        assert report(demo, out) == 0
    return out, printed.getvalue()


def test_demo_report_has_everything(demo_report):
    out, printed = demo_report
    assert str(out / "index.html") in printed
    assert re.search(r"^1e11 .*\[.*\]", printed, re.MULTILINE), "a row per budget with intervals"
    assert re.search(r"IsoFLOP, local parabola +0\.\d{3} +\[0\.\d{3}, 0\.\d{3}\]", printed)
    text = (out / "index.html").read_text()
    page = Page(text)
    assert page.open == []
    assert page.outside == [], "the page works offline and alone"
    assert len(text.encode()) < 2e6
    drawn = {path.stem for path in (out / "figures").glob("*.svg")}
    assert set(page.figures) == drawn and len(drawn) > 15
    assert set(json.loads(page.scripts[0])) == drawn
    assert all(len(words) > 30 for words in page.figures.values())
    said = ("prefers-color-scheme: dark", "loss is not finite at step 40", "shard fingerprint", "at least 4 budgets")
    for words in said:
        assert words in text
    assert not re.search(r"\bnan\b|\binf\b", text.split("<body>")[1].split("<script")[0])
    names = {path.name for path in (out / "figures").iterdir()}
    assert {"isoflop_profiles.svg", "isoflop_profiles.png", "n_opt_compute.svg", "loss_opt_compute.png"} <= names
    assert {path.suffix for path in (out / "figures").iterdir()} == {".svg", ".png"}


def test_tables_and_json_beside_the_page(demo_report):
    out, _ = demo_report
    tables = {path.stem: list(csv.DictReader(path.open())) for path in (out / "tables").glob("*.csv")}
    assert set(tables) == {*SCHEMAS, "runs"} == {path.stem for path in (out / "tables").glob("*.parquet")}
    assert len(tables["runs"]) == len(tables["points"]) == 16
    assert [(row["run_id"], row["why"]) for row in tables["set_aside"]] == [
        ("x1", "failed: loss is not finite at step 40"),
        ("x2", "running"),
        ("x3<script>alert(1)</script>", "failed: <b>bold</b>"),
    ]
    parabola = [row for row in tables["fits"] if row["method"] == "isoflop_parabola" and row["estimate"] == "n_opt"]
    assert [float(row["budget"]) for row in parabola] == [1e11, 3e11, 1e12]
    assert all(float(row["low"]) < float(row["value"]) * 1.01 < float(row["high"]) * 1.02 for row in parabola)
    fits = json.loads((out / "fits.json").read_text())
    assert fits["points"] == 16
    law = [row for row in tables["fits"] if row["method"] == "loss_compute"]
    assert {row["status"] for row in law} == {"not_identified"}
    assert {row["value"] for row in law} == {""}


def test_runs_on_other_data_are_set_aside(make_warehouse):
    study = read_study(make_warehouse(simulate(**DEMO), strangers=2))
    assert len(study.points) == 14
    assert [run["why"] for run in study.aside] == ["other shard fingerprint: trained on other data"] * 2
    assert study.shard_fingerprint == "here"


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("flops", "null", "flops missing or not a number"),
        ("flops", "'inf'::double", "flops missing or not a number"),
        ("flops", "0", "flops not positive"),
        ("loss", "'nan'::double", "loss missing or not a number"),
        ("budget", "null", "budget missing or not a number"),
    ],
)
def test_runs_without_a_number_that_the_fits_need_are_set_aside(column, value, why, make_warehouse):
    """Points, runs and task scores stay one to one, whichever column has the gap."""
    path = make_warehouse(simulate(**DEMO))
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"update runs.isoflop_points set {column} = {value} where run_id = 'run-003'")
    score = {"task": "death", "method": "probe", "log_loss": 0.1}
    write_task_scores(path, [{**score, "run_id": f"run-{i:03d}", "auroc": 0.5 + i / 100} for i in range(16)])
    study = read_study(path)
    assert [(run["run_id"], run["why"]) for run in study.aside] == [("run-003", why)]
    assert len(study.points) == len(study.used) == 15
    runs = [f"run-{i:03d}" for i in range(16) if i != 3]
    rows = result_tables(study, {}, Outlook(*((),) * len(fields(Outlook))), {})["points"].to_pylist()
    assert [row["run_id"] for row in rows] == runs
    assert [row["n"] for row in rows] == [run["n_with_head"] for run in study.used]
    (scores,) = scores_by_task(read_task_scores(path, study)[0], study).values()
    expected = {row["n"]: 0.5 + int(row["run_id"][-3:]) / 100 for row in rows}
    assert dict(zip(scores.n.tolist(), scores.auroc.tolist(), strict=True)) == pytest.approx(expected)


def test_no_counted_compute_at_all_is_6nd(make_warehouse):
    path = make_warehouse(simulate(**DEMO))
    with duckdb.connect(str(path)) as connection:
        connection.execute("update runs.isoflop_points set flops = null")
    study = read_study(path)
    assert len(study.points) == len(study.used) == 16 and not study.aside
    assert study.points.flops == pytest.approx(6 * study.points.n * study.points.d)


@pytest.mark.parametrize(
    "shape",
    [
        {"budgets": (1e11,), "sizes": 6},
        {"budgets": (1e11, 1e12), "sizes": 5},
        {"budgets": (1e11,), "sizes": 1},
        {"budgets": (1e11, 3e11, 1e12), "sizes": 3},
        {"budgets": (1e11, 3e11, 1e12), "sizes": 5, "off_centre": 20.0},
        {"budgets": (1e11, 3e11, 1e12, 3e12), "sizes": [6, 5, 4, 1], "seeds": 2},
    ],
)
def test_thin_studies_are_reported_without_a_crash(shape, make_warehouse, tmp_path, capsys, monkeypatch):
    # Every figure is compiled, which is where a bad one fails; to draw them all takes most of the time.
    monkeypatch.setattr("analysis.report.save", lambda chart, *_: vl_convert.vegalite_to_vega(page_spec(chart)))
    out = tmp_path / "report"
    assert report(make_warehouse(simulate(**{"noise": 0.003, **shape})), out) == 0
    assert Page((out / "index.html").read_text()).open == []
    assert "nan" not in capsys.readouterr().out


def test_edge_of_the_grid_is_said_loudly(make_warehouse, tmp_path):
    out = tmp_path / "report"
    report(make_warehouse(simulate(budgets=(1e11, 3e11, 1e12), sizes=5, off_centre=20.0)), out)
    text = (out / "index.html").read_text()
    assert "at or beyond the edge of the sizes tried" in text
    assert "do not yet show how the best model size grows" in text


def test_report_is_replaced_whole_with_the_same_bytes_and_leaves_nothing_beside(demo, demo_report, tmp_path):
    before, out = demo_report[0], tmp_path / "report"
    shutil.copytree(before, out)
    (out / "figures" / "stale.svg").write_text("old")
    report(demo, out)
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert {path.name for path in (out / "figures").iterdir()} == {path.name for path in (before / "figures").iterdir()}
    for path in [*(before / "figures").glob("*.svg"), *(before / "tables").iterdir(), before / "fits.json"]:
        assert path.read_bytes() == (out / path.relative_to(before)).read_bytes()


def test_folder_that_is_no_report_is_not_replaced(demo, tmp_path):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("precious")
    with pytest.raises(UserError, match="something else than a report"):
        report(demo, out)
    assert (out / "thesis.txt").read_text() == "precious"
    with pytest.raises(UserError, match="is a file"):
        report(demo, out / "thesis.txt")


def test_no_finished_run_is_one_clear_line(make_warehouse, tmp_path):
    warehouse = make_warehouse(None, (("x1", "failed", "why"), ("x2", "running", None)))
    with pytest.raises(UserError, match=r"no finished run with a FLOPs budget \(1 failed, 1 running\)") as caught:
        report(warehouse, tmp_path / "report")
    assert caught.value.exit_status == 2
    assert not (tmp_path / "report").exists()


def test_missing_warehouse_and_tables_are_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="no warehouse; build it with `dbt build`"):
        report(tmp_path / "none.duckdb", tmp_path / "report")
    duckdb.connect(str(tmp_path / "bare.duckdb")).close()
    with pytest.raises(UserError, match=r"no table runs\.runs"):
        report(tmp_path / "bare.duckdb", tmp_path / "report")
    (tmp_path / "text.duckdb").write_text("no database")
    with pytest.raises(UserError, match="cannot be read"):
        report(tmp_path / "text.duckdb", tmp_path / "report")


def test_command_from_another_folder(make_warehouse, tmp_path):
    """The template is found wherever the command is run."""
    demo = make_warehouse(simulate(budgets=(1e11,), sizes=5))
    command = [sys.executable, "-m", "analysis.report", "--warehouse", str(demo), "--out", "r", "--bootstrap", "100"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "r" / "index.html").exists()
    assert answer.stderr.splitlines() == ["reading the runs", "fitting", "forecasting", "composing", "drawing"]


def test_names_from_runs_cannot_become_markup(demo_report):
    text = (demo_report[0] / "index.html").read_text()
    assert len(Page(text).scripts) == text.count("<script") == 3, "specifications, Vega and the page's own"
    assert "alert(1)</script>" not in text
    assert "&lt;b&gt;bold&lt;/b&gt;" in text

"""What the report's page says: every item that a reader asks for, numbers as the fits have them, and nothing left out in silence."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from analysis.charts_tasks import LEAST_EVENTS, task_panels, task_words
from analysis.methods import fit_methods
from analysis.outlook import look_ahead
from analysis.page import headline, noise_text, notes_of, page_sections, utility_words
from analysis.page_checks import run_table, task_table
from analysis.page_tables import answer_table, cost_table, left_out_table, published_table
from analysis.published import PUBLISHED
from analysis.study import read_study
from analysis.tables import count, fixed
from analysis.task_scores import NotShown, ScoreRow, read_task_scores, scores_by_task
from tests.analysis.conftest import add_task_scores, simulate, write_warehouse
from tests.conftest import REPOSITORY

# Section 6 of the methods that the project follows: what a demanding reader wants, by anchor and table.
ITEMS = {
    "runs": {"runs", "noise", "aside"},
    "profiles": {"optima"},
    "laws": {"exponents", "published", "law"},
    "surface": {"surface", "kinds", "correlations"},
    "residuals": {"checks"},
    "left-out": {"left_out"},
    "forecast": {"forecasts"},
    "sensitivity": {"sensitivity"},
    "convergence": {"searches"},
    "cost": {"costs"},
    "utility": {"tasks"},
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Study, fits, outlook and scores of four budgets with seeds."""
    sweep = simulate(budgets=(1e11, 3e11, 1e12, 3e12), sizes=[5, 5, 4, 4], span=20.0, noise=0.004, seeds=2, seed=5)
    path = write_warehouse(
        tmp_path_factory.mktemp("page") / "warehouse.duckdb", sweep, (("x1", "failed", "disk full"),)
    )
    add_task_scores(path, sweep)
    study = read_study(path)
    scores = read_task_scores(path, study)
    fits = fit_methods(study.points, bootstrap=100, seed=0)
    return study, fits, look_ahead(study, fits, scores_by_task(scores[0], study), 100, 0), scores


def test_every_item_has_its_section_with_tables_and_figures(told):
    study, fits, outlook, scores = told
    sections = {section.anchor: section for section in page_sections(study, fits, outlook, *scores)}
    assert set(sections) == set(ITEMS)
    for anchor, tables in ITEMS.items():
        assert tables <= {table.name for table in sections[anchor].tables if table.rows}, anchor
        assert sections[anchor].charts or anchor == "convergence"
    names = [chart.name for section in sections.values() for chart in section.charts]
    assert len(names) == len(set(names))
    for table in (table for section in sections.values() for table in section.tables):
        assert {len(row) for row in table.rows} <= {len(table.header)}, table.name


def test_the_answer_is_the_recommended_methods_forecast(told):
    _, fits, outlook, _ = told
    table = answer_table(outlook, fits)
    assert "Huber 1.345" in table.caption
    rows = {row.factor: row for row in outlook.forecasts if row.method == "surface_huber" and row.quantity == "n_opt"}
    assert [row[0] for row in table.rows] == [
        "3e12 (largest budget)",
        "9e12 (x3)",
        "3e13 (x10)",
        "9e13 (x30)",
        "3e14 (x100)",
    ]
    assert [row[1] for row in table.rows] == [count(rows[factor].value) for factor in (1, 3, 10, 30, 100)]
    said = re.sub(r"<[^>]+>", " ", headline(fits))
    for method in ("isoflop_parabola", "surface_huber"):
        assert fixed(fits[method].estimates["a"], 2) in said, method
    assert "IsoFLOP" in said and "surface" in said, "who says which"


def test_tables_count_what_they_show(told):
    study, fits, outlook, _ = told
    assert len(run_table(study).rows) == len(study.points) == 36
    assert len(cost_table(outlook).rows) == len(outlook.costs) > 0
    assert sum("extrapolated" in row[0] for row in cost_table(outlook).rows) == sum(
        row.factor > 1 for row in outlook.costs
    )
    assert len(left_out_table(outlook).rows) == len(outlook.foreseen)
    assert [row[0] for row in published_table(fits).rows[1:]] == [study.study for study in PUBLISHED]
    assert all(study.b == pytest.approx(1 - study.a) for study in PUBLISHED if study.derived_b)


def test_the_same_note_of_several_methods_is_said_once(told):
    study, fits, _, _ = told
    notes = notes_of(study, fits)
    assert len({(note["severity"], note["text"]) for note in notes}) == len(notes)
    grave = [("error", "warning", "info").index(note["severity"]) for note in notes]
    assert grave == sorted(grave)


def test_noise_is_said_where_it_is_known(told):
    study, fits, _, _ = told
    assert re.search(
        r"Seeds of one configuration differ by 0\.\d\d% .*18 degrees of freedom",
        noise_text(study, fits["isoflop_parabola"]),
    )
    keep = np.arange(len(study.points)) % 2 == 0
    lone = replace(study, points=replace(study.points, configuration=np.arange(len(keep))))
    assert "noise between seeds is not measured here" in noise_text(lone, fits["isoflop_parabola"])


def row(task="death", method="probe", events=60, rows=200, **others) -> ScoreRow:
    """A run's score."""
    values = {
        "run_id": "run-000",
        "auroc": 0.7,
        "low": 0.6,
        "high": 0.8,
        "log_loss": 0.3,
        "n": 1e5,
        "flops": 1e12,
        "held_out_loss": 1.5,
    }
    return ScoreRow(**{**values, "task": task, "method": method, "events": events, "rows": rows, **others})


def test_panels_show_what_has_events_enough_and_the_words_count_the_rest():
    scores = (
        row(),
        row(method="rollout_average", events=LEAST_EVENTS - 1, undecided=0.4),
        row("rare", events=3),
        row("nearly_always", events=195),
        row("icu_admission", events=90),
    )
    panels = task_panels(scores)
    assert [panel.name for panel in panels] == ["task_icu_admission", "task_death"]
    drawn = [cell["by"] for part in panels[1].spec["layer"] for cell in part["data"]["values"] if "run" in cell]
    assert set(drawn) == {"linear probe of a run"}, "a score of few events is no point of the figure"
    words = utility_words(scores, NotShown(("drg",), 2, 5), len(panels))
    for said in (
        "5 tasks are scored, 4 with an AUROC",
        "the 2 with the most",
        "DRG",
        "2 further scores",
        "5 scores belong",
        "40%",
    ):
        assert said in words


def test_a_task_of_few_events_gets_no_verdict(told):
    _, _, outlook, scores = told
    assert {row[9] for row in task_table(outlook, scores[0]).rows} == {"better with lower loss"}
    few = tuple(replace(one, events=LEAST_EVENTS - 1) for one in scores[0])
    table = task_table(outlook, few)
    assert table.header[9] == "verdict" and {row[9] for row in table.rows} == {"too few events"}


def test_names_of_tasks_are_readable():
    assert task_words("icu_mortality_at_24h") == "ICU mortality at 24h"
    assert task_words("prolonged_stay_7d") == "Prolonged stay over 7 days"


def test_the_example_is_small_whole_and_linked():
    folder = REPOSITORY / "analysis" / "example"
    text = (folder / "index.html").read_text()
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2e6
    assert all(f'<section id="{anchor}">' in text for anchor in (*ITEMS, "care", "provenance"))
    page = (REPOSITORY / "README.md").read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", page) if not link.startswith("http")]
    assert "analysis/example/index.html" in links
    assert [link for link in links if not (REPOSITORY / link).exists()] == []


def test_what_the_runs_do_not_fix_is_said_in_the_headline(told):
    _, fits, _, _ = told
    parabola, surface = fits["isoflop_parabola"], fits["surface_huber"]
    unknown = {**parabola.intervals, "a": (math.nan, math.nan)}
    thin = {
        "isoflop_parabola": replace(parabola, intervals=unknown),
        "surface_huber": replace(surface, status="bound_hit"),
    }
    assert "(no interval)" in headline(thin) and "on its bound" in headline(thin)
    assert "no interval" not in headline(fits) and "bound" not in headline(fits)

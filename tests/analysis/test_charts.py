"""What figures are made of: colours that can be seen, ticks that are not a crowd, specifications that Vega takes."""

import json
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import vl_convert

from analysis.charts import (
    COLOURS,
    METHOD_LOOKS,
    VEGA_LITE,
    budget_colours,
    layer,
    layered,
    log_axis,
    log_ticks,
    page_spec,
    plain_axis,
    save,
)
from analysis.charts import Chart as Figure
from analysis.charts_forest import methods_forest
from analysis.charts_isoflop import isoflop_charts, law_charts
from analysis.methods import fit_methods
from analysis.page import page_colours
from analysis.study import read_study
from analysis.tables import LABELS
from tests.analysis.conftest import simulate, write_warehouse


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1])
def test_marks_stand_out_from_their_ground_in_both_themes(theme):
    ground = COLOURS["card"][theme]
    marks = {name: pair[theme] for name, pair in (COLOURS | budget_colours(7)).items() if name not in ("card", "line")}
    assert {
        name: round(contrast(colour, ground), 2) for name, colour in marks.items() if contrast(colour, ground) < 3
    } == {}
    for text in ("ink", "soft"):
        assert contrast(COLOURS[text][theme], ground) >= 4.5


@pytest.mark.parametrize("number", [1, 2, 5, 12])
def test_budgets_have_colours_of_their_own(number):
    found = budget_colours(number)
    assert list(found) == [f"budget-{i}" for i in range(number)]
    for theme in (0, 1):
        assert len({pair[theme] for pair in found.values()}) == number
        # Order by lightness is what who cannot tell hues still sees.
        lights = [luminance(pair[theme]) for pair in found.values()]
        assert lights == sorted(lights)


def test_no_two_methods_look_alike():
    assert set(METHOD_LOOKS) == set(LABELS)
    looks = [(colour, tuple(dash), shape) for colour, dash, shape in METHOD_LOOKS.values()]
    assert len(set(looks)) == len(looks)


@pytest.mark.parametrize(("low", "high"), [(9e3, 2e4), (1e4, 1e6), (1e3, 9e6), (1e9, 1e17), (1e11, 1.01e11)])
def test_log_ticks_are_few_and_inside(low, high):
    ticks = log_ticks(low, high)
    assert len(ticks) <= 10
    assert all(low <= tick <= high for tick in ticks)
    assert len(ticks) >= 2 or high / low < 2


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A study and its figures."""
    path = tmp_path_factory.mktemp("charts") / "warehouse.duckdb"
    study = read_study(write_warehouse(path, simulate(noise=0.002, seed=1)))
    fits = fit_methods(study.points, bootstrap=100, seed=0, others=False)
    return study, [*isoflop_charts(study, fits), *law_charts(study, fits), methods_forest(fits, "a")]


def test_figures_say_what_the_fits_say(drawn):
    study, charts = drawn
    by_name = {chart.name: chart for chart in charts}
    assert len(by_name) == 1 + 5 + 3 + 1
    vertex = next(part for part in by_name["isoflop_1e12"].spec["layer"] if part["mark"].get("shape") == "diamond")
    (best,) = vertex["data"]["values"]
    assert best["n"] == pytest.approx(
        fit_methods(study.points, ("isoflop_parabola",), 10)["isoflop_parabola"].estimates["n_opt"]["1e+12"]
    )
    runs = [part for part in by_name["isoflop_profiles"].spec["layer"] if part["mark"] == "point"]
    assert len(runs[0]["data"]["values"]) == len(study.points)
    assert {row["run"] for row in runs[0]["data"]["values"]} == {run["run_id"] for run in study.used}
    for chart in charts:
        assert vl_convert.vegalite_to_vega(json.dumps(page_spec(chart)), vl_version=VEGA_LITE)["marks"]


def test_files_are_drawn_on_light_ground_without_a_variable_left(drawn, tmp_path):
    study, charts = drawn
    save(charts[0], tmp_path, page_colours(study))
    text = (tmp_path / "isoflop_profiles.svg").read_text()
    assert "var(" not in text and COLOURS["card"][0] in text
    assert ET.fromstring(text).tag.endswith("svg")
    assert (tmp_path / "isoflop_profiles.png").read_bytes()[:4] == b"\x89PNG"
    save(charts[0], tmp_path, page_colours(study))
    assert (tmp_path / "isoflop_profiles.svg").read_text() == text, "the same bytes again"


def test_a_hidden_method_leaves_the_figure_standing():
    rows = [{"n": 1e4, "y": 2.0, "method": "one"}, {"n": 1e5, "y": 1.5, "method": "other"}]
    x, y = log_axis("n", "N", [1e4, 1e5]), plain_axis("y", "loss", [1.5, 2.0])
    chart = Figure(
        "some", "Some", "Words.", "Words.", layered(layer("point", rows, by_method=True, x=x, y=y)), ("one", "other")
    )
    spec = page_spec(chart)
    whole = vl_convert.vegalite_to_svg(json.dumps({**spec, "width": 300}), vl_version=VEGA_LITE)
    spec["params"][0]["value"] = ["one"]
    part = vl_convert.vegalite_to_svg(json.dumps({**spec, "width": 300}), vl_version=VEGA_LITE)
    spec["params"][0]["value"] = []
    none = vl_convert.vegalite_to_svg(json.dumps({**spec, "width": 300}), vl_version=VEGA_LITE)
    marks = [text.count('aria-roledescription="point"') for text in (whole, part, none)]
    assert marks == [2, 1, 0]


def test_axes_take_what_is_not_finite_for_absent():
    axis = log_axis("n", "N", [1e4, math.nan, None, np.inf, 0.0, 1e6])
    assert axis["scale"]["domain"] == pytest.approx([1e4 / 1.12, 1e6 * 1.12])

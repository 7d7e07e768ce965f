"""Expected standard errors against what simulated fits scatter by, the cheapest plan, and the command with its file."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import least_squares

from analysis.design import main
from analysis.information import Plan, candidates, cheapest, joined, surface_errors, windowed
from analysis.isoflop import fit_parabola
from analysis.points import budget_profiles
from analysis.readers import read_points
from ml.grid_formulas import exponent_error
from ml.sweep_plan import read_plan
from tests.analysis.conftest import TRUTH, simulate, true_loss, true_optimum, write_warehouse
from warehouse.errors import UserError

BUDGETS = (1e12, 3e12, 1e13, 3e13)


def runs_of(plan: Plan, span: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    profiles = plan.profiles({b: true_optimum(b) for b in plan.budgets}, span)
    rows = [(n, b / 6 / n) for b, sizes in profiles.items() for n, runs in sizes.items() for _ in range(runs)]
    n, d = np.array(rows).T
    return n, d


def test_surface_errors_are_what_simulated_fits_scatter_by():
    n, d = runs_of(Plan(BUDGETS, (7, 7, 7, 7)), 64.0)
    rng, noise, found = np.random.default_rng(0), 0.001, []
    names = ("E", "A", "B", "alpha", "beta")
    x, y = np.log(n / n.mean()), np.log(d / d.mean())
    truth = [
        math.log(TRUTH["E"]),
        math.log(TRUTH["A"]) - TRUTH["alpha"] * math.log(n.mean()),
        math.log(TRUTH["B"]) - TRUTH["beta"] * math.log(d.mean()),
        TRUTH["alpha"],
        TRUTH["beta"],
    ]
    clean = np.log(true_loss(n, d))

    def model(p):
        return np.log(np.exp(p[0]) + np.exp(p[1] - p[3] * x) + np.exp(p[2] - p[4] * y))

    for _ in range(250):
        seen = clean + noise * rng.standard_normal(len(n))
        p = least_squares(lambda p, seen=seen: model(p) - seen, truth, method="lm").x
        found.append((math.exp(p[0]), p[3], p[4], p[4] / (p[3] + p[4])))
    scatter = dict(zip(("E", "alpha", "beta", "a"), np.std(found, axis=0), strict=True))
    expected = surface_errors(TRUTH, n, d, noise)
    assert set(expected) == {*names, "a", "b"}
    for name, value in scatter.items():
        assert expected[name] == pytest.approx(value, rel=0.2), name
    assert expected["a"] == pytest.approx(expected["b"])


def test_width_matters_most_and_one_ratio_identifies_nothing():
    plan = Plan(BUDGETS, (7, 7, 7, 7))
    narrow, wide = (surface_errors(TRUTH, *runs_of(plan, span), 0.002)["a"] for span in (2.0, 8.0))
    assert narrow > 2 * wide
    n = np.geomspace(1e4, 1e7, 12)
    # Only the bend between two exponents is left to tell them apart by.
    assert surface_errors(TRUTH, n, 20 * n, 0.002)["a"] > 10 * wide


def test_only_the_sizes_that_the_local_parabola_takes_count():
    sizes = dict.fromkeys(np.geomspace(1e3, 1e7, 9).tolist(), 2)
    kept = windowed({1e12: sizes}, {1e12: 1.2e5})[1e12]
    assert sorted(kept) == sorted(sizes)[2:7] and set(kept.values()) == {2}
    dense = dict.fromkeys(np.geomspace(1e4, 1e6, 41).tolist(), 1)
    near = sorted(windowed({1e12: dense}, {1e12: 1e5})[1e12])
    assert len(near) == 13 and near[-1] / near[0] == pytest.approx(4, rel=0.05)
    # Sizes over x8 in twelve steps: four steps either way are x4 to the last digit, and count.
    for centre in np.geomspace(1e4, 1e6, 20):
        (planned,) = Plan((1e12,), (13,)).profiles({1e12: centre}).values()
        assert len(windowed({1e12: planned}, {1e12: centre})[1e12]) == 9


def test_a_plan_is_made_without_torch():
    """Which would take seconds to load."""
    words = "import sys, analysis.design; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == 0


def test_the_cheapest_plan_reaches_the_precision_and_none_cheaper_does():
    def error_of(plan: Plan) -> float:
        return exponent_error(plan.profiles(), 0.1, 0.02)

    best, _ = cheapest(1e11, 1e14, 0.05, error_of)
    assert best is not None and error_of(best) <= 0.05
    cheaper = [plan for plan in candidates(1e11, 1e14) if plan.flops < best.flops]
    assert len(cheaper) > 100 and min(map(error_of, cheaper[:: len(cheaper) // 100])) > 0.05
    none, sharpest = cheapest(1e11, 1e12, 1e-4, error_of)
    assert none is None and error_of(sharpest) == min(map(error_of, candidates(1e11, 1e12)))


def test_seeds_and_runs_that_are_there_sharpen_the_exponent():
    one, three = Plan(BUDGETS, (5, 5, 5, 5)), Plan(BUDGETS, (5, 5, 5, 5), 3)
    assert three.flops == pytest.approx(3 * one.flops)
    errors = [exponent_error(plan.profiles(), 0.1, 0.003) for plan in (one, three)]
    assert errors[0] == pytest.approx(math.sqrt(3) * errors[1])
    both = joined(one.profiles(), Plan((1e12,), (5,), 2).profiles())
    assert set(both[1e12].values()) == {3} and set(both[1e13].values()) == {1}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    """A warehouse of a sweep whose truth is known, 0.5% noise."""
    columns = simulate(budgets=(1e12, 3e12, 1e13), noise=0.005, seeds=2, seed=4)
    return write_warehouse(tmp_path_factory.mktemp("design") / "warehouse.duckdb", columns)


def test_command_proposes_a_sweep_that_ml_sweep_takes_up(warehouse, tmp_path, capsys):
    file = tmp_path / "plan.json"
    assert main([str(warehouse), "--precision", "0.015", "--largest", "1e14", "--write", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["expected_standard_errors"]["together"]["a"] <= 0.015 < told["expected_standard_errors"]["so_far"]["a"]
    plan = read_plan(file)
    assert plan.budgets == pytest.approx(told["budgets"], rel=1e-3) and max(plan.budgets) <= 1.001e14
    for budget, centre in zip(plan.budgets, plan.centres, strict=True):
        assert centre == pytest.approx(true_optimum(budget), rel=0.1)
    assert plan.seed_noise == pytest.approx(0.005 * 2.9, rel=0.5)
    assert told["flops"] == pytest.approx(
        sum(b * k for b, k in zip(told["budgets"], told["sizes_per_budget"], strict=True))
    )


def test_bootstrap_standard_error_is_that_of_the_refits_and_not_stretched(warehouse, capsys):
    """The interval of a allows for few degrees of freedom and is wider than the refits; a standard error is not."""
    command = [str(warehouse), "--budgets", "1e13,1e14", "--bootstrap", "150", "--seed", "5", "--json"]
    assert main(command) == 0
    told = json.loads(capsys.readouterr().out)
    profiles = budget_profiles(read_points(str(warehouse)))[0]
    fit = fit_parabola(profiles, 150, 5)
    found = told["bootstrap_standard_error_so_far"]
    assert found == pytest.approx(np.nanstd(fit.draws["a"]), rel=1e-9)
    assert found < np.diff(fit.intervals["a"])[0] / 2 / 1.96 / 1.2


def test_without_refits_of_a_there_is_no_bootstrap_standard_error(tmp_path, capsys):
    path = write_warehouse(tmp_path / "warehouse.duckdb", simulate(budgets=(1e12,), noise=0.005))
    assert main([str(path), "--budgets", "1e13,1e14", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bootstrap_standard_error_so_far"] is None


def test_command_judges_a_plan_of_ones_own(warehouse, capsys):
    assert main([str(warehouse), "--budgets", "1e13,1e12", "--sizes-per-budget", "5", "--seeds", "3"]) == 0
    text = capsys.readouterr().out
    assert "30 runs, 3 seeds a size" in text and "runs so far" in text
    assert "--budgets 1e12,1e13 --sizes-per-budget 5,5 --seeds 0,1,2" in text


@pytest.mark.parametrize(
    ("options", "message", "status"),
    [
        (["--precision", "1e-6", "--largest", "3e13"], "no sweep between", 1),
        (["--largest", "2e12"], "leaves no room", 2),
        (["--sizes-per-budget", "5"], "goes with --budgets", 2),
        (["--budgets", "1e12,1e13", "--sizes-per-budget", "5,5,5"], "one a budget", 2),
        (["--precision", "0"], "above 0", 2),
        (["--seed", "-1"], "a seed is 0 or more", 2),
        (["--bootstrap", "99"], "at least 100 draws", 2),
        (["--budgets", "1e12,much"], "invalid comma-separated list value", 2),
        (["--budgets", ","], "invalid comma-separated list value", 2),
    ],
)
def test_mistakes_are_one_clear_line(warehouse, options, message, status):
    with pytest.raises(UserError, match=message) as caught:
        main([str(warehouse), *options])
    assert caught.value.exit_status == status

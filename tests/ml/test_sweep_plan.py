"""A plan as a file: what a sweep takes from it, and what is no plan."""

import json
from pathlib import Path

import pytest

from ml.sweep import Sweep, parse
from ml.sweep_plan import read_plan
from ml.sweep_table import expected_error
from warehouse.errors import UserError

PLAN = {
    "format": 1,
    "budgets": [1e12, 4e12],
    "sizes_per_budget": [3, 5],
    "centres": [60_000, None],
    "seeds": [0, 1],
    "curvature": 0.2,
    "seed_noise": 0.004,
}


def write(folder: Path, **changes: object) -> Path:
    path = folder / "plan.json"
    path.write_text(json.dumps(PLAN | changes))
    return path


def test_a_sweep_takes_up_budgets_sizes_centres_seeds_and_what_is_expected(shards: Path, tmp_path: Path) -> None:
    options = ["--shards", str(shards), "--context", "48", "--plan", str(write(tmp_path))]
    sweep = Sweep(parse(options), tmp_path / "runs")
    sweep.settle()
    jobs = sweep.outlook()
    assert {(job.budget, job.plan.settings.seed) for job in jobs} == {(b, s) for b in (1e12, 4e12) for s in (0, 1)}
    sizes = {budget: sorted({job.n_with_head for job in jobs if job.budget == budget}) for budget in (1e12, 4e12)}
    assert len(sizes[1e12]) == 3 and sizes[1e12][1] == pytest.approx(60_000, rel=0.1)
    assert sweep.centre(4e12)[0] != sweep.centre(1e12)[0]  # its centre is not known: the sweep's own expectation
    assert "curvature 0.200 expected; seed noise 0.0040 expected" in expected_error(jobs, sweep.args.expected)
    assert parse([*options, "--sizes-per-budget", "4", "--seeds", "5"]).seeds == [5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "no plan of format 1"),
        ({"centres": [1.0]}, "lists of one length"),
        ({"budgets": [1e12, -1]}, "above 0"),
        ({"budgets": []}, "lists of one length"),
        ({"budgets": 1e12}, "lists of one length"),
        ({"sizes_per_budget": "55"}, "lists of one length"),
        ({"budgets": ["a", 1e12]}, "numbers above 0"),
        ({"budgets": [True, 1e12]}, "numbers above 0"),
        ({"centres": [0, None]}, "numbers above 0"),
        ({"curvature": None}, "numbers above 0"),
        ({"sizes_per_budget": [3.5, 5]}, "sizes_per_budget must be whole numbers"),
        ({"sizes_per_budget": [0, 5]}, "sizes_per_budget must be whole numbers"),
        ({"seeds": 3}, "seeds must be a list of whole numbers"),
        ({"seeds": []}, "seeds must be a list of whole numbers"),
        ({"seeds": ["a"]}, "seeds must be a list of whole numbers"),
        ({"seeds": [-1]}, "seeds must be a list of whole numbers"),
    ],
)
def test_what_is_no_plan_is_one_clear_line(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_plan(write(tmp_path, **changes))


def test_a_plan_that_is_not_there_or_beside_budgets_is_one_clear_line(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        read_plan(tmp_path / "none.json")
    (tmp_path / "text.json").write_text("budgets: 1e12")
    with pytest.raises(UserError, match="no JSON"):
        read_plan(tmp_path / "text.json")
    (tmp_path / "half.json").write_text('{"format": 1, "budgets": [1e12]}')
    with pytest.raises(UserError, match="has no sizes_per_budget"):
        read_plan(tmp_path / "half.json")
    for both in ([], ["--budgets", "1e12", "--plan", str(write(tmp_path))]):
        with pytest.raises(UserError, match="give the budgets one way"):
            parse(["--shards", str(shards), *both])

"""Reading points and the command: columns, bad rows, budgets, JSON, and one clear line for each mistake."""

import csv
import json
import math
import subprocess
import sys

import duckdb
import numpy as np
import pytest

from analysis.fit import main
from analysis.methods import METHODS, fit_methods
from analysis.points import make_points
from analysis.readers import read_points
from analysis.results import budget_key, percentile_interval
from tests.analysis.conftest import TRUE_A, simulate
from warehouse.errors import UserError


def write_csv(path, columns):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns.keys(), *zip(*columns.values(), strict=True)])
    return str(path)


def small(**names):
    """A tiny table under other names."""
    columns = {"n": [1e6, 2e6, 4e6], "d": [1e8, 2e8, 4e8], "loss": [4.0, 3.5, 3.2]}
    return {names.get(name, name): column for name, column in columns.items()}


def codes(points):
    return [note.code for note in points.notes]


def test_csv_parquet_and_duckdb_give_the_same_points(tmp_path):
    columns = simulate(budgets=(1e11, 1e12), noise=0.002)
    source = write_csv(tmp_path / "points.csv", columns)
    database = tmp_path / "w.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema runs")
        connection.execute(f"create table runs.isoflop_points as from read_csv('{source}')")
        connection.execute("create table other as from runs.isoflop_points")
        connection.execute(f"copy other to '{tmp_path / 'points.parquet'}' (format parquet)")
    expected = read_points(source)
    assert len(expected) == 14
    for other in ("points.parquet", "w.duckdb", "w.duckdb:runs.isoflop_points", "w.duckdb:other"):
        found = read_points(str(tmp_path / other))
        for name in ("n", "d", "loss", "flops", "budget", "configuration"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12)


def test_other_names_are_understood_and_said(tmp_path):
    points = read_points(write_csv(tmp_path / "p.csv", small(n="Model Size", d="Training Tokens", loss="val_loss")))
    np.testing.assert_allclose(points.n, [1e6, 2e6, 4e6])
    texts = [note.text for note in points.notes if note.code == "column_alias"]
    assert texts == [
        "n is read from column 'Model Size'.",
        "d is read from column 'Training Tokens'.",
        "loss is read from column 'val_loss'.",
    ]


def test_columns_can_be_named(tmp_path):
    source = write_csv(tmp_path / "p.csv", small(n="x", loss="y") | {"loss_train": [1, 1, 1]})
    np.testing.assert_allclose(read_points(source, {"n": "x", "loss": "y"}).loss, [4.0, 3.5, 3.2])
    with pytest.raises(UserError, match="no column for n, loss"):
        read_points(source)
    with pytest.raises(UserError, match="no column 'z'"):
        read_points(source, {"n": "z"})


def test_several_columns_of_one_meaning_are_said(tmp_path):
    points = read_points(write_csv(tmp_path / "p.csv", small() | {"params": [9, 9, 9]}))
    np.testing.assert_allclose(points.n, [1e6, 2e6, 4e6])
    assert "columns_unused" in codes(points)


def test_bad_rows_are_dropped_and_counted(tmp_path):
    columns = {name: [*column, *column] for name, column in small().items()}
    columns["loss"][0], columns["n"][1], columns["d"][2] = "", "many", -5
    columns["loss"][3] = "nan"
    points = read_points(write_csv(tmp_path / "p.csv", columns))
    assert len(points) == 2
    text = next(note.text for note in points.notes if note.code == "rows_dropped")
    assert text == (
        "4 of 6 rows dropped: 1 with d not positive; 2 with loss missing or not a number; "
        "1 with n missing or not a number."
    )


def test_tokens_follow_from_compute_with_a_warning(tmp_path):
    points = read_points(write_csv(tmp_path / "p.csv", {"n": [1e6, 2e6], "loss": [3, 2], "flops": [6e14, 6e14]}))
    np.testing.assert_allclose(points.d, [1e8, 5e7])
    assert "d_from_flops" in codes(points)


def test_compute_is_6nd_where_it_is_not_given(tmp_path):
    points = read_points(write_csv(tmp_path / "p.csv", small()))
    np.testing.assert_allclose(points.flops, 6 * points.n * points.d)
    assert {"flops_6nd", "budgets_clustered"} <= set(codes(points))


def test_runs_on_other_data_are_left_out_and_counted(tmp_path):
    points = read_points(write_csv(tmp_path / "p.csv", small() | {"shard_fingerprint": ["x", "x", "y"]}))
    assert len(points.n) == 2
    assert [note.text[:6] for note in points.notes if note.code == "mixed_data"] == ["1 of 3"]


def test_compute_far_from_6nd_and_from_the_budget_is_pointed_out():
    n, d = np.array([1e6, 2e6]), np.array([1e8, 1e8])
    points = make_points(n, d, np.array([3.0, 2.0]), flops=60 * n * d, budget=6 * n * d)
    assert {"flops_not_6nd", "budget_off"} <= set(codes(points))


def test_budgets_are_clusters_of_compute():
    c = np.array([0.97e17, 1e17, 1.04e17, 3e17, 3.1e17, 9e17])
    points = make_points(np.full(6, 1e7), c / 6e7, np.full(6, 3.0), flops=c)
    assert len(np.unique(points.budget)) == 3
    assert len(set(points.budget[:3])) == 1
    chain = np.geomspace(1e17, 1e18, 40)
    joined = make_points(np.full(40, 1e7), chain / 6e7, np.full(40, 3.0), flops=chain)
    for budget in np.unique(joined.budget):
        assert np.ptp(np.log(chain[joined.budget == budget])) <= math.log(1.5) + 1e-9


def test_configurations_are_told_apart_by_name_size_and_budget(tmp_path):
    columns = {
        "n": [1e6, 1e6, 2e6, 2e6],
        "d": [1e8] * 4,
        "loss": [3.0, 3.1, 2.9, 2.8],
        "learning_rate": [0.1, 0.1, 0.1, 0.2],
    }
    unnamed = read_points(write_csv(tmp_path / "p.csv", columns))
    assert len(set(unnamed.configuration)) == 3
    named = read_points(write_csv(tmp_path / "p.csv", columns | {"configuration": ["x", "x", "x", "y"]}))
    assert len(set(named.configuration)) == 3
    gaps = read_points(write_csv(tmp_path / "p.csv", columns | {"configuration": ["x", "", "", ""]}))
    np.testing.assert_array_equal(gaps.configuration, unnamed.configuration)
    assert "column_empty" in codes(gaps)


def test_repeated_data_is_fitted_where_unique_tokens_are_given():
    columns = simulate()
    columns.pop("seed")
    points = make_points(**columns, unique_tokens=np.full(35, columns["d"].min() / 5))
    assert "repeated_data" in fit_methods(points, bootstrap=100)
    assert "many_epochs" in codes(points)
    assert "many_epochs" not in codes(make_points(**columns, unique_tokens=columns["d"]))


def test_points_must_be_positive():
    with pytest.raises(ValueError, match="d must be positive"):
        make_points(np.array([1.0]), np.array([0.0]), np.array([1.0]))


def test_json_is_the_contract(tmp_path, capsys):
    source = write_csv(tmp_path / "p.csv", simulate(noise=0.002, seed=5))
    assert main([source, "--json", "--bootstrap", "200"]) == 0
    answer = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert set(answer) == {"methods", "points"}
    assert answer["points"] == 35
    assert tuple(answer["methods"]) == METHODS[:-4], "no unique tokens, no patients, no curves: none of their laws"
    for name, method in answer["methods"].items():
        assert set(method) == {"estimates", "intervals", "objective", "status", "notes", "other_intervals", "search"}
        assert method["status"] == "converged", name
        assert set(method["estimates"]) == set(method["intervals"])
        assert all(set(note) == {"code", "severity", "text"} for note in method["notes"])
    isoflop = answer["methods"]["isoflop_parabola"]
    assert isoflop["estimates"]["a"] == pytest.approx(TRUE_A, abs=0.03)
    assert list(isoflop["estimates"]["n_opt"]) == ["3e+11", "1e+12", "3e+12", "1e+13", "3e+13"]
    low, high = isoflop["intervals"]["n_opt"]["1e+12"]
    assert low <= isoflop["estimates"]["n_opt"]["1e+12"] <= high


def test_unknown_numbers_are_null_in_json(tmp_path, capsys):
    assert main([write_csv(tmp_path / "p.csv", small()), "--json"]) == 0
    text = capsys.readouterr().out
    assert "NaN" not in text
    assert "Infinity" not in text
    answer = json.loads(text)
    for method in answer["methods"].values():
        assert method["status"] == "not_identified"
        assert set(method["estimates"].values()) == {None}
        assert method["objective"] is None
        assert any(note["severity"] == "error" or note["code"] == "few_sizes" for note in method["notes"])


def test_text_has_every_method_with_intervals_and_no_nan(tmp_path, capsys):
    assert (
        main([write_csv(tmp_path / "p.csv", simulate(budgets=(1e11, 3e11, 1e12), noise=0.003)), "--bootstrap", "100"])
        == 0
    )
    text = capsys.readouterr().out
    for label in ("IsoFLOP, local parabola", "IsoFLOP, Akima", "Surface, Huber 1e-3", "Loss against compute"):
        assert label in text
    assert "not identified" in text
    assert "nan" not in text.replace("tenant", "")


def test_methods_can_be_chosen_and_seeds_decide(tmp_path, capsys):
    source = write_csv(tmp_path / "p.csv", simulate(noise=0.003))
    outputs = []
    for seed in ("3", "3", "4"):
        main([source, "--json", "--methods", "loss_compute,surface_lad", "--bootstrap", "100", "--seed", seed])
        outputs.append(capsys.readouterr().out)
    assert list(json.loads(outputs[0])["methods"]) == ["surface_lad", "loss_compute"]
    assert outputs[0] == outputs[1] != outputs[2]


@pytest.mark.parametrize("factor", [1e-2, 300.0])
def test_scaling_n_leaves_the_isoflop_exponents(factor):
    columns = simulate(noise=0.002)
    columns.pop("seed")
    before = fit_methods(make_points(**columns), METHODS[:2], 100)
    after = fit_methods(make_points(**columns | {"n": columns["n"] * factor}), METHODS[:2], 100)
    for name in METHODS[:2]:
        assert after[name].estimates["a"] == pytest.approx(before[name].estimates["a"], abs=1e-9)
        for key, value in before[name].estimates["n_opt"].items():
            assert after[name].estimates["n_opt"][key] == pytest.approx(value * factor, rel=1e-9)


def test_order_of_rows_and_copies_of_seeds_leave_every_estimate():
    columns = simulate(noise=0.002)
    columns.pop("seed")
    order = np.random.default_rng(1).permutation(len(columns["n"]))
    plain = fit_methods(make_points(**columns), METHODS[:-4], 20, others=False)
    for changed in (order, np.repeat(order, 2)):
        other = fit_methods(make_points(**{k: v[changed] for k, v in columns.items()}), METHODS[:-4], 20, others=False)
        for name, parameter in (("isoflop_parabola", "a"), ("isoflop_parabola", "b"), ("loss_compute", "g")):
            assert other[name].estimates[parameter] == pytest.approx(plain[name].estimates[parameter], rel=1e-9)
        assert other["surface_huber"].estimates["a"] == pytest.approx(plain["surface_huber"].estimates["a"], rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv"], "no such file"),
        (["empty.csv"], "no rows"),
        (["words.csv"], "holds no numbers"),
        (["negative.csv"], "no usable row of 2"),
        (["nothing.duckdb"], "no table runs.isoflop_points"),
        (["broken.parquet"], "cannot be read"),
        (["good.csv", "--methods", "magic"], "unknown method 'magic'"),
        (["good.csv", "--bootstrap", "3"], "at least 100 draws"),
        (["good.csv", "--seed", "-1"], "a seed is 0 or more"),
        (["good.csv", "--columns", "size"], "not NAME=COLUMN"),
    ],
)
def test_mistakes_are_one_clear_line_and_status_2(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "good.csv", small())
    write_csv(tmp_path / "words.csv", small() | {"loss": ["low", "lower", "lowest"]})
    write_csv(tmp_path / "negative.csv", {"n": [-1, -2], "d": [1, 2], "loss": [1, 2]})
    (tmp_path / "empty.csv").write_text("n,d,loss\n")
    (tmp_path / "broken.parquet").write_text("no parquet")
    duckdb.connect(str(tmp_path / "nothing.duckdb")).close()
    with pytest.raises(UserError, match=message) as caught:
        main(arguments)
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)


def test_command_ends_with_status_2_and_no_trace(tmp_path):
    command = [sys.executable, "-m", "analysis.fit", str(tmp_path / "missing.csv")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: ")
    assert answer.stderr.count("\n") == 1


def test_intervals_are_stretched_for_few_degrees_of_freedom():
    draws = np.random.default_rng(0).standard_normal(4000)
    plain, stretched = percentile_interval(draws), percentile_interval(draws, 5)
    assert np.diff(stretched)[0] / np.diff(plain)[0] == pytest.approx(2.5706 / 1.96, rel=1e-3)
    assert np.isnan(percentile_interval(draws, 0)).all()
    assert np.isnan(percentile_interval(np.full(10, np.nan))).all()


def test_budget_keys_are_distinct_and_can_be_read_back():
    budgets = [1.25e16, 2.5e16, 1e17, 3.003e11, 3.004e11]
    keys = [budget_key(budget) for budget in budgets]
    assert len(set(keys)) == 5
    np.testing.assert_allclose([float(key) for key in keys], budgets, rtol=1e-3)

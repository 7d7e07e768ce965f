"""Tables as others write them: filters, groups, checkpoints, compute per token, units, constants given; nothing guessed silently."""

import csv
import json

import numpy as np
import pytest

from analysis.fit import main
from analysis.overtrained import fit_overtrained
from analysis.points import make_points
from analysis.readers import read_points
from tests.analysis.conftest import simulate, true_loss
from warehouse.errors import UserError


def write_csv(path, columns):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns.keys(), *zip(*columns.values(), strict=True)])
    return str(path)


def codes(fit):
    return {note.code for note in fit.notes}


def answer_of(capsys, *arguments):
    """The object of --json, with its notes' codes by method."""
    assert main([*arguments, "--json", "--bootstrap", "100"]) == 0
    methods = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["methods"]
    return methods, {name: {note["code"] for note in entry["notes"]} for name, entry in methods.items()}


def two_studies():
    """Two sweeps in one table, the second with half the loss."""
    one = simulate(budgets=(1e11, 1e12, 1e13))
    both = {name: np.concatenate([column, column]) for name, column in one.items() if name != "seed"}
    both["loss"] = both["loss"] * np.repeat([1.0, 0.5], len(one["n"]))
    both["corpus"] = np.repeat(["c4", "pile"], len(one["n"]))
    both["size"] = [f"{n / 1e6:.4f}M" for n in both["n"]]
    both["name"] = [f"run-{i}" for i in range(len(both["n"]))]
    return both


def test_kinds_of_rows_are_pointed_out_and_can_be_chosen(tmp_path):
    source = write_csv(tmp_path / "p.csv", two_studies())
    mixed = read_points(source)
    (note,) = [note for note in mixed.notes if note.code == "mixed_groups"]
    assert note.severity == "warning"
    assert "corpus (2 values)" in note.text
    assert "size" not in note.text, "a name for sizes is no kind"
    assert "name" not in note.text, "a name for runs is no kind"
    part = read_points(source, keep={"corpus": "pile"})
    assert len(part) == len(mixed) / 2
    assert "mixed_groups" not in codes(part)
    np.testing.assert_allclose(part.loss, mixed.loss[len(part) :])


@pytest.mark.parametrize("value", ["1e12", "1000000000000", "1000000000000.0"])
def test_numbers_are_filtered_as_numbers(value, tmp_path):
    assert len(read_points(write_csv(tmp_path / "p.csv", two_studies()), keep={"budget": value})) == 14


@pytest.mark.parametrize(
    ("keep", "message"),
    [({"corpus": "wiki"}, "no such row; corpus has c4, pile"), ({"data": "c4"}, "no column 'data'")],
)
def test_filters_that_leave_nothing_say_what_there_is(keep, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read_points(write_csv(tmp_path / "p.csv", two_studies()), keep=keep)


def test_a_missing_loss_names_the_columns_that_may_hold_it(tmp_path):
    columns = {f"x{i}": [1, 2] for i in range(40)} | {
        "n": [1, 2],
        "d": [1, 2],
        "loss_c4": [1, 2],
        "hellaswag_bpb": [1, 2],
    }
    with pytest.raises(UserError, match=r"no column for loss; it has loss_c4, hellaswag_bpb, x0, .* and 32 more;"):
        read_points(write_csv(tmp_path / "p.csv", columns))


def test_compute_per_token_is_used_and_said(tmp_path):
    columns = {"n": [1e6, 2e6], "d": [1e8, 2e8], "loss": [3, 2], "flops_per_token": [7e6, 14e6]}
    points = read_points(write_csv(tmp_path / "p.csv", columns))
    np.testing.assert_allclose(points.flops, [7e14, 28e14])
    assert {"flops_from_per_token"} <= codes(points)
    assert "flops_6nd" not in codes(points)


def test_units_that_cannot_be_are_pointed_out():
    assert "units" in codes(make_points(np.array([70.0, 400]), np.array([1e9, 2e9]), np.array([3.0, 2.5])))
    assert "units" in codes(make_points(np.array([7e7, 4e8]), np.array([1.4, 8.0]), np.array([3.0, 2.5])))
    assert "units" not in codes(make_points(np.array([7e7, 4e8]), np.array([1e9, 2e9]), np.array([3.0, 2.5])))


def test_a_cloud_of_runs_is_no_isoflop_sweep(tmp_path):
    rng = np.random.default_rng(0)
    n, d = np.exp(rng.uniform(np.log(1e5), np.log(1e7), 80)), np.exp(rng.uniform(np.log(1e6), np.log(1e9), 80))
    assert "budgets_unclear" in codes(make_points(n, d, true_loss(n, d)))
    assert "budgets_unclear" not in codes(make_points(*(simulate()[name] for name in ("n", "d", "loss"))))


def test_checkpoints_in_a_csv_are_an_envelope_and_points(tmp_path, capsys):
    rows = [
        (f"r{i}", n, tokens, true_loss(n, tokens))
        for i, n in enumerate(np.geomspace(1e5, 2e7, 14))
        for tokens in np.geomspace(2 * n, (100 + 300 * (i % 3)) * n, 12)
    ]
    source = write_csv(
        tmp_path / "p.csv", dict(zip(("run_id", "params", "tokens", "val_loss"), zip(*rows, strict=True), strict=True))
    )
    methods, notes = answer_of(capsys, source, "--methods", "envelope,surface_huber")
    assert {"last_of_run", "decay_not_matched"} <= notes["envelope"]
    assert methods["envelope"]["status"] == "converged"
    assert methods["envelope"]["estimates"]["a"] == pytest.approx(0.4615, abs=0.05)
    assert methods["surface_huber"]["estimates"]["alpha"] == pytest.approx(0.35, rel=1e-3)
    _, notes = answer_of(capsys, source, "--methods", "envelope", "--matched-decay")
    assert "decay_not_matched" not in notes["envelope"]


def test_patients_and_repeats_bring_their_laws(tmp_path, capsys):
    columns = simulate(budgets=(1e11, 1e12, 1e13))
    columns["unique_tokens"] = np.full(21, 1e5)
    columns["n_patients"] = np.tile([300, 900, 2700], 7)
    methods, notes = answer_of(
        capsys, write_csv(tmp_path / "p.csv", columns), "--base", "E=1.5,A=60,B=90,alpha=.35,beta=.3"
    )
    assert {"repeated_data", "repeated_rising", "joint_patients"} <= set(methods)
    assert "base_given" in notes["repeated_rising"]
    assert methods["repeated_data"]["estimates"]["E"] == 1.5
    assert methods["joint_patients"]["search"]["starts"] == 24


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--where", "corpus"], "not COLUMN=VALUE"),
        (["--base", "E=1,A=2"], "B is missing"),
        (["--base", "E=1,A=2,B=x,alpha=1,beta=1"], "could not convert"),
        (["--base", "E=1,A=-2,B=1,alpha=1,beta=1"], "positive"),
        (["--base", "F=1"], "not NAME=COLUMN with NAME among E, A"),
    ],
)
def test_mistakes_are_one_clear_line(arguments, message, tmp_path):
    with pytest.raises(UserError, match=message) as caught:
        main([write_csv(tmp_path / "p.csv", simulate()), *arguments])
    assert "\n" not in str(caught.value)


def test_one_exponent_law_is_recovered_scaled_and_refused():
    columns = simulate()
    n, d = columns["n"], columns["d"]
    loss = 1.5 + 60 / n**0.3 + 90 / d**0.3
    fit = fit_overtrained(make_points(n, d, loss), 200, 0)
    assert fit.status == "converged"
    for name, value in {"E": 1.5, "A": 60, "B": 90, "eta": 0.3}.items():
        assert fit.estimates[name] == pytest.approx(value, rel=1e-4), name
    noisy = loss * np.exp(0.002 * np.random.default_rng(0).standard_normal(len(n)))
    before = fit_overtrained(make_points(n, d, noisy), 300, 0)
    assert before.intervals["eta"][0] < 0.3 < before.intervals["eta"][1]
    after = fit_overtrained(make_points(n * 40, d, noisy), 300, 0)
    assert after.estimates["eta"] == pytest.approx(before.estimates["eta"], rel=1e-5)
    assert after.estimates["A"] == pytest.approx(before.estimates["A"] * 40 ** before.estimates["eta"], rel=1e-3)
    twice = fit_overtrained(make_points(*(np.tile(column, 2) for column in (n, d, noisy))), 300, 0)
    assert twice.estimates["A"] == pytest.approx(before.estimates["A"], rel=1e-4)
    assert np.diff(twice.intervals["eta"])[0] == pytest.approx(np.diff(before.intervals["eta"])[0], rel=1e-6)
    assert codes(fit_overtrained(make_points(n[:4], d[:4], loss[:4]), 100, 0)) == {"few_configurations"}
    assert codes(fit_overtrained(make_points(n, 20 * n, loss), 100, 0)) == {"one_ratio"}

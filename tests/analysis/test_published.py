"""What others published, from their own rows: published number, ours, tolerance. `python -m tests.analysis.test_published`
prints the table.

Each check gives (what, published, ours, tolerance); the tests assert every line.
"""

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analysis.akima import fit_akima
from analysis.isoflop import fit_parabola
from analysis.loss_error import fit_loss_error
from analysis.overtrained import fit_overtrained, predict_overtrained
from analysis.points import Points, budget_profiles, make_points, seed_noise
from analysis.repeated import fit_decay, predict
from analysis.surface import fit_surfaces
from analysis.surface_solver import huber
from tests.analysis.conftest import C4, column, repeated_rows, rows_of

Line = tuple[str, float, float, float]
# Muennighoff 2023: the published decay.
R_D, R_N = 15.387756, 5.309743
PORIAN_KEYS = ("file", "dataset", "hparams", "warmup", "decay", "param_count", "val")
# Porian 2024: what others get on these grids; a global parabola is off by up to .37.
PORIAN_AKIMA, PORIAN_PARABOLA = 0.01, 0.035


def porian_sweeps(folder: Path) -> Iterator[tuple[str, float, Points]]:
    """(name, published a, points) of the 15 published sweeps."""
    rows = rows_of(folder / "porian" / "isoflop_points.csv")
    for fit in rows_of(folder / "porian" / "published_fits.csv"):
        mine = [row for row in rows if all(row[key] == fit[key] for key in PORIAN_KEYS)]
        columns = {
            ours: column(mine, theirs) for ours, theirs in (("n", "n"), ("d", "t"), ("loss", "loss"), ("flops",) * 2)
        }
        yield "/".join(fit[key] for key in PORIAN_KEYS[1:]), float(fit["a"]), make_points(**columns)


def porian_lines(folder: Path) -> Iterator[Line]:
    """The 15 exponents by Akima with noise bootstrap and by local parabola."""
    for name, published, points in porian_sweeps(folder):
        profiles, _ = budget_profiles(points)
        yield f"{name}, Akima", published, fit_akima(profiles, seed_noise(points), 1000, 0).estimates["a"], PORIAN_AKIMA
        yield f"{name}, parabola", published, fit_parabola(profiles, 100, 0).estimates["a"], PORIAN_PARABOLA


def datablations_lines(folder: Path) -> Iterator[Line]:
    """Objective and R2 at the published point, its predictions, and the lower minimum."""
    points = repeated_rows(folder)
    residual = np.log(points.loss) - np.log(predict(C4, R_D, R_N, points.n, points.d, points.unique_tokens))
    yield "objective at the published point", 0.015825936570763588, float(huber(residual, np.ones(182), 1e-3)), 1e-8
    left = ((points.loss - points.loss * np.exp(-residual)) ** 2).sum() / (
        (points.loss - points.loss.mean()) ** 2
    ).sum()
    yield "R2 at the published point", 0.7722046085, 1 - float(left), 1e-8
    for n, d, loss in ((6.34e9, 242e9, 2.2256440889984477), (8.67e9, 178e9, 2.2269634075087867)):
        ours = predict(C4, R_D, R_N, np.array([n]), np.array([d]), np.array([25e9]))[0]
        yield f"L({n:.3g}, {d:.3g}, 2.5e+10)", loss, float(ours), 1e-6
    fit = fit_decay(points, C4, 100, 0)
    yield "least objective found", 0.0158046625, fit.objective, 1e-8
    yield "R_D there", 95.4, fit.estimates["R_D"], 0.5
    yield "R_N there", 1.706, fit.estimates["R_N"], 0.005


def gadre_lines(folder: Path) -> Iterator[Line]:
    """Relative errors, per cent, of the loss law and of the error law carried to the large runs (RedPajama, loss on C4)."""
    rows = [row for row in rows_of(folder / "gadre" / "gadre_runs.csv") if row["dataset"] == "rpj"]
    small = ("d=96_l=8_h=4", "d=512_l=8_h=4", "d=576_l=24_h=8", "d=1024_l=24_h=8")

    def run(model: str, multiple: float) -> dict[str, str]:
        return next(row for row in rows if row["model"] == model and float(row["cc_mult"]) == multiple)

    fitted = [*(run(model, 1) for model in small), run(small[0], 16)]
    law = fit_overtrained(make_points(*(column(fitted, name) for name in ("N", "D", "loss_c4_val"))), 100, 0).estimates
    yield "lambda (A)", 166.2, law["A"], 0.05
    yield "exponent", 0.27285, law["eta"], 5e-6
    yield "E", 1.8366, law["E"], 5e-5
    with_1b = [*fitted, run("open_lm_1b", 1)]
    error = fit_loss_error(column(with_1b, "loss_c4_val"), column(with_1b, "err_avg17"), 100, 0).estimates
    yield "eps of the error law", 0.8570, error["eps"], 5e-5
    yield "k of the error law", 2.2065, error["k"], 5e-5
    yield "gamma of the error law", 0.7146, error["gamma"], 5e-5
    large = {"1.4B, M 640": run("open_lm_1b", 32), "6.9B, M 20": run("open_lm_7b", 1)}
    published = {"1.4B, M 640": (0.7103, 3.6365), "6.9B, M 20": (0.7320, 0.0464)}
    for name, row in large.items():
        loss = float(predict_overtrained(law, float(row["N"]), float(row["D"])))
        predicted = error["eps"] - error["k"] * math.exp(-error["gamma"] * loss)
        for what, value, truth, expected in (
            ("loss", loss, float(row["loss_c4_val"]), published[name][0]),
            ("17-task error", predicted, float(row["err_avg17"]), published[name][1]),
        ):
            yield f"{name}, {what}: relative error, %", expected, 100 * abs(value / truth - 1), 2e-4


def olmo_lines(folder: Path) -> Iterator[Line]:
    """Step 1 of the ladder: relative errors, per cent, of the task loss of 7B and 13B, and the mean error of the fit."""
    rows = rows_of(folder / "olmo_ladder" / "ladder_final.csv")
    train = np.array([row["mode"] == "train" for row in rows])
    n, d = column(rows, "N"), column(rows, "D")
    published = {"hellaswag": (0.3, 1.2, 0.26), "arc_challenge_test": (7.0, 9.4, 0.48), "piqa": (2.0, 2.7, 0.31)}
    for task, (at_7b, at_13b, about) in published.items():
        loss = column(rows, f"{task}_bpb_ma5")
        (fit,) = fit_surfaces(make_points(n[train], d[train], loss[train]), ("surface_huber_1e3",), 100, 0)
        e = fit.estimates
        off = 100 * np.abs((e["E"] + e["A"] / n ** e["alpha"] + e["B"] / d ** e["beta"]) / loss - 1)
        yield f"{task}, 7B: relative error, %", at_7b, float(off[~train][0]), 0.05
        yield f"{task}, 13B: relative error, %", at_13b, float(off[~train][1]), 0.05
        yield f"{task}: mean relative error of the fit, %", about, float(off[train].mean()), 0.005


SOURCES = {"porian": porian_lines, "datablations": datablations_lines, "gadre": gadre_lines, "olmo_ladder": olmo_lines}


@pytest.mark.parametrize(("source", "count"), [("porian", 30), ("datablations", 7), ("gadre", 10), ("olmo_ladder", 9)])
def test_published_numbers(source, count, shared_data):
    lines = list(SOURCES[source](shared_data / "scaling"))
    assert len(lines) == count
    assert not [line for line in lines if not abs(line[1] - line[2]) <= line[3]]


def test_budgets_of_every_published_sweep_are_told_apart(shared_data):
    """Three of Porian's sweeps have 11 budgets, the others 12; a budget lost or split would move an exponent by little."""
    budgets = [len(budget_profiles(points)[0]) for _, _, points in porian_sweeps(shared_data / "scaling")]
    assert sorted(budgets) == [11] * 3 + [12] * 12


def test_decay_of_repeats_is_unbounded_above(published):
    fit = fit_decay(published, C4, 200, 0)
    assert fit.objective <= 0.0158048
    assert "unbounded_above" in {note.code for note in fit.notes}
    for low, high in (fit.intervals["R_D"], fit.other_intervals["profile"]["R_D"]):
        assert low < 15.4
        assert high == math.inf
    assert fit.to_json()["intervals"]["R_D"][1] is None


def test_global_parabola_would_be_wrong_where_the_local_one_is_not(shared_data):
    """On Porian's widest grid a parabola through all sizes is off by more than .1; ours must not be one."""
    _, published, points = next(porian_sweeps(shared_data / "scaling"))
    profiles, _ = budget_profiles(points)
    whole = [np.polyfit(np.log(p.n), np.log(p.loss), 2) for p in profiles]
    vertices = np.array([-slope / 2 / bend for bend, slope, _ in whole])
    slope = np.polyfit(np.log([p.budget for p in profiles]), vertices, 1)[0]
    assert abs(slope - published) > 0.1
    assert abs(fit_parabola(profiles, 100, 0).estimates["a"] - published) < PORIAN_PARABOLA


if __name__ == "__main__":
    for label, make in SOURCES.items():
        for what, theirs, ours, tolerance in make(Path(os.environ["EHR_SHARED"]) / "data" / "scaling"):
            sys.stdout.write(f"| {label} | {what} | {theirs:.10g} | {ours:.10g} | {tolerance:g} |\n")

"""What to train: recovered optimum, limited data, the cost of being wrong, refusals, and the command."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.methods import fit_methods
from analysis.optimum import compute_rule, law_of, optimum
from analysis.recommend import _score_rows, as_text, main
from analysis.recommendation import recommend
from analysis.repeat_choice import FRESH, Choice
from analysis.repeated import METHOD as REPEATED
from analysis.results import Fit
from analysis.rising import METHOD as RISING
from analysis.utility import scores_of, task_trend
from tests.analysis.conftest import TRUTH, simulate, true_loss, true_optimum, write_task_scores, write_warehouse
from warehouse.errors import UserError

METHODS = ("isoflop_parabola", "surface_huber", "loss_compute")


@pytest.fixture(scope="module")
def fitted(points_of):
    """Points of a sweep with 0.2% noise up to 3e13 FLOPs, and its fits."""
    points = points_of(simulate(noise=0.002, seeds=2, seed=2))
    return points, fit_methods(points, METHODS, 200)


def test_fresh_data_give_the_true_optimum_with_intervals(fitted):
    answer = recommend(*fitted, 3e14)
    assert (answer.status, answer.method, answer.repeats) == ("extrapolated", "surface_huber", "fresh")
    assert answer.factor == pytest.approx(10) and "x10" in answer.notes[0].text
    n, d, loss = (answer.ranges[name] for name in ("n", "d", "loss"))
    best = true_optimum(3e14)
    assert n.low < best < n.high and n.value == pytest.approx(best, rel=0.3)
    assert d.value == pytest.approx(3e14 / 6 / n.value, rel=1e-6)
    truth = float(true_loss(best, 3e14 / 6 / best))
    assert loss.low < truth < loss.high and answer.run_low < loss.low
    assert math.isnan(answer.ranges["epochs"].value)
    assert answer.enough < 3e14
    assert recommend(*fitted, 1e13).status == "inside"


def test_cost_of_being_wrong_is_that_of_the_law(fitted):
    points, fits = fitted
    answer = recommend(points, fits, 3e14)
    low, high = answer.wrong[0], answer.wrong[1]
    assert (low.n, high.n) == (answer.ranges["n"].low, answer.ranges["n"].high)
    law, rule = law_of(fits["surface_huber"].estimates), compute_rule(points)
    for wrong in answer.wrong:
        assert wrong.excess > 0 and 0 < wrong.wasted < 1
        assert wrong.excess == pytest.approx(wrong.loss - answer.ranges["loss"].value)
        assert optimum(law, rule, wrong.needed).loss[0] == pytest.approx(wrong.loss, rel=1e-6)
        assert wrong.wasted == pytest.approx(1 - wrong.needed / 3e14)


def test_few_unique_tokens_are_held_at_four_epochs_and_the_rest_goes_into_size(fitted):
    fresh = recommend(*fitted, 1e14)
    unique = fresh.ranges["d"].value / 10
    answer = recommend(*fitted, 1e14, unique)
    assert answer.repeats == "bound" and "repeats_by_bound" in {note.code for note in answer.notes}
    assert answer.ranges["epochs"].value == pytest.approx(4, rel=1e-3)
    assert answer.ranges["n"].value == pytest.approx(1e14 / 6 / (4 * unique), rel=1e-3)
    assert answer.ranges["loss"].value > fresh.ranges["loss"].value
    # Both ends of what repeats may be worth lie inside.
    assert answer.ranges["n"].low <= fresh.ranges["n"].low and answer.ranges["epochs"].high > 10
    assert recommend(*fitted, 1e14, fresh.ranges["d"].value * 100).repeats == "fresh"


def test_repeats_count_by_the_law_where_the_runs_identify_it(fitted):
    points, fits = fitted
    estimates = {**TRUTH, "R_D": 15.0, "R_N": 5.0}
    draws = {name: np.full(200, value) for name, value in estimates.items()}
    law = Fit(REPEATED, estimates, {}, 0.0, "converged", (), draws)
    unique = recommend(points, fits, 1e14).ranges["d"].value / 10
    answer = recommend(points, fits | {REPEATED: law}, 1e14, unique)
    assert answer.repeats == "decay"
    assert answer.ranges["epochs"].value > 1.5 and answer.ranges["epochs"].value != pytest.approx(4, rel=0.02)
    # Later epochs are worth less than fresh tokens; here, with R_D = 15, more than nothing.
    nothing = Fit(REPEATED, estimates | {"R_D": 0.02}, {}, 0.0, "converged", (), draws)
    worst = recommend(points, fits | {REPEATED: nothing}, 1e14, unique).ranges["loss"].value
    assert recommend(points, fits, 1e14).ranges["loss"].value < answer.ranges["loss"].value < worst


def test_the_law_of_decay_is_not_used_where_held_out_runs_speak_for_another(fitted):
    points, fits = fitted
    estimates = {**TRUTH, "R_D": 15.0, "R_N": 5.0}
    draws = {name: np.full(200, value) for name, value in estimates.items()}
    unique = recommend(points, fits, 1e14).ranges["d"].value / 10
    bound = recommend(points, fits, 1e14, unique)
    for best, words in ((RISING, "loss rises with repeats"), (FRESH, "every token as fresh")):
        law = Fit(REPEATED, estimates, {}, 0.0, "converged", (), draws, {"choice": Choice({}, {}, best)})
        answer = recommend(points, fits | {REPEATED: law}, 1e14, unique)
        assert (answer.repeats, answer.ranges) == ("bound", bound.ranges)
        note = next(note for note in answer.notes if note.code == "repeats_by_bound")
        assert words in note.text and words not in bound.notes[1].text
    law = replace(law, details={"choice": Choice({}, {}, REPEATED)})
    assert recommend(points, fits | {REPEATED: law}, 1e14, unique).repeats == "decay"


def test_far_beyond_the_data_it_refuses_and_says_by_how_much(fitted):
    far, refused = recommend(*fitted, 3e16), recommend(*fitted, 1e19)
    assert far.status == "far" and far.notes[0].severity == "error" and math.isfinite(far.ranges["n"].value)
    assert refused.status == "refused" and math.isnan(refused.ranges["n"].value)
    assert "x3.33e+05" in refused.notes[0].text and "analysis.design" in refused.notes[0].text
    assert math.isfinite(recommend(*fitted, 1e19, anyway=True).ranges["n"].value)


def test_without_a_surface_the_power_laws_answer_and_without_those_nobody(fitted):
    points, fits = fitted
    lost = {name: replace(fit, status="not_identified") if "surface" in name else fit for name, fit in fits.items()}
    answer = recommend(points, lost, 1e14, 1e15)
    assert answer.method == "isoflop_parabola" and "no_surface" in {note.code for note in answer.notes}
    assert answer.ranges["n"].value == pytest.approx(true_optimum(1e14), rel=0.5)
    assert answer.ranges["loss"].value == pytest.approx(float(true_loss(*_best(1e14))), rel=0.01)
    capped = recommend(points, lost, 1e14, 1e6)
    assert capped.ranges["epochs"].value == 4 and capped.repeats == "bound"
    # The power laws know the loss of the optimum alone, which four epochs of this cohort do not reach.
    assert np.isnan([capped.ranges["loss"].value, capped.ranges["loss"].low, capped.run_low, capped.run_high]).all()
    assert "not known" in next(note.text for note in capped.notes if note.code == "repeats_by_bound")
    nothing = recommend(points, {"surface_huber": lost["surface_huber"]}, 1e14)
    assert nothing.status == "not_identified" and math.isnan(nothing.ranges["n"].value)


def test_tokens_that_are_held_are_counted_as_the_runs_count_them(points_of):
    """Where small models cost more than 6ND, the size that spends the compute on four epochs is smaller than 6ND has it."""
    columns = simulate(noise=0.002, seeds=2, seed=2)
    columns["flops"] = 6 * (1 + 1e5 / columns["n"]) * columns["n"] * columns["d"]
    points = points_of(columns)
    fits = fit_methods(points, ("isoflop_parabola",), 100)
    capped = recommend(points, fits, 1e12, 2e5)
    assert capped.repeats == "bound" and capped.ranges["d"].value == 8e5
    n = capped.ranges["n"].value
    assert compute_rule(points).tokens(1e12, np.log([n]))[0] == pytest.approx(8e5, rel=1e-6)
    assert n < 0.6 * 1e12 / 6 / 8e5


def test_no_score_is_foreseen_by_a_law_that_does_not_count_the_cohort(fitted):
    """Compute alone and an unknown loss say nothing of a run held at four epochs; size and tokens do."""
    points, fits = fitted
    fits = {name: fit for name, fit in fits.items() if "surface" not in name}
    n, d = points.n, points.d
    log_loss = 0.1 + 0.05 * (points.loss - 1.5)
    columns = {"n": n, "d": d, "loss": points.loss, "budget": points.budget, "compute": points.flops}
    auroc = 1 / (1 + np.exp(15 * log_loss - 3.5))
    scores = scores_of(points.configuration, auroc=auroc, log_loss=log_loss, **columns)
    trend = task_trend("mortality", "probe", scores, 100)
    best, lost = {("mortality", "probe"): 0.9}, replace(trend.laws["two_step"], status="not_identified")
    without = replace(trend, laws=trend.laws | {"two_step": lost})
    fresh, capped = recommend(points, fits, 1e14), recommend(points, fits, 1e14, 1e6)
    assert [_score_rows(fresh, [one], best)[0]["law"] for one in (trend, without)] == ["two_step", "one_step"]
    rows = [_score_rows(capped, [one], best)[0] for one in (trend, without)]
    assert [row["law"] for row in rows] == ["two_step", None]
    assert rows[1]["status"] == "not_foreseen" and math.isnan(rows[1]["auroc"])
    assert "no law counts repeated tokens" in as_text(capped, rows, points, "")


def _best(budget: float) -> tuple[float, float]:
    n = true_optimum(budget)
    return n, budget / 6 / n


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """A warehouse whose task `mortality` follows the loss and whose task `coin` does not."""
    columns = simulate(noise=0.002, seed=2)
    path = write_warehouse(tmp_path_factory.mktemp("scored") / "warehouse.duckdb", columns)
    rng = np.random.default_rng(0)
    log_loss = 0.1 + 0.05 * (columns["loss"] - 1.5) + rng.normal(0, 2e-4, len(columns["loss"]))
    follows = 1 / (1 + np.exp(-(3.5 - 15 * log_loss))) + rng.normal(0, 1e-3, len(log_loss))
    rows = []
    for i, (auroc, loss) in enumerate(zip(follows, log_loss, strict=True)):
        for task, score in (("mortality", auroc), ("coin", 0.5 + rng.normal(0, 0.02))):
            told = {
                "run_id": f"run-{i:03d}",
                "task": task,
                "method": "rollout_average",
                "auroc": score,
                "log_loss": loss,
            }
            rows += [told, {**told, "subgroup": "sex=F"}]
    write_task_scores(path, rows)
    return path


def test_command_answers_from_the_warehouse_with_auroc(scored, capsys):
    command = ["--warehouse", str(scored), "--flops", "3e14", "--unique-tokens", "1e12", "--bootstrap", "100"]
    assert main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["ranges"]["n"]["low"] < true_optimum(3e14) < answer["ranges"]["n"]["high"]
    coin, mortality = answer["scores"]
    assert (coin["task"], coin["status"], coin["auroc"]) == ("coin", "no_predictable_trend", None)
    n, d = _best(3e14)
    truth = 1 / (1 + math.exp(-(3.5 - 15 * (0.1 + 0.05 * (true_loss(n, d) - 1.5)))))
    assert mortality["law"] == "two_step" and mortality["low"] < truth < mortality["high"]
    assert mortality["auroc"] == pytest.approx(truth, abs=0.005)
    assert main(command) == 0
    text = capsys.readouterr().out
    for words in ("The cost of being wrong", "no predictable trend", "x10 of the largest", "loss of one new run"):
        assert words in text
    assert "nan" not in text


def test_command_foresees_only_trends_that_hold_over_all_tasks(scored, capsys, monkeypatch):
    """p .03 by the better of two tests is .06 for either of them."""

    def by_luck(*arguments):
        trend = task_trend(*arguments)
        return replace(trend, monotone=tuple(replace(test, p=0.03) for test in trend.monotone), status="trend")

    monkeypatch.setattr("analysis.recommend.task_trend", by_luck)
    assert main(["--warehouse", str(scored), "--flops", "3e14", "--bootstrap", "100", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert [(row["status"], row["auroc"]) for row in scores] == [("no_predictable_trend", None)] * 2


def test_gpu_hours_are_counted_and_a_refusal_is_exit_status_1(scored, capsys):
    command = [
        "--warehouse",
        str(scored),
        "--gpu-hours",
        "2",
        "--device",
        "H100",
        "--share",
        "0.5",
        "--bootstrap",
        "100",
    ]
    assert main(command) == 1
    text = capsys.readouterr().out
    assert "2 GPU-hours at 50% of 9.9e14 FLOP/s = 3.56e18 FLOPs" in text and "too far" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give the compute one way"),
        (["--flops", "1e19", "--gpu-hours", "3"], "give the compute one way"),
        (["--flops", "-1"], "give a number above 0"),
        (["--gpu-hours", "3"], "needs the GPU"),
        (["--gpu-hours", "3", "--device", "abacus"], "not in the table of data sheets"),
        (["--gpu-hours", "3", "--peak", "1e15", "--share", "1.5"], "at most 1"),
        (["--flops", "1e12", "--unique-tokens", "0"], "give a number above 0"),
        (["none.csv", "--flops", "1e12"], "no such file"),
    ],
)
def test_mistakes_are_one_clear_line(options, message):
    with pytest.raises(UserError, match=message):
        main(options)


def test_no_optimum_lies_below_a_parameter_or_a_token(points_of):
    """Exponents that no data hold put the optimum of 6ND at 1e-24 parameters, or at more than the compute pays for."""
    columns = simulate()
    columns.pop("seed")
    rule = compute_rule(points_of(columns))
    wild = [
        {"E": 1.0, "A": 1e-9, "B": 1e9, "alpha": 0.01, "beta": 0.01},
        {"E": 1.0, "A": 1e9, "B": 1e-9, "alpha": 0.01, "beta": 0.01},
    ]
    for law in wild:
        best = optimum(law_of(law), rule, 1e10)
        assert best.log_n[0] >= 0 and best.d[0] >= 0.9 and np.isfinite(best.loss[0])

"""Laws from loss to a task's score: recovered truths, no trend where there is none, rows of the warehouse."""

import math
import tracemalloc

import numpy as np
import pytest
from scipy import stats

from analysis.loss_error import fit_loss_error
from analysis.methods import fit_methods
from analysis.outlook import look_ahead
from analysis.recommend import _score_rows
from analysis.recommendation import recommend
from analysis.study import read_study
from analysis.task_scores import NotShown, read_task_scores, scores_by_task
from analysis.utility import LAWS, Monotone, Scores, TaskTrend, adjusted, kendall, predict, scores_of, task_trend
from tests.analysis.conftest import simulate, true_loss, true_optimum, write_task_scores, write_warehouse


def scores(slope: float = 15.0, noise: float = 2e-4, seed: int = 0, budgets=(3e11, 1e12, 3e12, 1e13, 3e13)) -> Scores:
    """A task whose log loss follows that of the language model (slope 0: not at all), and its AUROC that log loss."""
    columns = simulate(budgets=budgets, sizes=5, seed=seed)
    rng = np.random.default_rng(seed)
    log_loss = 0.1 + (0.05 if slope else 0.0) * (columns["loss"] - 1.5) + noise * rng.standard_normal(len(columns["n"]))
    logits = 3.5 - slope * log_loss + (0.02 if slope else 0.1) * rng.standard_normal(len(log_loss))
    names = {name: columns[name] for name in ("n", "d", "loss", "budget")}
    auroc = 1 / (1 + np.exp(-logits))
    return scores_of(np.arange(len(auroc)), compute=columns["flops"], auroc=auroc, log_loss=log_loss, **names)


def test_a_task_that_follows_the_loss_has_a_trend_and_is_foreseen():
    trend = task_trend("mortality", "probe", scores(seed=2), bootstrap=300)
    assert trend.status == "trend" and trend.configurations == 25
    two = trend.laws["two_step"]
    assert two.status == "converged" and two.estimates["slope"] == pytest.approx(-15, rel=0.1)
    n = true_optimum(3e14)
    d = 3e14 / 6 / n
    truth = 1 / (1 + math.exp(-(3.5 - 15 * (0.1 + 0.05 * (true_loss(n, d) - 1.5)))))
    value, low, high = predict(two, 3e14, n, d, np.array([true_loss(n, d)]))
    assert value == pytest.approx(truth, abs=0.006) and low < truth < high
    one = trend.laws["one_step"]
    assert one.status == "converged" and one.intervals["slope"][0] > 0
    against_compute, against_loss = trend.monotone
    assert against_compute.tau > 0.5 and against_loss.tau < -0.8 and against_loss.p < 0.01
    errors = {(e.left_out, e.law): e.error for e in trend.errors}
    assert errors[1, "two_step"] < errors[1, "carry_forward"] < errors[1, "mean"]


def test_a_task_that_follows_nothing_has_no_predictable_trend():
    """Of 40 tasks that are pure noise, at most a few may look as if they had a trend."""
    trends = [task_trend("coin", "probe", scores(0.0, 0.01, seed), bootstrap=100, seed=seed) for seed in range(40)]
    assert sum(trend.status == "no_predictable_trend" for trend in trends) >= 34
    flat = next(trend for trend in trends if trend.status == "no_predictable_trend")
    law = next(fit for fit in flat.laws.values() if fit.status != "converged")
    assert "no_predictable_trend" in {note.code for note in law.notes}
    assert math.isnan(predict(law, 1e14, 1e6, 1e7, np.array([2.0]))[0])
    covered = [t.laws["one_step"].intervals["slope"] for t in trends]
    assert sum(low < 0 < high for low, high in covered) >= 35
    assert {trend.status for trend in trends} > {"no_predictable_trend"}, "some look so by chance"
    assert {trend.status for trend in adjusted(tuple(trends))} == {"no_predictable_trend"}


def test_a_score_that_falls_as_models_get_better_is_worse_and_not_foreseen(points_of):
    trend = task_trend("mortality", "probe", scores(slope=-15.0, seed=2), bootstrap=100)
    against_compute, against_loss = trend.monotone
    assert against_compute.tau < -0.5 and against_loss.tau > 0.8
    assert trend.status == "worse"
    assert trend.laws["one_step"].intervals["slope"][1] < 0 < trend.laws["two_step"].intervals["slope"][0]
    for law in LAWS:
        assert trend.laws[law].status == "not_identified", law
        assert "wrong_way" in {note.code for note in trend.laws[law].notes}, law
        assert math.isnan(predict(trend.laws[law], 1e14, 1e6, 1e7, np.array([2.0]))[0]), law
    assert {error.law for error in trend.errors} == {"carry_forward", "mean"}
    points = points_of(simulate(budgets=(1e11, 1e12, 1e13), sizes=5))
    answer = recommend(points, fit_methods(points, ("surface_least_squares",), 20), 1e13)
    (row,) = _score_rows(answer, (trend,), {("mortality", "probe"): 0.9})
    assert (row["status"], row["law"]) == ("worse", None) and math.isnan(row["auroc"])


def test_a_law_against_the_order_is_not_foreseen_by():
    """Better ranks with ever worse probabilities: AUROC follows compute, but by the task's log loss it would fall."""
    task = scores(seed=2)
    trend = task_trend("mortality", "probe", Scores(**{**vars(task), "log_loss": 1 - task.log_loss}), bootstrap=100)
    assert trend.status == "trend" and trend.laws["one_step"].status == "converged"
    assert trend.laws["two_step"].estimates["slope"] > 0 and trend.laws["two_step"].status == "not_identified"


def test_an_order_that_contradicts_itself_is_no_trend():
    """Loss that rises with compute and an AUROC that rises with both."""
    task = scores(seed=2)
    odd = Scores(**{**vars(task), "loss": -task.loss + 2 * task.loss.max()})
    trend = task_trend("mortality", "probe", odd, bootstrap=20)
    assert all(test.p < 0.01 and test.tau > 0 for test in trend.monotone)
    assert trend.status == "no_predictable_trend"


def test_trends_are_adjusted_for_the_number_of_tasks():
    def made(p_compute: float, p_loss: float, status: str = "trend") -> TaskTrend:
        return TaskTrend(
            "t", "m", 9, status, {}, (Monotone("compute", 0.5, p_compute), Monotone("loss", -0.5, p_loss)), ()
        )

    alone = adjusted((made(0.02, 0.5),))
    assert (alone[0].p_adjusted, alone[0].status) == (pytest.approx(0.04), "trend")
    tasks = (made(0.001, 0.4), made(0.3, 0.02), made(0.02, math.nan, "worse"), made(0.001, 0.001, "too_few"))
    found = adjusted(tasks)
    # 0.002 x 3 / 1, 0.04 x 3 / 3, 0.02 x 3 / 2; what is not tested counts for none.
    assert [task.p_adjusted for task in found] == pytest.approx([0.006, 0.04, 0.03, math.nan], nan_ok=True)
    assert [task.status for task in found] == ["trend", "trend", "worse", "too_few"]
    more = adjusted((*tasks, *(made(0.5, 0.9, "no_predictable_trend") for _ in range(2))))
    assert [task.status for task in more[:4]] == ["trend", "no_predictable_trend", "no_predictable_trend", "too_few"]
    least = made(1 / 5001, 1 / 5001)
    hundred = adjusted((least, *(made(0.6, 0.6, "no_predictable_trend") for _ in range(99))))
    assert hundred[0].status == "trend", "one true trend among a hundred tasks"
    assert adjusted(()) == ()


def test_the_outlook_adjusts_its_trends(tmp_path):
    study = read_study(write_warehouse(tmp_path / "warehouse.duckdb", simulate(budgets=(1e11, 1e12), sizes=4)))
    tasks = {("real", "probe"): scores(seed=2)} | {("coin", str(i)): scores(0.0, 0.01, i) for i in range(3)}
    trends = look_ahead(study, fit_methods(study.points, ("isoflop_parabola",), 20), tasks, 20, 0).trends
    assert all(np.isfinite(trend.p_adjusted) for trend in trends) and trends[0].status == "trend"
    assert trends[0].p_adjusted == pytest.approx(4 * 2 / 5001), "four tasks, two tests each"


def test_a_predictable_log_loss_does_not_make_a_score_predictable():
    """Both steps must hold: here size and tokens move the log loss, but the AUROC is a coin."""
    task = scores()
    rng = np.random.default_rng(1)
    coin = Scores(**{**vars(task), "auroc": 0.7 + 0.01 * rng.standard_normal(len(task))})
    assert task_trend("coin", "probe", coin, bootstrap=100).laws["two_step"].status == "not_identified"


def test_seeds_count_once_and_too_few_configurations_are_said():
    columns = {name: np.array([1.0, 1.0, 2.0, 3.0]) for name in ("compute", "n", "d", "loss", "log_loss", "budget")}
    few = scores_of(np.array(["a", "a", "b", "c"]), auroc=np.array([0.6, 0.8, 0.75, np.nan]), **columns)
    assert len(few) == 2 and few.auroc.tolist() == pytest.approx([0.7, 0.75])
    trend = task_trend("mortality", "probe", few)
    assert trend.status == "too_few" and trend.laws["one_step"].notes[0].code == "few_scores"


def test_kendall_is_scipys_and_its_p_that_of_the_exact_test():
    rng = np.random.default_rng(3)
    x = np.arange(8.0)
    y = x + rng.normal(0, 3, 8)
    tau, p = kendall(x, y, rng)
    exact = stats.kendalltau(x, y, method="exact")
    assert tau == pytest.approx(exact.statistic) and p == pytest.approx(exact.pvalue, abs=0.03)
    x = np.arange(200.0)
    tracemalloc.start()
    assert kendall(x, x[::-1], rng) == (pytest.approx(-1), pytest.approx(1 / 5001))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3e7, "all permutations at once are 1 GB"
    assert kendall(x, np.ones(200), rng) == (pytest.approx(math.nan, nan_ok=True), pytest.approx(math.nan, nan_ok=True))


@pytest.mark.filterwarnings("error")
def test_error_law_with_one_draw_that_says_nothing_has_no_interval_and_no_warning():
    """A resample of one or two configurations gives no refit: here there is no other."""
    loss = np.array([2.0, 2.5, 3.0, 3.6])
    fits = [fit_loss_error(loss, 0.8 - 2 * np.exp(-loss), 1, seed) for seed in range(12)]
    empty = [fit for fit in fits if not len(fit.draws["k"])]
    assert 0 < len(empty) < 12
    assert all(np.isnan(fit.intervals["k"]).all() for fit in empty)
    assert all(fit.estimates["k"] == pytest.approx(2, rel=1e-3) for fit in fits)


def test_scores_come_from_the_warehouse_joined_to_the_runs_that_are_fitted(tmp_path):
    path = write_warehouse(tmp_path / "warehouse.duckdb", simulate(budgets=(1e11, 1e12), sizes=5, seeds=2), strangers=1)
    study = read_study(path)
    assert read_task_scores(path, study) == ((), NotShown())
    usual = {"task": "mortality", "method": "probe", "auroc": 0.1, "log_loss": 0.3}
    rows = [
        *({**usual, "run_id": f"run-{i:03d}", "auroc": 0.8 + i / 1000} for i in range(20)),
        {**usual, "run_id": "run-001", "split": "tuning"},
        {**usual, "run_id": "run-001", "subgroup": "sex=F"},
        {**usual, "run_id": "run-002", "task": "los", "auroc": None},
        {**usual, "run_id": "run-003", "method": "rollout_hits", "auroc": None},
        {**usual, "run_id": "elsewhere"},
        {**usual, "method": "boosting", "auroc": 0.9},
        {**usual, "method": "logistic", "auroc": 0.9, "shard_fingerprint": "other"},
    ]
    write_task_scores(path, rows)
    read, not_shown = read_task_scores(path, study)
    assert not_shown == NotShown(("los",), 1, 2), "one run of other shards, one of nowhere"
    assert [(row.method, row.auroc) for row in read if row.run_id is None] == [("boosting", 0.9)], (
        "of these shards alone"
    )
    found = scores_by_task(read, study)
    assert list(found) == [("mortality", "probe")]
    task = found["mortality", "probe"]
    # Ten configurations with two seeds each; the last run was trained on other data, so that its configuration has one.
    assert (
        len(task) == 10 and sorted(task.auroc)[0] == pytest.approx(0.8005) and max(task.auroc) == pytest.approx(0.818)
    )
    assert set(task.budget) == {1e11, 1e12}

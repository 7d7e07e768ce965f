"""Laws from loss to a task's score: recovered truths, no trend where there is none, rows of the warehouse."""

import math
import tracemalloc

import numpy as np
import pytest
from scipy import stats

from analysis.loss_error import fit_loss_error
from analysis.study import read_study
from analysis.task_scores import NotShown, read_task_scores, scores_by_task
from analysis.utility import Scores, kendall, predict, scores_of, task_trend
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
    assert kendall(x, x[::-1], rng) == (pytest.approx(-1), pytest.approx(1 / 2001))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3e7, "all permutations at once are 1.3 GB"
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
    assert not_shown == NotShown(("los",), 1, 1)
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

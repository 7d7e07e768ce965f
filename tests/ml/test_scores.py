"""Scores against scikit-learn, by hand, and by simulation; their files."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn import metrics

from ml.auroc import Ranking, auroc, compare, delong, resampled_patients
from ml.calibration import FLOOR, calibration, calibration_bins, smoothed_share
from ml.score_files import write_scores
from ml.scores import FIELDS, Predictions, race_group, records, subgroups
from ml.tasks import Rows
from warehouse.errors import UserError


def draw(n: int, seed: int = 0, ties: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, risks and patients (three rows each) that share a patient's hidden level."""
    rng = np.random.default_rng(seed)
    patients = np.arange(n) // 3
    level = rng.normal(size=n // 3 + 1)[patients]
    labels = rng.random(n) < 1 / (1 + np.exp(1 - level))
    risks = 1 / (1 + np.exp(1 - 0.7 * level - 0.7 * rng.normal(size=n)))
    return labels, np.round(risks, 2) if ties else risks, patients


def test_areas_are_those_of_scikit_learn() -> None:
    labels, risks, patients = draw(400)
    found = Ranking(labels, risks).areas(np.ones((1, 400)))[0]
    wanted = metrics.roc_auc_score(labels, risks), metrics.average_precision_score(labels, risks)
    assert found == pytest.approx(wanted)
    assert auroc(labels, risks, patients).value == pytest.approx(wanted[0])
    weights = next(resampled_patients(patients, 3, 0))
    assert weights.shape == (3, 400) and np.unique(weights.reshape(3, 400)[:, ::3].sum(1)).size == 1
    again = np.repeat(np.arange(400), weights[2].astype(int))
    by_copies = (
        metrics.roc_auc_score(labels[again], risks[again]),
        metrics.average_precision_score(labels[again], risks[again]),
    )
    assert Ranking(labels, risks).areas(weights)[2] == pytest.approx(by_copies)


def test_delong_with_one_row_a_patient_is_the_formula_by_pairs() -> None:
    labels, risks, _ = draw(90)
    other = np.random.default_rng(1).random(90) + 0.5 * risks
    _, covariance = delong(labels, np.stack([risks, other]), np.arange(90))
    wins = [np.where(s[labels][:, None] == s[~labels], 0.5, s[labels][:, None] > s[~labels]) for s in (risks, other)]
    of_events, of_others = (np.stack([w.mean(axis) for w in wins]) for axis in (1, 0))
    wanted = np.cov(of_events) / labels.sum() + np.cov(of_others) / (~labels).sum()
    np.testing.assert_allclose(covariance, wanted, rtol=1e-10)


def test_delong_over_patients_agrees_with_the_bootstrap_of_patients() -> None:
    labels, risks, patients = draw(1500, ties=False)
    other = draw(1500, seed=0, ties=False)[1] ** 2 + 0.3 * np.random.default_rng(2).random(1500)
    first, second = Ranking(labels, risks), Ranking(labels, other)
    each = resampled_patients(patients, 1500, 0)
    drawn = np.concatenate([np.stack([r.areas(w)[:, 0] for r in (first, second)], axis=1) for w in each])
    _, covariance = delong(labels, np.stack([risks, other]), patients)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, rtol=0.2)
    # Every row twice tells no more than once.
    twice = delong(labels.repeat(2), risks.repeat(2), np.arange(1500).repeat(2))[1][0, 0]
    assert twice == pytest.approx(delong(labels, risks, np.arange(1500))[1][0, 0])
    difference = compare(labels, risks, other, patients)
    assert difference.error == pytest.approx(np.std(drawn[:, 0] - drawn[:, 1]), rel=0.15)
    assert compare(labels, risks, risks, patients).p == 1.0


def test_delong_interval_covers() -> None:
    """Two normals 1 apart: the area is Phi(1 / sqrt 2); patients have two rows each that hang together."""
    truth, rng, covered = 0.7602, np.random.default_rng(3), 0
    for _ in range(600):
        event = rng.random(120) < 0.4
        risks = event[:, None] + np.sqrt(0.7) * rng.normal(size=(120, 1)) + np.sqrt(0.3) * rng.normal(size=(120, 2))
        found = auroc(np.repeat(event, 2), risks.ravel(), np.repeat(np.arange(120), 2))
        covered += found.low < truth < found.high
    assert 0.925 < covered / 600 < 0.975


def test_calibration_of_right_and_of_bent_risks() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(-2, 1, 30_000)
    labels = rng.random(30_000) < 1 / (1 + np.exp(-logits))
    right = calibration(labels, 1 / (1 + np.exp(-logits)))
    assert (right.intercept, right.slope) == (pytest.approx(0, abs=0.04), pytest.approx(1, abs=0.04))
    assert right.ici < 0.004
    shifted = calibration(labels, 1 / (1 + np.exp(-(logits + 1))))
    assert (shifted.intercept, shifted.slope) == (pytest.approx(-1, abs=0.04), pytest.approx(1, abs=0.04))
    assert shifted.ici == pytest.approx(np.mean(1 / (1 + np.exp(-(logits + 1))) - 1 / (1 + np.exp(-logits))), abs=0.004)
    steep = calibration(labels, 1 / (1 + np.exp(-2 * logits)))
    assert steep.slope == pytest.approx(0.5, abs=0.02)
    few = calibration(labels, np.where(logits > -2, 0.2, 0.0))  # as of few rollouts: two values, one of them 0
    assert all(np.isfinite(v) for v in vars(few).values())
    bins = calibration_bins(labels, 1 / (1 + np.exp(-logits)))
    assert len(bins) == 10 and sum(one.n for one in bins) == 30_000
    assert all(one.observed == pytest.approx(one.mean_risk, abs=0.02) for one in bins)
    assert [one.n for one in calibration_bins(labels, np.zeros(30_000))] == [30_000]


def test_records_of_risks() -> None:
    labels, risks, patients = draw(600)
    risks[labels.argmax()] = 0.0
    one = Predictions("boolean", patients, labels, risks, rollouts=20, undecided=np.full(600, 0.25))
    masks = {"all": np.ones(600, bool), "sex=F": np.arange(600) < 6, "sex=M": np.zeros(600, bool)}
    every, few, none = records("death", "probe", one, masks, replicates=200)
    assert tuple(every) == FIELDS
    assert every["brier"] == pytest.approx(metrics.brier_score_loss(labels, risks))
    assert every["log_loss"] == pytest.approx(metrics.log_loss(labels, np.clip(risks, FLOOR, 1 - FLOOR)))
    assert (every["n_rows"], every["n_patients"], every["n_events"]) == (600, 200, labels.sum())
    assert (every["undecided_share"], every["rollouts"], every["note"]) == (0.25, 20, None)
    for name in ("auroc", "auroc_boot"):
        assert every[f"{name}_low"] < every["auroc"] < every[f"{name}_high"]
    assert every["auprc_low"] < every["auprc"] < every["auprc_high"]
    assert every["log_loss_low"] < every["log_loss"] < every["log_loss_high"]
    assert (few["auroc"], few["auroc_low"], few["calibration_slope"]) == (None, None, None)
    assert few["n_rows"] == 6 and "too few" in few["note"] and few["brier"] is not None
    assert (none["n_rows"], none["note"]) == (0, "no rows")
    flat = Predictions("boolean", patients, labels, np.full(600, labels.mean()))
    prevalence = records("death", "prevalence", flat, {"all": masks["all"]}, replicates=50)[0]
    assert (prevalence["auroc"], prevalence["auprc"]) == (0.5, pytest.approx(labels.mean()))
    assert prevalence["calibration_slope"] is None and prevalence["note"] == "all risks are equal"
    parted = Predictions("boolean", patients, labels, labels * 0.5)
    perfect = records("death", "best", parted, {"all": masks["all"]}, replicates=50)[0]
    assert (perfect["auroc"], perfect["auroc_low"]) == (1.0, None) and "DeLong" in perfect["note"]
    json.dumps([every, few, none, prevalence, perfect], allow_nan=False)


def test_records_of_numbers_and_of_classes() -> None:
    rng = np.random.default_rng(0)
    truth, patients = rng.gamma(2, 3, 300), np.arange(300) // 2
    guess = truth + rng.normal(size=300)
    (one,) = records("days", "boosting", Predictions("float", patients, truth, guess), {"all": np.ones(300, bool)})
    assert one["mae"] == pytest.approx(metrics.mean_absolute_error(truth, guess))
    assert one["r2"] == pytest.approx(metrics.r2_score(truth, guess))
    assert one["mae_low"] < one["mae"] < one["mae_high"] and one["r2_low"] < one["r2"] < one["r2_high"]
    classes, labels = np.arange(100, 108), rng.integers(100, 109, 300)  # 108 is none of the method's classes
    shares = rng.dirichlet(np.ones(8), 300)
    drg = Predictions("integer", patients, labels, shares, classes)
    (found,) = records("drg", "boosting", drg, {"all": np.ones(300, bool)}, replicates=100)
    known = labels < 108
    top = metrics.top_k_accuracy_score(labels[known], shares[known], k=5, labels=classes) * known.mean()
    assert found["top_5_accuracy"] == pytest.approx(top)
    assert found["accuracy"] == pytest.approx((classes[shares.argmax(1)] == labels).mean())
    assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"] < found["top_5_accuracy"]
    few = records("days", "boosting", Predictions("float", patients, truth, guess), {"age=80+": np.arange(300) < 4})
    assert few[0]["r2"] is None and "too few" in few[0]["note"]


def test_shuffled_labels_give_a_half() -> None:
    labels, risks, patients = draw(900)
    by_patient = np.random.default_rng(1).permutation(300)
    shuffled = labels.reshape(300, 3)[by_patient].ravel()
    (one,) = records("death", "probe", Predictions("boolean", patients, shuffled, risks), {"all": np.ones(900, bool)})
    assert one["auroc_low"] < 0.5 < one["auroc_high"] and one["auroc_boot_low"] < 0.5 < one["auroc_boot_high"]


def test_smoothed_shares_are_never_certain() -> None:
    assert smoothed_share(np.array([0, 10, 20]), np.array([20, 20, 20]), 0.1) == pytest.approx(
        [0.1 / 21, 10.1 / 21, 20.1 / 21]
    )


def rows_of(labels: np.ndarray) -> Rows:
    """Rows of as many patients, women and men by turns, the first three admitted for the first time."""
    n = len(labels)
    return Rows(
        subject_id=np.arange(n),
        prediction_time=np.zeros(n, "datetime64[us]"),
        prompt_event_index=np.zeros(n, np.int32),
        label=labels,
        threshold=np.full(n, np.nan),
        sex=np.array(["F", "M"] * (n // 2), object),
        age=np.full(n, 50.0),
        race=np.full(n, "WHITE", object),
        is_first_admission=np.arange(n) < 3,
    )


def test_subgroups() -> None:
    races = ["WHITE - RUSSIAN", "BLACK/AFRICAN AMERICAN", "HISPANIC/LATINO - CUBAN", "ASIAN - CHINESE", "UNKNOWN", None]
    races += ["AMERICAN INDIAN/ALASKA NATIVE", "PATIENT DECLINED TO ANSWER"]
    groups = ["white", "black", "hispanic", "asian", "unknown", "unknown", "other", "unknown"]
    assert [race_group(race) for race in races] == groups
    n = len(races)
    ages = np.array([18, 44.9, 45, 64.9, 65, 79.9, 80, 95.0])
    rows = replace(rows_of(np.zeros(n, bool)), age=ages, race=np.array(races, object))
    found = {name: np.flatnonzero(mask).tolist() for name, mask in subgroups(rows).items()}
    assert found["all"] == list(range(n)) and found["sex=M"] == [1, 3, 5, 7]
    assert [found[f"age={band}"] for band in ("18-44", "45-64", "65-79", "80+")] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert found["race=unknown"] == [4, 5, 7] and found["admission=repeat"] == [3, 4, 5, 6, 7]


def test_files_replace_one_task_and_method_only(tmp_path: Path) -> None:
    labels, risks, patients = draw(60)
    one, rows = Predictions("boolean", patients, labels, risks), rows_of(labels)

    def write(task: str, method: str) -> list[dict]:
        return write_scores(tmp_path, task, method, one, rows, "as asked")

    for task, method in (("b", "probe"), ("a", "probe"), ("a", "best"), ("a", "probe")):
        write(task, method)
    lines = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    everybody = [line for line in lines if line["subgroup"] == "all"]
    assert [(line["task"], line["method"]) for line in everybody] == [("a", "best"), ("a", "probe"), ("b", "probe")]
    assert {line["note"].partition(";")[0] for line in lines} == {"as asked"} and len(lines) > 3 * 3
    bins = [json.loads(line) for line in (tmp_path / "calibration.jsonl").read_text().splitlines()]
    assert set(bins[0]) == {"task", "method", "bin", "n", "mean_risk", "observed"} and len(bins) == 3 * 10
    columns = pq.read_table(tmp_path / "predictions" / "a.probe.parquet")
    assert columns.column_names[:3] == ["subject_id", "prediction_time", "boolean_value"]
    assert columns["predicted_boolean_probability"].to_pylist() == pytest.approx(risks.tolist(), rel=1e-6)
    (tmp_path / "scores.jsonl").write_text("{torn")
    with pytest.raises(UserError, match=r"scores\.jsonl is damaged"):
        write("a", "probe")

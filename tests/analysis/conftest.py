"""Simulated sweeps with a known truth, and warehouses made of them."""

import csv
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pytest

from analysis.points import Points, make_points
from analysis.repeated import Base

TRUTH = {"E": 1.5, "A": 60.0, "B": 90.0, "alpha": 0.35, "beta": 0.30}
TRUE_A = TRUTH["beta"] / (TRUTH["alpha"] + TRUTH["beta"])
# Muennighoff 2023: constants of C4.
C4 = Base(E=math.exp(0.6254804), A=math.exp(6.255414), B=math.exp(7.3049974), alpha=0.3526596, beta=0.3526596)


def true_loss(n: np.ndarray, d: np.ndarray) -> np.ndarray:
    """L = E + A/N^alpha + B/D^beta at the known truth."""
    return TRUTH["E"] + TRUTH["A"] / n ** TRUTH["alpha"] + TRUTH["B"] / d ** TRUTH["beta"]


def true_optimum(budget: float) -> float:
    """N* at a budget, with C = 6ND (Hoffmann 2022)."""
    alpha, beta = TRUTH["alpha"], TRUTH["beta"]
    g = (alpha * TRUTH["A"] / (beta * TRUTH["B"])) ** (1 / (alpha + beta))
    return g * (budget / 6) ** TRUE_A


def simulate(
    budgets=(3e11, 1e12, 3e12, 1e13, 3e13), sizes=7, span=16.0, noise=0.0, seeds=1, seed=0, off_centre=1.0
) -> dict[str, np.ndarray]:
    """Columns of a sweep: per budget `sizes` models over a x`span` range around the optimum (times `off_centre`)."""
    rng = np.random.default_rng(seed)
    per_budget = sizes if isinstance(sizes, (list, tuple)) else [sizes] * len(budgets)
    rows = []
    for budget, k in zip(budgets, per_budget, strict=True):
        middle = true_optimum(budget) * off_centre
        for n in np.geomspace(middle / np.sqrt(span), middle * np.sqrt(span), k):
            rows += [(budget, n, budget / 6 / n, s) for s in range(seeds)]
    budget, n, d, s = np.array(rows).T
    loss = true_loss(n, d) * np.exp(noise * rng.standard_normal(len(n)))
    return {"budget": budget, "n": n, "d": d, "loss": loss, "flops": 6 * n * d, "seed": s}


@pytest.fixture(scope="session")
def sweep() -> Callable[..., dict[str, np.ndarray]]:
    """simulate, as a fixture."""
    return simulate


@pytest.fixture(scope="session")
def points_of() -> Callable[..., Points]:
    """Points from simulated columns."""

    def make(columns: dict[str, np.ndarray]) -> Points:
        return make_points(**{name: column for name, column in columns.items() if name != "seed"})

    return make


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a csv file, as text by column."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    """A column of numbers."""
    return np.array([float(row[name]) for row in rows])


def repeated_rows(folder: Path) -> Points:
    """The 182 runs of Muennighoff's published fit, from the folder of scaling data."""
    rows = rows_of(folder / "datablations" / "fit_subset_182.csv")
    return make_points(*(column(rows, name) for name in ("N", "D", "loss")), unique_tokens=column(rows, "U"))


@pytest.fixture
def published(shared_data: Path) -> Points:
    """repeated_rows, as a fixture."""
    return repeated_rows(shared_data / "scaling")


RUNS_TABLE = """create table runs.runs (
    run_id text, configuration text, seed integer, status text, reason text, flops_budget double, n_with_head double,
    tokens_seen double, flops double, held_out_loss double, learning_rate double, device text, hardware text,
    git_commit text, shard_fingerprint text, vocabulary_sha256 text, cpu_seconds double, wall_seconds double)"""
POINTS_TABLE = """create table runs.isoflop_points (
    run_id text, configuration text, seed integer, budget double, flops double, n double, d double,
    unique_tokens double, loss double, shard_fingerprint text, vocabulary_sha256 text)"""
CURVES_TABLE = """create table runs.curves (
    run_id text, step integer, tokens_seen double, flops double, train_loss double, tuning_loss double)"""


TASK_SCORES_TABLE = """create table runs.task_scores (
    run_id text, shard_fingerprint text, n_with_head double, flops_budget double, held_out_loss double, task text,
    method text, split text, subgroup text, n_rows integer, n_events integer, auroc double, auroc_low double,
    auroc_high double, log_loss double, undecided_share double)"""


def write_task_scores(path: Path, rows: list[dict]) -> None:
    """Table runs.task_scores of a warehouse: a row a dict of columns, on held_out and all patients unless it says otherwise."""
    usual = {"shard_fingerprint": "here", "split": "held_out", "subgroup": "all", "n_rows": 200, "n_events": 60}
    with duckdb.connect(str(path)) as connection:
        connection.execute(TASK_SCORES_TABLE)
        for row in rows:
            full = usual | row
            marks = ", ".join("?" * len(full))
            connection.execute(
                f"insert into runs.task_scores ({', '.join(full)}) values ({marks})", list(full.values())
            )


def add_task_scores(
    path: Path, columns: dict[str, np.ndarray], tasks: tuple[str, ...] = ("icu_admission", "readmission_30d")
) -> None:
    """Scores of every run of `columns` by a probe and by simulation, which rise as the loss falls, and of two baselines."""
    rows = []
    for task in tasks:
        for i, (n, budget, loss) in enumerate(zip(columns["n"], columns["budget"], columns["loss"], strict=True)):
            for method, by in (("probe", 0.0), ("rollout_average", 0.03)):
                auroc = 0.95 - 0.1 * float(loss) + by
                run = {
                    "run_id": f"run-{i:03d}",
                    "n_with_head": float(n),
                    "flops_budget": float(budget),
                    "held_out_loss": float(loss),
                }
                score = {
                    "auroc": auroc,
                    "auroc_low": auroc - 0.05,
                    "auroc_high": auroc + 0.05,
                    "log_loss": 0.6 - 0.3 * auroc,
                }
                rows.append({**run, **score, "task": task, "method": method})
        for method in ("logistic", "boosting"):
            level = {
                "auroc": 0.8,
                "auroc_low": 0.77,
                "auroc_high": 0.83,
                "log_loss": 0.4,
                "n_rows": 2000,
                "n_events": 600,
            }
            rows.append({**level, "task": task, "method": method})
    write_task_scores(path, rows)


def write_warehouse(path: Path, columns: dict[str, np.ndarray] | None, others: tuple = (), strangers: int = 0) -> Path:
    """A warehouse with the runs schema: done runs from simulated columns, and others as (id, status, reason)."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema runs")
        for statement in (RUNS_TABLE, POINTS_TABLE, CURVES_TABLE):
            connection.execute(statement)
        count = 0 if columns is None else len(columns["n"])
        for i in range(count):
            n, d, loss, budget = (float(columns[name][i]) for name in ("n", "d", "loss", "budget"))
            seed, data = int(columns["seed"][i]), "other" if i >= count - strangers else "here"
            run, configuration = f"run-{i:03d}", f"{budget:.3g}-{n:.6g}"
            done = [run, configuration, seed, "done", None, budget, n, d, 6 * n * d, loss, 0.02, "cpu", "2 cores"]
            connection.execute(
                f"insert into runs.runs values ({', '.join('?' * 18)})", [*done, "abc", data, "v", 3.0, 2.0]
            )
            point = [run, configuration, seed, budget, 6 * n * d, n, d, 1e6, loss, data, "v"]
            connection.execute(f"insert into runs.isoflop_points values ({', '.join('?' * 11)})", point)
            for step in (1, 2, 3):
                line = [run, step, d * step / 3, 2 * n * d * step, loss + 0.5 / step, None]
                connection.execute("insert into runs.curves values (?, ?, ?, ?, ?, ?)", line)
        for run, status, reason in others:
            insert = "insert into runs.runs (run_id, seed, status, reason) values (?, 0, ?, ?)"
            connection.execute(insert, [run, status, reason])
    return path


@pytest.fixture
def make_warehouse(tmp_path: Path) -> Callable[..., Path]:
    """write_warehouse in this test's own folder."""
    return partial(write_warehouse, tmp_path / "warehouse.duckdb")

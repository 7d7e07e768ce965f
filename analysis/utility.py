"""From loss to clinical use: how a task's score follows compute, size, tokens and loss over the runs.

In: arrays with one entry a run (compute C, N, D, loss of the language model, AUROC and log loss of the task, budget,
configuration). Out: `TaskTrend`. Pure; one seed. Seeds of one configuration are averaged first: a configuration counts once.
Laws (each a Fit of results.py):
- one_step: logit(AUROC) = level + slope ln C, straight line (Student's t intervals).
- two_step: task log loss T from (N, D) by T = E + A/N^alpha + B/D^beta, or, where that is not identified, by a plane in ln N
  and ln D; then logit(AUROC) = level + slope T (Bhagia 2024's ladder, with AUROC for accuracy).
- loss_error: 1 - AUROC = eps - k exp(-gamma L) on the loss L of the language model (Gadre 2024).
Where the 95% interval of the slope contains 0, the status says so (not_identified, note no_predictable_trend) and nothing is
foreseen by that law; the same where the first step explains no more than a constant (F test, p above .05), and where by the
law the AUROC falls with compute, with less loss, or with less of the task's log loss (note wrong_way).
Monotone: Kendall's tau with a permutation test. A trend is a rise with compute or with falling loss; the opposite beyond
chance is `worse`. `adjusted` allows for how many tasks are tested. Left out: the largest budgets, against two baselines.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from analysis.linear import fit_line, least_squares, t_draws
from analysis.loss_error import METHOD as LOSS_ERROR
from analysis.loss_error import fit_loss_error
from analysis.optimum import BASE, law_of
from analysis.points import make_points
from analysis.results import Fit, Note, percentile_interval, refused
from analysis.surface import fit_surfaces

ONE_STEP, TWO_STEP = "one_step", "two_step"
LAWS = (ONE_STEP, TWO_STEP, LOSS_ERROR)
# Two parameters and a residual with two degrees of freedom are the least that a slope's interval can rest on.
MIN_CONFIGURATIONS = 4
# Scores this near to 0 or 1 are held there: their logit would be infinite.
EDGE = 1e-4
# The least p is 1 in as many: few enough that one true trend among a hundred tasks outlives the adjustment for them.
PERMUTATIONS = 5000
# Pairs of configurations compared at once, over a block of permutations: some 10 MB.
PAIRS = 2_000_000
TREND_LEVEL = 0.05
# The sign of tau, and of each law's parameter, by which the AUROC rises with compute and as losses fall.
RISING = {"compute": 1, "loss": -1}
SENSE = {ONE_STEP: ("slope", 1), TWO_STEP: ("slope", -1), LOSS_ERROR: ("k", 1)}
TREND, WORSE, NO_TREND, TOO_FEW = "trend", "worse", "no_predictable_trend", "too_few"
# The band of an AUROC needs no finer draws of the first step than this; a study has dozens of tasks.
SURFACE_DRAWS = 200
LEFT_OUT = 2


@dataclass(frozen=True)
class Scores:
    """One task under one method of scoring: arrays of one length, one entry a configuration (see `scores_of`)."""

    compute: np.ndarray
    n: np.ndarray
    d: np.ndarray
    loss: np.ndarray
    auroc: np.ndarray
    log_loss: np.ndarray
    budget: np.ndarray

    def __len__(self) -> int:
        return len(self.n)


@dataclass(frozen=True)
class Monotone:
    """Kendall's tau of AUROC against `against` (compute or loss) and its two-sided p by permutation."""

    against: str
    tau: float
    p: float


@dataclass(frozen=True)
class ScoreError:
    """Mean absolute error of the AUROC foreseen for the `left_out` largest budgets by `law` (or a baseline)."""

    left_out: int
    law: str
    error: float
    configurations: int


@dataclass(frozen=True)
class TaskTrend:
    """What the runs say of one task.

    status: trend (AUROC rises with compute or as loss falls), worse (the opposite, beyond chance), no_predictable_trend,
    too_few. `p_adjusted`: over all tasks of the study, by `adjusted`; unknown until then.
    """

    task: str
    method: str
    configurations: int
    status: str
    laws: dict[str, Fit]
    monotone: tuple[Monotone, ...]
    errors: tuple[ScoreError, ...]
    p_adjusted: float = math.nan


def scores_of(configuration: np.ndarray, **columns: np.ndarray) -> Scores:
    """Mean over the seeds of each configuration; rows without a finite AUROC are left out."""
    known = np.isfinite(columns["auroc"])
    codes = np.unique(np.asarray(configuration)[known], return_inverse=True)[1].reshape(-1)
    counts = np.bincount(codes)
    means = {
        name: np.bincount(codes, np.asarray(column, dtype=float)[known]) / counts for name, column in columns.items()
    }
    return Scores(**means)


def task_trend(task: str, method: str, scores: Scores, bootstrap: int = 1000, seed: int = 0) -> TaskTrend:
    """Every law, the tests of monotonicity, and the errors for the largest budgets left out."""
    laws = fit_laws(scores, bootstrap, seed)
    rng = np.random.default_rng(seed)
    columns = {"compute": scores.compute, "loss": scores.loss}
    monotone = tuple(Monotone(name, *kendall(x, scores.auroc, rng)) for name, x in columns.items())
    status = _status(monotone, laws) if len(scores) >= MIN_CONFIGURATIONS else TOO_FEW
    return TaskTrend(task, method, len(scores), status, laws, monotone, score_errors(scores, seed))


def _status(monotone: tuple[Monotone, ...], laws: dict[str, Fit]) -> str:
    """The order decides, as a law alone may be off 0 by chance, with three of them; a trend also needs a law."""
    senses = {np.sign(test.tau) * RISING[test.against] for test in monotone if test.p < TREND_LEVEL}
    if senses == {-1}:
        return WORSE
    lawful = any(fit.status == "converged" for fit in laws.values())
    return TREND if senses == {1} and lawful else NO_TREND


def adjusted(trends: tuple[TaskTrend, ...]) -> tuple[TaskTrend, ...]:
    """The trends with `p_adjusted`; what is not below .05 by that is no trend (nor worse).

    A task's p is the smaller of its two tests' times their number (Bonferroni); over the tasks that have enough
    configurations these are adjusted for the false discovery rate (Benjamini and Hochberg 1995).
    """
    each = np.full(len(trends), math.nan)
    for i, trend in enumerate(trends):
        known = [test.p for test in trend.monotone if math.isfinite(test.p)]
        if known and trend.status != TOO_FEW:
            each[i] = min(1.0, len(known) * min(known))
    tested = np.isfinite(each)
    each[tested] = stats.false_discovery_control(each[tested])
    return tuple(
        replace(
            trend, p_adjusted=float(p), status=trend.status if p < TREND_LEVEL or trend.status == TOO_FEW else NO_TREND
        )
        for trend, p in zip(trends, each, strict=True)
    )


def fit_laws(scores: Scores, bootstrap: int, seed: int) -> dict[str, Fit]:
    """The three laws by name."""
    if len(scores) < MIN_CONFIGURATIONS:
        text = f"{len(scores)} configurations are scored: a trend needs at least {MIN_CONFIGURATIONS}."
        note = (Note("few_scores", "error", text),)
        return {name: refused(name, ("slope",), "not_identified", note) for name in LAWS}
    rng = np.random.default_rng(seed)
    fits = (
        fit_line(ONE_STEP, np.log(scores.compute), logit(scores.auroc), bootstrap, rng),
        _two_step(scores, bootstrap, seed),
        fit_loss_error(scores.loss, 1 - scores.auroc, bootstrap, seed),
    )
    return {fit.method: _right_way(fit) for fit in fits}


def _right_way(fit: Fit) -> Fit:
    """The law as it is, but not to be foreseen by where its slope has the sense opposite to learning."""
    name, sign = SENSE[fit.method]
    if fit.status != "converged" or sign * fit.estimates[name] > 0:
        return fit
    text = f"AUROC gets worse as models get better ({name} {fit.estimates[name]:.3g}): nothing is foreseen by this law."
    return replace(fit, status="not_identified", notes=(*fit.notes, Note("wrong_way", "warning", text)))


def predict(fit: Fit, compute: float, n: float, d: float, loss: np.ndarray) -> tuple[float, float, float]:
    """AUROC and its 95% ends that a converged law foresees; `loss`: the estimate first, then draws of it."""
    if fit.status != "converged":
        return math.nan, math.nan, math.nan
    values = _auroc(fit, compute, n, d, loss)
    return float(values[0]), *percentile_interval(values[1:], fit.details.get("freedom", math.inf))


def _auroc(fit: Fit, compute: float, n: float, d: float, loss: np.ndarray) -> np.ndarray:
    """AUROC by the estimates, then by each draw."""
    parts = {name: np.concatenate([[fit.estimates[name]], fit.draws[name]]) for name in fit.draws}
    if fit.method == LOSS_ERROR:
        drawn = np.concatenate([loss[:1], np.resize(loss[1:] if len(loss) > 1 else loss, len(parts["k"]) - 1)])
        return np.clip(1 - parts["eps"] + parts["k"] * np.exp(-parts["gamma"] * drawn), 0.0, 1.0)
    at = math.log(compute) if fit.method == ONE_STEP else _task_loss(fit, parts, n, d)
    return 1 / (1 + np.exp(-(parts["level"] + parts["slope"] * at)))


def logit(share: np.ndarray) -> np.ndarray:
    """ln(p / (1 - p)), p held within [1e-4, 1 - 1e-4]."""
    held = np.clip(share, EDGE, 1 - EDGE)
    return np.log(held / (1 - held))


def _two_step(scores: Scores, bootstrap: int, seed: int) -> Fit:
    """Task log loss from (N, D), then logit(AUROC) on it; draws of both steps are independent."""
    told = np.isfinite(scores.log_loss) & (scores.log_loss > 0)
    if told.sum() < MIN_CONFIGURATIONS:
        note = Note("few_scores", "error", f"{told.sum()} configurations have a log loss of the task.")
        return refused(TWO_STEP, ("slope",), "not_identified", (note,))
    rng = np.random.default_rng(seed)
    second = fit_line(TWO_STEP, scores.log_loss[told], logit(scores.auroc[told]), bootstrap, rng)
    n, d, loss = scores.n[told], scores.d[told], scores.log_loss[told]
    first, level = _plane(n, d, loss, bootstrap, rng)
    if not level < TREND_LEVEL:
        text = (
            f"No predictable trend: size and tokens do not move the task's log loss beyond its noise (p {level:.2g})."
        )
        return refused(TWO_STEP, ("slope",), "not_identified", (Note("no_predictable_trend", "warning", text),))
    refits = min(bootstrap, SURFACE_DRAWS)
    (surface,) = fit_surfaces(make_points(n, d, loss), ("surface_huber",), refits, seed, others=False)
    if surface.status == "converged":
        first = {
            name: (surface.estimates[name], surface.intervals[name], np.resize(surface.draws[name], bootstrap))
            for name in BASE
        }
        note = Note("first_step_surface", "info", "Step one: task log loss = E + A/N^alpha + B/D^beta.")
    else:
        text = "Step one: a plane in ln N and ln D, as these runs do not identify a surface of the task's log loss."
        note = Note("first_step_plane", "info", text)
    estimates = second.estimates | {name: value for name, (value, _, _) in first.items()}
    intervals = second.intervals | {name: ends for name, (_, ends, _) in first.items()}
    draws = second.draws | {name: drawn for name, (_, _, drawn) in first.items()}
    # What is left of the runs after the first step's parameters; few of them make percentiles too short.
    details = {"freedom": max(len(loss) - len(first), 1)}
    notes = (note, *second.notes)
    return Fit(TWO_STEP, estimates, intervals, second.objective, second.status, notes, draws, details)


def _plane(n: np.ndarray, d: np.ndarray, loss: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[dict, float]:
    """T = constant + per_n ln N + per_d ln D: (estimate, 95%, draws) by name, and p of the F test against a constant."""
    design = np.column_stack([np.ones_like(n), np.log(n), np.log(d)])
    if len(n) <= design.shape[1] + 1 or np.linalg.matrix_rank(design) < design.shape[1]:
        return {}, math.nan
    estimate, covariance, freedom = least_squares(design, loss)
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(np.diag(covariance))
    drawn = t_draws(estimate, covariance, freedom, draws, rng)
    names = ("constant", "per_n", "per_d")
    found = {
        name: (float(e), (float(e - r), float(e + r)), drawn[:, i])
        for i, (name, e, r) in enumerate(zip(names, estimate, reach, strict=True))
    }
    rest = float(((loss - design @ estimate) ** 2).sum())
    explained = float(((loss - loss.mean()) ** 2).sum()) - rest
    ratio = (explained / 2) / max(rest / freedom, np.finfo(float).tiny)
    return found, float(stats.f.sf(ratio, 2, freedom))


def _task_loss(fit: Fit, parts: dict[str, np.ndarray], n: float, d: float) -> np.ndarray:
    """Task log loss at (N, D) by the first step, per draw."""
    if "per_n" in parts:
        return parts["constant"] + parts["per_n"] * math.log(n) + parts["per_d"] * math.log(d)
    count = len(parts["E"])
    return law_of(parts).loss(np.full(count, math.log(n)), np.full(count, d))


def kendall(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Kendall's tau-b and its two-sided p from PERMUTATIONS of y (the observed order counted among them)."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan, math.nan
    tau = float(stats.kendalltau(x, y).statistic)
    # tau-b's denominator is the same under every permutation, so that the numerators decide: sum over pairs of
    # sign(x_i - x_j) sign(y_i - y_j), which is twice that of sign(x_i - x_j) where y_i > y_j.
    signs = np.sign(x[:, None] - x[None, :]).astype(np.float32).ravel()
    block = max(1, PAIRS // len(signs))
    scores = []
    for start in range(0, PERMUTATIONS, block):
        drawn = y[np.argsort(rng.random((min(block, PERMUTATIONS - start), len(y))), axis=1)]
        scores.append((drawn[:, :, None] > drawn[:, None, :]).reshape(len(drawn), -1).astype(np.float32) @ signs)
    seen = abs(float((y[:, None] > y[None, :]).ravel() @ signs))
    return tau, float((1 + (np.abs(np.concatenate(scores)) >= seen).sum()) / (1 + PERMUTATIONS))


def score_errors(scores: Scores, seed: int = 0) -> tuple[ScoreError, ...]:
    """For 1 and 2 of the largest budgets left out: mean absolute AUROC error of each law there, and of two baselines.

    Baselines: `carry_forward` (mean AUROC of the largest budget kept) and `mean` (of all configurations kept). Laws foresee
    from what is known of the held-out runs before their tasks are scored: compute, size, tokens and loss.
    """
    budgets = np.unique(scores.budget)
    rows = []
    for left_out in range(1, min(LEFT_OUT, len(budgets) - 1) + 1):
        held = scores.budget >= budgets[-left_out]
        kept = Scores(*(getattr(scores, name)[~held] for name in Scores.__dataclass_fields__))
        truth = scores.auroc[held]
        last = float(kept.auroc[kept.budget == kept.budget.max()].mean())
        foreseen = {"carry_forward": np.full(len(truth), last), "mean": np.full(len(truth), float(kept.auroc.mean()))}
        for name, fit in fit_laws(kept, 1, seed).items():
            if fit.status == "converged":
                columns = zip(scores.compute[held], scores.n[held], scores.d[held], scores.loss[held], strict=True)
                foreseen[name] = np.array([_auroc(fit, c, n, d, np.array([loss]))[0] for c, n, d, loss in columns])
        rows += [
            ScoreError(left_out, name, float(np.abs(value - truth).mean()), len(truth))
            for name, value in foreseen.items()
        ]
    return tuple(rows)

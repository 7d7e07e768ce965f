"""The points that are fitted: one row per run, checked, with budgets and configurations.

In: columns as arrays of n, d, loss and whatever else is known. Out: `Points` (rows) and `Profile` (one budget, one row
per size). Pure: no file is read here (see readers.py).
A configuration is a run up to its seed: seeds of one configuration are averaged (in log loss) in a profile and move
together in every bootstrap. Where no configuration column is given, rows that agree in n, d, unique tokens, learning
rate and budget are one configuration.
Budgets are the nominal ones where given, else clusters of compute; both are said in the notes.
"""

from dataclasses import dataclass, replace

import numpy as np

from analysis.results import Note

# Runs of one budget differ in counted compute by rounding of steps and by 6ND against exact counts, rarely by more.
BUDGET_GAP = np.log(1.15)
# A chain of small gaps must not join budgets: sweeps space them by x2 or more, so no cluster is wider than x1.5.
BUDGET_SPAN = np.log(1.5)
# Two sizes closer than this are one size (counts of the same network by another rounding).
SAME_SIZE = 1e-3
# Counted compute further than this from 6ND on most rows points to a wrong unit or column.
FLOPS_RATIO = 3.0
# No language model has fewer parameters than this, and none was trained on fewer tokens: such numbers are in other units.
LEAST_N, LEAST_D = 1e3, 1e4
# Up to about 4 epochs repeated tokens are worth nearly as much as fresh ones (Muennighoff 2023).
MANY_EPOCHS = 4.0
# Fewer degrees of freedom between seeds than this say less of a run's noise than the scatter about the fit does.
SEED_FREEDOM = 3


@dataclass(frozen=True)
class Curves:
    """Training curves, one row per logged point: run code, its parameters n, its configuration, and compute, tokens and
    loss so far. `matched`: the learning rate is known to have come down at every point (see envelope.py)."""

    run: np.ndarray
    n: np.ndarray
    configuration: np.ndarray
    flops: np.ndarray
    tokens: np.ndarray
    loss: np.ndarray
    matched: bool = False


@dataclass(frozen=True)
class Points:
    """Runs as arrays of one length: parameters n, tokens d, loss (nats/token), compute flops, budget, group codes.

    `configuration` is int[rows], equal for seeds of one configuration. `unique_tokens` is NaN where unknown.
    `unique_patients` and `curves` (training curves of the runs) are there where the table has them.
    """

    n: np.ndarray
    d: np.ndarray
    loss: np.ndarray
    flops: np.ndarray
    budget: np.ndarray
    unique_tokens: np.ndarray
    configuration: np.ndarray
    notes: tuple[Note, ...] = ()
    unique_patients: np.ndarray | None = None
    curves: Curves | None = None

    def __len__(self) -> int:
        return len(self.n)


@dataclass(frozen=True)
class Profile:
    """One budget's IsoFLOP profile: one row per size, ascending in n; loss is the geometric mean over seeds."""

    budget: float
    n: np.ndarray
    d: np.ndarray
    loss: np.ndarray
    replicates: np.ndarray


def make_points(
    n: np.ndarray,
    d: np.ndarray,
    loss: np.ndarray,
    flops: np.ndarray | None = None,
    budget: np.ndarray | None = None,
    unique_tokens: np.ndarray | None = None,
    configuration: np.ndarray | None = None,
    learning_rate: np.ndarray | None = None,
    notes: tuple[Note, ...] = (),
    unique_patients: np.ndarray | None = None,
) -> Points:
    """Points from arrays of one length; compute is 6ND where `flops` is None. Values must be positive and finite."""
    n, d, loss = (np.asarray(column, dtype=float) for column in (n, d, loss))
    for name, column in (("n", n), ("d", d), ("loss", loss)):
        if not (np.isfinite(column) & (column > 0)).all():
            raise ValueError(f"{name} must be positive and finite")
    found = list(notes)
    if flops is None:
        found.append(Note("flops_6nd", "info", "No compute column: compute is taken as 6ND."))
        flops = 6 * n * d
    flops = np.asarray(flops, dtype=float)
    ratio = float(np.median(flops / (6 * n * d))) if len(n) else 1.0
    if not 1 / FLOPS_RATIO < ratio < FLOPS_RATIO:
        found.append(
            Note("flops_not_6nd", "warning", f"Compute is {ratio:.3g} x 6ND in the median: check units and columns.")
        )
    unknown = np.full(len(n), np.nan)
    unique_tokens = unknown if unique_tokens is None else np.asarray(unique_tokens, dtype=float)
    patients = None if unique_patients is None else np.asarray(unique_patients, dtype=float)
    many = int((d > MANY_EPOCHS * unique_tokens).sum())
    if many:
        text = (
            f"{many} of {len(n)} runs see their data more than {MANY_EPOCHS:g} times: their tokens are not all fresh."
        )
        found.append(Note("many_epochs", "warning", text))
    if len(n) and (np.median(n) < LEAST_N or np.median(d) < LEAST_D):
        text = f"n is {np.median(n):.3g} and d {np.median(d):.3g} in the median: are they counts, not millions or billions?"
        found.append(Note("units", "warning", text))
    budget, budget_notes = _assign_budgets(flops, budget)
    if configuration is None:
        rate = unknown if learning_rate is None else np.asarray(learning_rate, dtype=float)
        told = [np.nan_to_num(column) for column in (unique_tokens, rate, patients) if column is not None]
        key = np.column_stack([n, d, budget, *told])
    else:
        # A name that is used again at another size or budget is another configuration.
        named = np.unique(np.asarray(configuration).astype(str), return_inverse=True)[1].reshape(-1)
        key = np.column_stack([named, n, budget])
    codes = np.unique(key, axis=0, return_inverse=True)[1].reshape(-1)
    return Points(n, d, loss, flops, budget, unique_tokens, codes, (*found, *budget_notes), patients)


def _assign_budgets(flops: np.ndarray, nominal: np.ndarray | None) -> tuple[np.ndarray, tuple[Note, ...]]:
    """The budget of each row: nominal where all rows have one, else the geometric mean of its cluster of compute."""
    if nominal is not None:
        nominal = np.asarray(nominal, dtype=float)
        if np.isfinite(nominal).all():
            ratio = flops / nominal
            off = int(((ratio > np.exp(BUDGET_SPAN)) | (ratio < np.exp(-BUDGET_SPAN))).sum())
            note = Note("budget_off", "warning", f"{off} runs spent over x1.5 more or less than their nominal budget.")
            return nominal, (note,) if off else ()
    if not len(flops):
        return flops, ()
    order = np.argsort(flops, kind="stable")
    logs = np.log(flops[order])
    label = np.zeros(len(logs), dtype=int)
    start = 0
    for i in range(1, len(logs)):
        new = logs[i] - logs[i - 1] > BUDGET_GAP or logs[i] - logs[start] > BUDGET_SPAN
        start = i if new else start
        label[i] = label[i - 1] + new
    centres = np.array([np.exp(logs[label == k].mean()) for k in range(label[-1] + 1)])
    budget = np.empty(len(flops))
    budget[order] = centres[label]
    text = f"No budget column: compute falls into {len(centres)} clusters (gaps of 15%), each taken as a budget."
    notes = [Note("budgets_clustered", "info", text)]
    ends = [(logs[label == k][0], logs[label == k][-1]) for k in range(len(centres))]
    wide = sum(high - low > BUDGET_GAP for low, high in ends)
    if wide:
        text = (
            f"{wide} of {len(centres)} clusters of compute span more than 15%: this is no IsoFLOP sweep, and optima per "
            "budget mix sizes with compute. Trust the surface, or name the budgets."
        )
        notes.append(Note("budgets_unclear", "warning", text))
    return budget, tuple(notes)


def points_of_runs(
    columns: dict[str, np.ndarray], runs: np.ndarray, notes: tuple[Note, ...] = (), matched: bool = False
) -> Points:
    """Points from rows of which several may belong to one run: the last of each run is its point, all are its curve.

    `columns`: as for make_points; `runs`: text[rows], the run of each row (empty: a run of its own). Rows of one run at
    the same d (several evaluations) are averaged in log loss.
    """
    alone = np.array([name or f"row {i}" for i, name in enumerate(runs)])
    code = np.unique(alone, return_inverse=True)[1].reshape(-1)
    d, loss = columns["d"], columns["loss"].copy()
    last = np.zeros(len(d), dtype=bool)
    repeated = 0
    for one in np.unique(code):
        mine = np.flatnonzero(code == one)
        ends = mine[d[mine] == d[mine].max()]
        loss[ends[0]] = np.exp(np.log(loss[ends]).mean())
        last[ends[0]] = True
        repeated += len(ends) - 1
    dropped = int((~last).sum())
    if not dropped:
        return make_points(**columns, notes=notes)
    text = (
        f"{dropped} of {len(d)} rows are earlier checkpoints or further evaluations of a run: its last row is its point"
    )
    text += f" (loss averaged where it has several: {repeated} rows)." if repeated else "."
    note = Note("last_of_run", "info", text)
    at_end = {name: values[last] for name, values in columns.items()} | {"loss": loss[last]}
    points = make_points(**at_end, notes=(*notes, note))
    flops = columns.get("flops", 6 * columns["n"] * d)
    order = np.zeros(int(code.max()) + 1, dtype=int)
    order[code[last]] = points.configuration
    curves = Curves(code, columns["n"], order[code], flops, d, columns["loss"], matched)
    return replace(points, curves=curves if dropped > repeated else None)


def subset(points: Points, keep: np.ndarray) -> Points:
    """The rows of `points` where `keep` (bool[rows]) holds; curves are not taken along."""
    columns = ("n", "d", "loss", "flops", "budget", "unique_tokens", "configuration")
    patients = None if points.unique_patients is None else points.unique_patients[keep]
    return Points(*(getattr(points, name)[keep] for name in columns), notes=points.notes, unique_patients=patients)


def budget_profiles(points: Points) -> tuple[tuple[Profile, ...], tuple[Note, ...]]:
    """One profile per budget, ascending; where a size has several configurations the best one stands for it."""
    profiles = []
    crowded = 0
    for budget in np.unique(points.budget):
        rows = np.flatnonzero(points.budget == budget)
        means = _configuration_means(points, rows)
        keep: list[int] = []
        for i in np.lexsort((means[:, 2], means[:, 0])):
            if keep and means[i, 0] < means[keep[-1], 0] * (1 + SAME_SIZE):
                crowded += 1
                if means[i, 2] < means[keep[-1], 2]:
                    keep[-1] = int(i)
            else:
                keep.append(int(i))
        best = means[keep]
        profiles.append(Profile(float(budget), best[:, 0], best[:, 1], np.exp(best[:, 2]), best[:, 3]))
    text = f"{crowded} configurations share budget and size with a better one and are left out of the profiles."
    return tuple(profiles), (Note("best_of_size", "info", text),) if crowded else ()


def _configuration_means(points: Points, rows: np.ndarray) -> np.ndarray:
    """float[configurations, 4]: n, d, mean log loss, number of seeds, over the given rows."""
    out = []
    for code in np.unique(points.configuration[rows]):
        mine = rows[points.configuration[rows] == code]
        out.append((points.n[mine[0]], points.d[mine].mean(), np.log(points.loss[mine]).mean(), len(mine)))
    return np.array(out)


def seed_noise(points: Points) -> tuple[float, int]:
    """Pooled standard deviation of log loss between seeds of one configuration, and its degrees of freedom."""
    squares, freedom = 0.0, 0
    for code in np.unique(points.configuration):
        logs = np.log(points.loss[points.configuration == code])
        squares += float(((logs - logs.mean()) ** 2).sum())
        freedom += len(logs) - 1
    return (float(np.sqrt(squares / freedom)), freedom) if freedom else (float("nan"), 0)


def configuration_weights(configuration: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """int[draws, rows]: how often the configuration of each row is drawn, when as many as there are are drawn with
    replacement (pairs bootstrap); seeds of one configuration move together."""
    codes = np.unique(configuration, return_inverse=True)[1].reshape(-1)
    count = int(codes.max()) + 1
    return rng.multinomial(count, np.full(count, 1 / count), size=draws)[:, codes]

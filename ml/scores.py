"""Scores of predictions on one task, for everybody and by subgroup, as flat records.

In: `Predictions` (labels, what was predicted, whose row it is) and masks of subgroups. Out: one record a subgroup, and the
rows of the calibration table. Intervals come from draws of patients (percentile bootstrap), for the AUROC from DeLong as well
(ml/auroc.py); the same seed gives the same draws, so that methods scored on the same rows are drawn alike. Wrong: nothing a
user can cause; what too few events or patients cannot tell is null, and `note` says why.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ml.auroc import Ranking, auroc, percentiles, resampled_patients
from ml.calibration import calibration, calibration_bins, clipped
from ml.tasks import Rows

REPLICATES = 500  # of the bootstrap
# With fewer rows of a class an interval of the AUROC is wider than what is left of the scale, and a calibration slope is noise.
FEWEST_EVENTS = 5
FEWEST_PATIENTS = 5  # for what is scored on numbers and classes
TOP = 5
AGE_BANDS = ((18, 44), (45, 64), (65, 79), (80, None))
# The first whose word begins or occurs in MIMIC-IV's race; the order matters for 'WHITE - BRAZILIAN' and 'HISPANIC/LATINO - ...'.
RACES = {
    "hispanic": ("HISPANIC", "SOUTH AMERICAN"),
    "white": ("WHITE", "PORTUGUESE"),
    "black": ("BLACK",),
    "asian": ("ASIAN",),
    "unknown": ("UNKNOWN", "UNABLE", "DECLINED"),
}
NUMBERS = (
    *("prevalence", "auroc", "auroc_low", "auroc_high", "auroc_boot_low", "auroc_boot_high", "auprc", "auprc_low"),
    *("auprc_high", "brier", "log_loss", "log_loss_low", "log_loss_high", "calibration_intercept", "calibration_slope"),
    *("ici", "mae", "mae_low", "mae_high", "r2", "r2_low", "r2_high", "accuracy", "accuracy_low", "accuracy_high"),
    *("top_5_accuracy", "top_5_accuracy_low", "top_5_accuracy_high", "undecided_share"),
)
FIELDS = (
    *("task", "method", "split", "subgroup", "label_type", "n_rows", "n_patients", "n_events"),
    *(*NUMBERS, "rollouts", "note"),
)


@dataclass(frozen=True)
class Predictions:
    """What a method predicted on n rows of a task.

    patients int64 [n]; labels bool, int64 or float64 [n]. predicted float64 [n]: the risk of a boolean label, or the number;
    for a label that is one of k classes [n, k] shares, of `classes` int64 [k]. undecided float64 [n]: share of a row's rollouts
    that ended without an answer. Shares of rollouts belong smoothed (calibration.smoothed_share).
    """

    label_type: str
    patients: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    classes: np.ndarray | None = None
    rollouts: int | None = None
    undecided: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.patients)

    def take(self, mask: np.ndarray) -> "Predictions":
        """The rows in a mask bool [n], or at places."""
        undecided = None if self.undecided is None else self.undecided[mask]
        kept = (self.patients[mask], self.labels[mask], self.predicted[mask])
        return Predictions(self.label_type, *kept, self.classes, self.rollouts, undecided)


def race_group(race: str | None) -> str:
    """MIMIC-IV's 33 descriptions in six groups."""
    text = (race or "UNKNOWN").upper()
    return next((group for group, words in RACES.items() if any(word in text for word in words)), "other")


def subgroups(rows: Rows) -> dict[str, np.ndarray]:
    """Masks [n] of all rows and of each subgroup that has any: sex, age band, race, first or repeat admission."""
    found = {"all": np.ones(len(rows), bool)}
    found |= {f"sex={sex}": rows.sex == sex for sex in ("F", "M")}
    for low, high in AGE_BANDS:
        name = f"age={low}-{high}" if high else f"age={low}+"
        found[name] = (rows.age >= low) & (rows.age < (high + 1 if high else np.inf))
    groups = np.asarray([race_group(race) for race in rows.race], dtype=object)
    found |= {f"race={group}": groups == group for group in (*RACES, "other")}
    first = rows.is_first_admission
    found |= {"admission=first": first, "admission=repeat": ~first}
    return {name: mask for name, mask in found.items() if mask.any() or name == "all"}


def records(
    task: str,
    method: str,
    predictions: Predictions,
    masks: dict[str, np.ndarray],
    seed: int = 0,
    replicates: int = REPLICATES,
    note: str | None = None,
) -> list[dict]:
    """One flat record a subgroup, with all FIELDS; what does not apply is None. `note` begins each record's own."""
    found = []
    for name, mask in masks.items():
        part = predictions.take(mask)
        figures, remarks = _score(part, seed, replicates) if len(part) else ({}, ["no rows"])
        head = {"task": task, "method": method, "split": "held_out", "subgroup": name, "label_type": part.label_type}
        counts = {"n_rows": len(part), "n_patients": len(np.unique(part.patients)), "rollouts": part.rollouts}
        if part.undecided is not None and len(part):
            figures["undecided_share"] = float(part.undecided.mean())
        text = "; ".join(remark for remark in (note, *remarks) if remark) or None
        clean = {key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in figures.items()}
        found.append(dict.fromkeys(FIELDS) | head | counts | clean | {"note": text})
    return found


def calibration_records(task: str, method: str, predictions: Predictions) -> list[dict]:
    """The calibration table over all rows: a flat record for each bin of risk. Only boolean labels have one."""
    if predictions.label_type != "boolean":
        return []
    bins = calibration_bins(predictions.labels, predictions.predicted)
    return [{"task": task, "method": method, **vars(one)} for one in bins]


def _score(part: Predictions, seed: int, replicates: int) -> tuple[dict, list[str]]:
    if part.label_type == "boolean":
        return _score_risks(part, seed, replicates)
    if part.predicted.ndim == 2:
        return _score_classes(part, seed, replicates)
    return _score_numbers(part, seed, replicates)


def _intervals(
    part: Predictions, names: tuple[str, ...], compute: Callable[[np.ndarray], tuple], seed: int, replicates: int
) -> dict[str, float]:
    """Bootstrap intervals, as NAME_low and NAME_high, of what `compute` makes of weights of the rows: [c, n] to [c, names]."""
    drawn = np.concatenate([compute(weights) for weights in resampled_patients(part.patients, replicates, seed)])
    ends = {name: percentiles(drawn[:, column]) for column, name in enumerate(names)}
    return {
        f"{name}_{side}": value
        for name, both in ends.items()
        for side, value in zip(("low", "high"), both, strict=True)
    }


def _score_risks(part: Predictions, seed: int, replicates: int) -> tuple[dict, list[str]]:
    labels, risks = np.asarray(part.labels, bool), np.asarray(part.predicted, np.float64)
    n_events, held = int(labels.sum()), clipped(risks)
    losses = -np.log(np.where(labels, held, 1 - held))
    figures = {
        "n_events": n_events,
        "prevalence": float(labels.mean()),
        "brier": float(np.square(risks - labels).mean()),
        "log_loss": float(losses.mean()),
    }
    if min(n_events, len(labels) - n_events) < FEWEST_EVENTS:
        rarer = f"{n_events} with the event" if n_events * 2 <= len(labels) else f"{len(labels) - n_events} without it"
        return figures, [f"{rarer}: too few to rank or calibrate (fewer than {FEWEST_EVENTS})"]
    ranking, found = Ranking(labels, risks), auroc(labels, risks, part.patients)
    area, precision = ranking.areas(np.ones((1, len(labels))))[0].tolist()
    curve = calibration(labels, risks)
    figures |= {"auroc": area, "auroc_low": found.low, "auroc_high": found.high, "auprc": precision}
    figures |= {"calibration_intercept": curve.intercept, "calibration_slope": curve.slope, "ici": curve.ici}

    def compute(weights: np.ndarray) -> np.ndarray:
        return np.column_stack([ranking.areas(weights), weights @ losses / weights.sum(axis=1)])

    figures |= _intervals(part, ("auroc_boot", "auprc", "log_loss"), compute, seed, replicates)
    if area in (0.0, 1.0):
        return figures, ["the classes are parted without error: DeLong gives no interval"]
    return figures, ["all risks are equal"] if np.ptp(risks) == 0 else []


def _score_numbers(part: Predictions, seed: int, replicates: int) -> tuple[dict, list[str]]:
    labels, errors = np.asarray(part.labels, np.float64), np.asarray(part.labels - part.predicted, np.float64)

    def compute(weights: np.ndarray) -> np.ndarray:
        total = weights.sum(axis=1)
        spread = weights @ np.square(labels) / total - np.square(weights @ labels / total)
        with np.errstate(invalid="ignore", divide="ignore"):
            r2 = 1 - weights @ np.square(errors) / total / spread
        return np.column_stack([weights @ np.abs(errors) / total, np.where(spread > 1e-12, r2, np.nan)])

    labels = labels - labels.mean()  # so that the spread loses no digits; the errors stay
    mae, r2 = compute(np.ones((1, len(labels))))[0].tolist()
    figures = {"mae": mae, "r2": r2}
    if len(np.unique(part.patients)) < FEWEST_PATIENTS:
        return {"mae": mae}, [f"fewer than {FEWEST_PATIENTS} patients: too few for an interval"]
    return figures | _intervals(part, ("mae", "r2"), compute, seed, replicates), []


def _score_classes(part: Predictions, seed: int, replicates: int) -> tuple[dict, list[str]]:
    """Accuracy of the likeliest class and of the likeliest TOP; a label that is no class of the method counts as wrong."""
    order = np.argsort(-part.predicted, axis=1, kind="stable")[:, :TOP]
    hit = part.classes[order] == np.asarray(part.labels)[:, None]
    right = part.classes[None, :] == np.asarray(part.labels)[:, None]
    losses = -np.log(clipped((part.predicted * right).sum(1)))
    rows = np.stack([hit[:, 0], hit.any(1), losses]).astype(np.float64)

    def compute(weights: np.ndarray) -> np.ndarray:
        return weights @ rows.T / weights.sum(axis=1, keepdims=True)

    names = ("accuracy", "top_5_accuracy", "log_loss")
    figures = dict(zip(names, compute(np.ones((1, len(part))))[0].tolist(), strict=True))
    if len(np.unique(part.patients)) < FEWEST_PATIENTS:
        return figures, [f"fewer than {FEWEST_PATIENTS} patients: too few for an interval"]
    return figures | _intervals(part, names, compute, seed, replicates), []

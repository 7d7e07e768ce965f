"""A sweep's plan as a file, `ml/sweep.py --plan FILE`; `python -m analysis.design --write FILE` writes one.

In: a JSON object: format 1, budgets (FLOPs), sizes_per_budget, centres (N with head that each budget's sizes are laid around
before there are results; null where not known), seeds, curvature and seed_noise (nats; what the runs so far show).
Out: `SweepPlan`. Wrong: no such file, no such plan, values of another kind (UserError).
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from warehouse.errors import UserError

FORMAT = 1


@dataclass(frozen=True)
class SweepPlan:
    """Budgets and what is known of each; lists of one length but for `seeds`."""

    budgets: list[float]
    sizes_per_budget: list[int]
    centres: list[float | None]
    seeds: list[int]
    curvature: float
    seed_noise: float


def read_plan(path: Path) -> SweepPlan:
    """The plan in a file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"--plan {path}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"--plan {path}: no JSON; write one with `python -m analysis.design --write FILE`") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(
            f"--plan {path}: no plan of format {FORMAT}; write one with `python -m analysis.design --write FILE`"
        )
    try:
        plan = SweepPlan(**{name: content[name] for name in SweepPlan.__dataclass_fields__})
    except KeyError as error:
        raise UserError(f"--plan {path}: has no {error.args[0]}") from error
    amiss = _amiss(plan)
    if amiss:
        raise UserError(f"--plan {path}: {amiss}")
    return plan


def _amiss(plan: SweepPlan) -> str | None:
    """What is wrong with the values of a plan, None where nothing is."""
    lists = (plan.budgets, plan.sizes_per_budget, plan.centres)
    if not all(isinstance(part, list) for part in lists) or len({len(part) for part in lists}) != 1 or not plan.budgets:
        return "budgets, sizes_per_budget and centres must be lists of one length"
    known = [centre for centre in plan.centres if centre is not None]
    if not all(_positive(value) for value in (*plan.budgets, *known, plan.curvature, plan.seed_noise)):
        return "budgets, centres (or null), curvature and seed_noise must be numbers above 0"
    if not all(_whole(size, 1) for size in plan.sizes_per_budget):
        return "sizes_per_budget must be whole numbers from 1 up"
    if not isinstance(plan.seeds, list) or not plan.seeds or not all(_whole(seed, 0) for seed in plan.seeds):
        return "seeds must be a list of whole numbers from 0 up"
    return None


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least

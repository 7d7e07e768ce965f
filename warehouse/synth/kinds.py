"""Kinds of admission: each episode comes in a few variants that are treated, tested and run differently.

In: the episodes. Out: tables by kind (episode * VARIANTS + variant), drawn once from a fixed seed and so the same in every
cohort: which drugs its order set holds, which panels it prompts more or less, and how it moves the latents. A drug that an
episode brings with chance p is in the order set of a share p of its kinds, there given nearly always, elsewhere hardly ever:
rates stay, and what is hidden is which kind an admission is. No such number is a fact of medicine.
"""

import numpy as np

from warehouse.synth.atc import DRUG_INDEX, DRUGS
from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.episodes import EPISODE_INDEX, EPISODES
from warehouse.synth.labitems import LATENTS, PANELS
from warehouse.synth.tail import panel_reasons
from warehouse.synth.treatments import ROUTINE

VARIANTS = 4
KINDS = VARIANTS * len(EPISODES)
_EDGES = np.cumsum([0.5, 0.25, 0.15])
_ALWAYS, _HARDLY = 0.94, 0.02
_RNG = np.random.default_rng(41)


def kind_of(episode: np.ndarray, habit: np.ndarray) -> np.ndarray:
    """The kind of an admission: the variant follows from the patient's `habit` in [0, 1) and is the same each time."""
    return episode * VARIANTS + np.searchsorted(_EDGES, (habit + 0.381966 * episode) % 1)


def _sharpened(chance: np.ndarray) -> np.ndarray:
    """Chances (kinds, choices) that are nearly 0 or nearly 1, with `chance` as their mean over kinds."""
    member = _RNG.random(chance.shape) < (chance - _HARDLY) / (_ALWAYS - _HARDLY)
    return np.where(chance <= _HARDLY, chance, np.where(member, np.maximum(chance, _ALWAYS), _HARDLY))


def _order_sets() -> np.ndarray:
    chance = np.zeros((len(EPISODES), len(DRUGS)))
    for number, episode in enumerate(EPISODES):
        for drug, share in episode.drugs.items():
            chance[number, DRUG_INDEX[drug]] = min(share, 0.995)
    return _sharpened(np.repeat(chance, VARIANTS, axis=0))


def _latent_effects() -> np.ndarray:
    effects = np.repeat([episode.lab_effects for episode in EPISODES], VARIANTS, axis=0)
    own = _RNG.standard_normal(effects.shape) * (_RNG.random(effects.shape) < 0.12)
    return effects * _RNG.lognormal(0, 0.25, effects.shape) + 0.6 * own


# Chance of a drug at an admission; chance of each routine order; log-odds added to each panel; effect of severity.
ORDER_SETS: np.ndarray = _order_sets()
ROUTINES: np.ndarray = _sharpened(np.tile([routine.chance for routine in ROUTINE], (KINDS, 1)))
PANEL_HABITS: np.ndarray = 0.9 * _RNG.standard_normal((KINDS, len(PANELS))) - 0.3
KIND_EFFECTS: np.ndarray = _latent_effects()
# {panel: {episode or condition: log-odds}} of the long tail, as labitems.py has it for the others.
PANEL_REASONS: dict[str, dict[str, float]] = panel_reasons(tuple(EPISODE_INDEX), tuple(CONDITION_INDEX))
assert KIND_EFFECTS.shape == (KINDS, len(LATENTS))

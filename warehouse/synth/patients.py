"""Who the synthetic patients are: demographics, latent factors, conditions and when they begin, habits, and follow-up.

In: a block's first patient number, its size and a numpy Generator. Out: one `Patients` of arrays over the block. Times are
real days since 1970 (shifted only when rows are written), so that ICD versions and COVID-19 fall where they should.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.synth.conditions import CONDITIONS, FACTORS
from warehouse.synth.hazards import sigmoid
from warehouse.synth.labitems import ITEMS, LATENT_INDEX, LATENTS, PANELS
from warehouse.synth.treatments import DRUG_ATC, DRUGS

FIRST_SUBJECT = 10000001
SUBJECT_STEP = 20
# Subject, admission and ICU stay ids have eight digits as in MIMIC-IV; with room for each patient that bounds the cohort.
MAX_PATIENTS = 499_000

GROUPS = ("2008 - 2010", "2011 - 2013", "2014 - 2016", "2017 - 2019", "2020 - 2022")
RACES = (
    "WHITE",
    "BLACK/AFRICAN AMERICAN",
    "OTHER",
    "UNKNOWN",
    "HISPANIC/LATINO - PUERTO RICAN",
    "WHITE - OTHER EUROPEAN",
    "HISPANIC OR LATINO",
    "ASIAN",
    "ASIAN - CHINESE",
    "WHITE - RUSSIAN",
    "BLACK/CARIBBEAN ISLAND",
    "HISPANIC/LATINO - DOMINICAN",
    "BLACK/CAPE VERDEAN",
    "PATIENT DECLINED TO ANSWER",
    "BLACK/AFRICAN",
    "WHITE - BRAZILIAN",
    "PORTUGUESE",
    "UNABLE TO OBTAIN",
    "WHITE - EASTERN EUROPEAN",
    "HISPANIC/LATINO - GUATEMALAN",
    "ASIAN - SOUTH EAST ASIAN",
    "ASIAN - ASIAN INDIAN",
    "HISPANIC/LATINO - SALVADORAN",
    "HISPANIC/LATINO - MEXICAN",
    "HISPANIC/LATINO - COLUMBIAN",
    "HISPANIC/LATINO - CUBAN",
    "AMERICAN INDIAN/ALASKA NATIVE",
    "SOUTH AMERICAN",
)
_RACE_WEIGHTS = np.array(
    [
        62,
        13,
        4.2,
        3,
        1.8,
        1.9,
        1.6,
        1.6,
        1.6,
        1.2,
        1,
        1.2,
        1,
        0.7,
        0.8,
        0.5,
        0.4,
        0.6,
        0.4,
        0.4,
        0.4,
        0.4,
        0.35,
        0.25,
        0.25,
        0.15,
        0.2,
        0.15,
    ]
)
LANGUAGES = ("English", "Spanish", "Russian", "Chinese", "Portuguese", "Haitian", "Kabuverdianu", "Vietnamese", "Other")
_LANGUAGE_WEIGHTS = np.array([89.5, 3, 1.7, 1.8, 0.9, 0.7, 0.8, 0.6, 1.0])
INSURANCES = ("Medicare", "Medicaid", "Private", "Other", "No charge")
MARITAL = ("SINGLE", "MARRIED", "WIDOWED", "DIVORCED")

_SHARE = np.array([condition.share for condition in CONDITIONS])
_AGE = np.array([condition.age for condition in CONDITIONS])
_MALE = np.array([condition.male for condition in CONDITIONS])
_LOADINGS = np.array([condition.loadings for condition in CONDITIONS])
CONDITION_EFFECTS: np.ndarray = np.array([condition.lab_effects for condition in CONDITIONS])
_BMI = np.array([{"obesity": 6.0, "morbid": 12.0}.get(condition.key, 0.0) for condition in CONDITIONS])
# How hidden traits move all latents together; the same in every cohort. The first trait moves all alike (how much water the
# blood holds), one a panel moves what is measured together, the others are a power law: the k-th has variance k^-1.1 and
# moves few latents. The factors that make conditions cluster move latents too.
FINE_TRAITS = 32
TRAITS = 1 + len(PANELS) + FINE_TRAITS
_WATER, _PANEL, _FINE = 0.4, 0.3, 0.3


def _power_law(rng: np.random.Generator, rows: int, power: float) -> np.ndarray:
    """Loadings (rows, latents) of either sign; each latent's variances add up to 1."""
    width = np.where(np.arange(rows) < 4, 0.7, 0.15)[:, None]
    loadings = rng.standard_normal((rows, len(LATENTS))) * (rng.random((rows, len(LATENTS))) < width)
    loadings *= np.arange(1, rows + 1)[:, None] ** (-power / 2)
    return loadings / np.sqrt((loadings**2).sum(axis=0)).clip(0.3)


def _mixing(rng: np.random.Generator) -> np.ndarray:
    """Loadings (traits, latents); shares of variance are _WATER, _PANEL and _FINE."""
    panel_of = {item.name: item.panel for item in ITEMS}
    same = np.array([[panel_of.get(latent) == panel.name for latent in LATENTS] for panel in PANELS])
    parts = (np.ones((1, len(LATENTS))), same, _power_law(rng, FINE_TRAITS, 1.1))
    return np.vstack([share**0.5 * part for share, part in zip((_WATER, _PANEL, _FINE), parts, strict=True)])


# Standard deviations of a patient's resting point: by traits, by factors, of each latent alone.
OWN_TRAITS, OWN_FACTORS, OWN_REST = 1.4, 0.3, 0.5
MIXING: np.ndarray = _mixing(np.random.default_rng(6))
_FACTOR_MIXING = _power_law(np.random.default_rng(7), len(FACTORS), 0.5)
# A first letter of the ATC code and the factor that makes a rarely used drug of that group likely.
_ATC_FACTOR = {
    "A": "li",
    "B": "cm",
    "C": "cm",
    "G": "ms",
    "H": "im",
    "J": "im",
    "L": "on",
    "M": "ms",
    "N": "ps",
    "P": "im",
    "R": "pu",
    "S": "ne",
    "V": "re",
}


@dataclass
class Patients:
    """A block of patients; first axis: patient. Days are real days since 1970-01-01."""

    number: np.ndarray
    subject_id: np.ndarray
    male: np.ndarray
    age: np.ndarray
    birth_day: np.ndarray
    first_day: np.ndarray
    last_day: np.ndarray
    shift_days: np.ndarray
    anchor_year: np.ndarray
    anchor_age: np.ndarray
    group: np.ndarray
    race: np.ndarray
    other_race: np.ndarray
    language: np.ndarray
    marital: np.ndarray
    frailty: np.ndarray
    habit: np.ndarray
    factors: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    drift: np.ndarray
    drug_threshold: np.ndarray
    drug_extra: np.ndarray
    admitted: np.ndarray
    visit_rate: np.ndarray
    height: np.ndarray
    bmi: np.ndarray

    def present(self, who: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Conditions that patients `who` have on `day`: bool (len(who), conditions)."""
        return self.onset[who] <= day[:, None]

    def baseline(self, who: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Where the latents of patients `who` rest on `day`: own offset, slow drift, conditions: (len(who), latents)."""
        years = (day - self.first_day[who]) / 365.25
        rest = self.offset[who] + self.drift[who] * years[:, None] + self.present(who, day) @ CONDITION_EFFECTS
        # Conditions that say the same (three kinds of kidney disease) do not add up without end.
        return 7 * np.tanh(rest / 7)


def choose(rng: np.random.Generator, weights: np.ndarray, size: int) -> np.ndarray:
    """`size` draws of an index with the given weights."""
    edges = np.cumsum(weights) / np.sum(weights)
    return np.searchsorted(edges, rng.random(size), side="right").clip(0, len(weights) - 1)


def choose_each(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """One index a row of `weights` (n, choices), in proportion to them."""
    edges = np.cumsum(weights, axis=1)
    return (rng.random((len(weights), 1)) * edges[:, -1:] >= edges).sum(axis=1).clip(0, weights.shape[1] - 1)


def _day_of_year(year: np.ndarray, day: np.ndarray) -> np.ndarray:
    return (year.astype("int64") - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + day


def _conditions(rng: np.random.Generator, age: np.ndarray, male: np.ndarray, factors: np.ndarray, frailty: np.ndarray):
    """Years before (negative) or after the first contact at which each condition begins; inf where it never does."""
    sex_bound = np.abs(_MALE) > 3
    lean = np.where(sex_bound, 0.0, _MALE) * (male[:, None] - 0.5)
    wrong_sex = sex_bound & ((_MALE > 0) != male[:, None].astype(bool))
    decades = ((age - 60) / 20).clip(-2, 1.5)
    base = np.log(_SHARE / (1 - _SHARE)) - 0.05
    logit = base + decades[:, None] * _AGE + lean + 0.85 * factors @ _LOADINGS.T + 0.3 * frailty[:, None]
    probability = np.where(wrong_sex, 0.0, sigmoid(logit))
    draw = rng.random(probability.shape)
    # What a patient does not have yet comes later at about a thirtieth of the same odds each year.
    later = rng.exponential(30.0, probability.shape) / np.maximum(probability, 1e-9)
    return np.where(draw < probability, -rng.exponential(6.0, probability.shape), np.where(later < 40, later, np.inf))


def _dates(rng: np.random.Generator, size: int, age: np.ndarray) -> dict[str, np.ndarray]:
    """Real first and last days of contact, the shift into 2110-2200 and what the patients table says of it."""
    group = choose(rng, np.array([30, 23, 20, 16, 11.0]), size)
    anchor_real = 2008 + 3 * group + rng.integers(0, 3, size)
    first = _day_of_year(anchor_real, rng.integers(0, 365, size))
    end_of_data = _day_of_year(np.array([2022]), np.array([364]))[0]
    lost = first + (365.25 * rng.exponential(7.0, size)).astype(np.int64) + 1
    # Whole weeks, so that the days of the week stay; all contacts of a patient fall into 2110-2200.
    anchor_year = rng.integers(2111, 2186, size)
    shift = (
        (_day_of_year(anchor_year, np.zeros(size, np.int64)) - _day_of_year(anchor_real, np.zeros(size, np.int64)))
        // 7
        * 7
    )
    shifted_year = (first + shift).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return {
        "group": group,
        "first_day": first,
        "last_day": np.minimum(lost, end_of_data),
        "shift_days": shift,
        "anchor_year": shifted_year,
        "anchor_age": np.where(age > 89, 91, age).astype(np.int64),
        "birth_day": first - (age * 365.25).astype(np.int64),
    }


def make_patients(rng: np.random.Generator, first: int, size: int) -> Patients:
    """Patients number `first` to `first + size - 1` (from 0)."""
    number = np.arange(first, first + size)
    male = rng.random(size) < 0.475
    young = rng.random(size) < 0.36
    age = np.where(young, rng.normal(31, 8.5, size), rng.normal(62, 15.5, size)).clip(18, 97)
    dates = _dates(rng, size, age)
    factors = rng.standard_normal((size, len(FACTORS)))
    frailty = rng.standard_normal(size)
    onset_years = _conditions(rng, age, male, factors, frailty)
    onset = dates["first_day"][:, None] + 365.25 * onset_years
    present = onset_years <= 0
    burden = present @ (1 + 4 * _SHARE)
    offset = OWN_TRAITS * rng.standard_normal((size, TRAITS)) @ MIXING + OWN_FACTORS * factors @ _FACTOR_MIXING
    offset += OWN_REST * rng.standard_normal((size, len(LATENTS)))
    offset[:, LATENT_INDEX["hgb"]] += np.where(male, 0.45, -0.35)
    offset[:, LATENT_INDEX["cr"]] += np.where(male, 0.35, -0.45)
    factor_of = [FACTORS.index(_ATC_FACTOR.get(code[0], "ms")) for code in DRUG_ATC]
    race = choose(rng, _RACE_WEIGHTS, size)
    widow = sigmoid((age - 82) / 8)
    married = 0.62 * sigmoid((age - 32) / 6) * (1 - widow * 0.6)
    single = 1 - married - widow * 0.6
    return Patients(
        number=number,
        subject_id=FIRST_SUBJECT + SUBJECT_STEP * number + rng.integers(0, SUBJECT_STEP - 1, size),
        male=male,
        age=age,
        race=race,
        other_race=choose(rng, _RACE_WEIGHTS, size),
        language=np.where((race == 0) & (rng.random(size) < 0.9), 0, choose(rng, _LANGUAGE_WEIGHTS, size)),
        marital=choose_each(
            rng, np.column_stack([single.clip(0.05), married, widow * 0.6, 0.08 * sigmoid((age - 40) / 8)])
        ),
        frailty=frailty,
        habit=rng.random(size),
        factors=factors,
        onset=onset,
        offset=offset,
        drift=0.05 * rng.standard_normal((size, len(LATENTS))),
        drug_threshold=rng.random((size, len(DRUGS))),
        drug_extra=sigmoid(-6.2 + 1.1 * factors[:, factor_of]),
        admitted=rng.random(size) < sigmoid(-0.15 + 0.5 * frailty + 0.09 * burden + 0.8 * young * ~male),
        visit_rate=(rng.random(size) < 0.62) * rng.lognormal(0.15 + 0.05 * burden.clip(0, 20), 0.9, size).clip(0, 25),
        height=rng.normal(63.8, 2.6, size) + 5.4 * male,
        bmi=(27.3 + 3.4 * rng.standard_normal(size) + factors[:, 0] + present @ _BMI).clip(15, 70),
        **dates,
    )

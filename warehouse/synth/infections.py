"""Infections: specimens sent where one is suspected, what grows in them, and what that is resistant to.

In: a `World`. Out: `Specimens` (real seconds) and `Isolates`. Suspicion follows the episode, severity, white cells and place; what
grows follows where the infection is. A patient keeps its organisms and their resistance over the years: both come of draws
fixed for patient, site and family of antibiotics, and resistance grows with admissions.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warehouse.synth.conditions import CONDITION_INDEX
from warehouse.synth.course import DAY, STEP
from warehouse.synth.cultureitems import (
    ANTIBIOTICS,
    KIND_INDEX,
    KINDS,
    ORGANISM_INDEX,
    ORGANISMS,
    SITES,
    TEST_INDEX,
    TESTS,
)
from warehouse.synth.episodes import COMPLICATIONS, EPISODES, Episode
from warehouse.synth.labitems import LATENT_INDEX
from warehouse.synth.patients import sigmoid
from warehouse.synth.stays import SERVICES

if TYPE_CHECKING:
    from warehouse.synth.world import World

_BLOOD, _URINE, _RESP, _WOUND, _ABD, _STOOL = (
    SITES.index(key) for key in ("blood", "urine", "resp", "wound", "abd", "cdiff")
)
_SKIN_WORDS = ("cellulitis", "osteomyelitis", "abscess", "wound", "ulcer", "skin", "arthritis", "gangrene")
_BOWEL_WORDS = ("enteritis", "colitis", "diarrhea")


def _infected(episode: Episode) -> np.ndarray:
    """Chance of an infection with bacteria that can be grown, by site, in one episode."""
    chance = np.full(len(SITES), 0.015)
    title, effect = episode.title.lower(), episode.lab_effects
    if any(word in title for word in _BOWEL_WORDS):
        chance[_STOOL] = 0.1
    if "I" not in episode.flags:
        return chance
    chance[_BLOOD] = 0.07
    if effect[LATENT_INDEX["uwbc"]] > 0.5:
        chance[[_URINE, _BLOOD]] = 0.72, 0.12
    elif effect[LATENT_INDEX["po2"]] < -0.2:
        chance[_RESP] = 0.1 if "covid" in title else 0.5
    elif any(word in title for word in _SKIN_WORDS):
        chance[_WOUND] = 0.65
    elif episode.service == "SURG":
        chance[_ABD] = 0.55
    else:
        chance[[_BLOOD, _URINE, _RESP]] = 0.36, 0.3, 0.22
    return chance


_INFECTED = np.array([_infected(episode) for episode in EPISODES])
_FLAG = {flag: np.array([flag in episode.flags for episode in EPISODES]) for flag in "IEODS"}
_SKIN = _INFECTED[:, _WOUND] > 0.5
_LUNG = np.array(
    [one.lab_effects[LATENT_INDEX["po2"]] < -0.2 or one.lab_effects[LATENT_INDEX["pco2"]] > 0.5 for one in EPISODES]
)
_SITE_WEIGHT = np.array([[organism.sites.get(site, 0.0) for organism in ORGANISMS] for site in SITES])
_SITE_EDGES = np.cumsum(_SITE_WEIGHT, axis=1) / _SITE_WEIGHT.sum(axis=1, keepdims=True)
# What grows at a site without an infection, as a share of its specimens.
_BACKGROUND = np.array([{"blood": 0.022, "urine": 0.115, "resp": 0.26, "wound": 0.5, "abd": 0.07, "anaer": 0.02, "fungal": 0.2,
                         "mrsa": 0.01, "vre": 0.02, "cdiff": 0.06, "staph": 0.2, "virus": 0.1}[site] for site in SITES])  # fmt: skip
_SEVERAL = np.array(
    [{"wound": 0.4, "abd": 0.35, "resp": 0.2, "urine": 0.12, "anaer": 0.15}.get(site, 0.03) for site in SITES]
)
_TEST_SITE = np.array([test.site for test in TESTS])
_TEST_HOURS = np.array([test.hours for test in TESTS])
_CHANCE = np.zeros((len(KINDS), len(TESTS)))
_IF_GROWN = np.zeros((len(KINDS), len(TESTS)), dtype=bool)
for _number, _kind in enumerate(KINDS):
    for _key, _share, _waits in _kind.tests:
        _CHANCE[_number, TEST_INDEX[_key]], _IF_GROWN[_number, TEST_INDEX[_key]] = _share, _waits
# The site of a kind is that of its first test that can grow anything.
_KIND_SITE = np.array(
    [max((_TEST_SITE[TEST_INDEX[key]] for key, _, _ in kind.tests[:2]), default=-1) for kind in KINDS]
)
_RESISTANT = np.full((len(ORGANISMS), len(ANTIBIOTICS)), np.nan)
for _number, _organism in enumerate(ORGANISMS):
    for _column, _antibiotic in enumerate(ANTIBIOTICS):
        if _antibiotic.key in _organism.resistant:
            _share = _organism.resistant[_antibiotic.key]
            _RESISTANT[_number, _column] = np.log(_share / (1 - _share))
_GROUPS = sorted({organism.group for organism in ORGANISMS})
_GROUP_OF = np.array([_GROUPS.index(organism.group) for organism in ORGANISMS])
_FAMILIES = sorted({antibiotic.family for antibiotic in ANTIBIOTICS})
_FAMILY_OF = np.array([_FAMILIES.index(antibiotic.family) for antibiotic in ANTIBIOTICS])

_AB = {antibiotic.key: number for number, antibiotic in enumerate(ANTIBIOTICS)}


@dataclass
class Specimens:
    """One row a specimen; `admission` is -1 outside, `days` since the admission began, `infected` whether its site is."""

    patient: np.ndarray
    admission: np.ndarray
    time: np.ndarray
    kind: np.ndarray
    days: np.ndarray
    infected: np.ndarray


def infections(rng: np.random.Generator, world: "World") -> np.ndarray:
    """At which sites each admission is infected: bool (admissions, sites)."""
    course = world.course
    infected = rng.random((len(course.patient), len(SITES))) < _INFECTED[course.episode]
    for number, one in enumerate(COMPLICATIONS):
        site = {"c_uti": _URINE, "c_pna": _RESP, "c_cdiff": _STOOL, "c_shock": _BLOOD}.get(one.key)
        if site is not None:
            infected[:, site] |= world.found[:, number] & (
                rng.random(len(infected)) < (0.35 if site == _BLOOD else 0.8)
            )
    return infected


def _inpatient(rng: np.random.Generator, world: "World", infected: np.ndarray) -> Specimens:
    course = world.course
    adm, first, icu, severity = course.step_admission, course.step_first, course.icu, course.severity
    episode, size = course.episode[adm], len(adm)
    has = {
        key: course.present[adm, CONDITION_INDEX[key]] for key in ("ascites", "kidneytx", "livertx", "bmt", "lungca")
    }
    emergency = course.emergency[adm]
    entered = icu & (first | ~np.roll(icu, 1))
    white = np.abs(course.latents[:, LATENT_INDEX["wbc"]]).clip(0, 4)
    ill = _FLAG["I"][episode]
    suspected = -5.0 + 1.5 * ill + 0.75 * severity + 0.6 * (white - 1).clip(0) + (2.0 + 0.6 * ill) * (first & emergency)
    work = rng.random(size) < sigmoid(suspected)
    lung, skin, surgical = _LUNG[episode], _SKIN[episode], infected[adm, _ABD]
    early = np.arange(size) - np.flatnonzero(first)[adm] < 4
    diarrhoea = infected[adm, _STOOL]
    rejects = has["kidneytx"] | has["livertx"] | has["bmt"]
    chance = {
        "blood": 0.9 * work,
        "urine": 0.5 * work + 0.22 * (first & emergency) + 0.3 * (first & infected[adm, _URINE]) + 0.008 * ~first,
        "sputum": work * (0.05 + 0.25 * lung + 0.25 * icu),
        "mrsa": 0.8 * entered + 0.05 * first,
        "vre": 0.1 * entered,
        "stool": 0.008 + 0.004 * severity.clip(0, 3) + np.where(diarrhoea, 0.16, 0),
        "wound": early * (0.12 * skin + 0.01 * surgical) + 0.0015,
        "abscess": early * (0.06 * surgical + 0.04 * skin),
        "tissue": early * 0.06 * skin + 0.001 * _FLAG["S"][episode],
        "ascites": first * 0.4 * has["ascites"],
        "pleural": work * (0.03 * lung + 0.2 * has["lungca"]),
        "csf": first * 0.15 * (world.stays.service[adm] == SERVICES.index("NMED")),
        "bal": 0.012 * (lung & (severity > 1)) + 0.008 * icu,
        "tip": 0.006 * icu,
        "virus": first * 0.09 * (lung & emergency),
        "flu": first * 0.05 * (lung & emergency),
        "legag": first * 0.16 * (lung & ill),
        "cmv": 0.03 * rejects,
        "rpr": 0.02 * first,
        "hcv": 0.01 * first,
    }
    step, kind = np.nonzero(rng.random((size, len(KINDS))) < np.column_stack(_by_kind(chance, size)))
    # Blood is sent twice, from two veins.
    twice = step[(kind == KIND_INDEX["blood"]) & (rng.random(len(step)) < 0.72)]
    step, kind = np.concatenate([step, twice]), np.concatenate([kind, np.full(len(twice), KIND_INDEX["blood"])])
    adm, who = adm[step], course.patient[adm[step]]
    # What is sent in one step is sent together, or nearly.
    together = rng.integers(600, STEP - 600, size)[step] + rng.integers(0, 30, len(step)) * 60
    at = np.clip(
        course.step_time[step] + together,
        course.admit[adm] + 600,
        np.maximum(course.disch[adm] - 600, course.admit[adm] + 600),
    )
    waited = course.admit[adm] - (course.arrival * rng.uniform(0.2, 0.9, len(course.arrival)))[adm].astype(np.int64)
    there = first[step] & emergency[step] & (kind != KIND_INDEX["mrsa"])
    at = np.where(there, waited + rng.integers(0, 20, len(step)) * 60, at) // 60 * 60
    site = _KIND_SITE[kind]
    return Specimens(who, adm, at, kind, (at - course.admit[adm]) / DAY, (site >= 0) & infected[adm, site])


def _by_kind(chance: dict[str, np.ndarray], size: int) -> list[np.ndarray]:
    return [np.broadcast_to(chance.get(kind.key, 0.0), size) for kind in KINDS]


def _outside(rng: np.random.Generator, world: "World") -> Specimens:
    """Specimens of visits to clinics and of visits to the emergency department that end there."""
    patients, visits = world.patients, world.visits
    who, size = visits.patient, len(visits.patient)
    present = patients.present(who, visits.day)
    age = (visits.day - patients.birth_day[who]) / 365.25
    woman, urgent = ~patients.male[who], visits.emergency
    young = woman & (age < 45)
    has = {
        key: present[:, CONDITION_INDEX[key]]
        for key in ("hiv", "hepc", "incont", "kidneytx", "livertx", "bmt", "copd", "pvd")
    }
    transplant = has["kidneytx"] | has["livertx"] | has["bmt"]
    chance = {
        "urine": np.where(
            urgent, 0.13 + 0.08 * woman, 0.025 + 0.022 * woman + 0.08 * has["incont"] + 0.05 * transplant
        ),
        "blood": np.where(urgent, 0.07, 0.004),
        "stool": np.where(urgent, 0.015, 0.008),
        "wound": np.where(urgent, 0.015, 0.004 + 0.02 * has["pvd"]),
        "sputum": 0.004 + 0.02 * has["copd"],
        "staph": 0.022 * (~urgent & (age > 50)),
        "virus": 0.015 * urgent + 0.002,
        "flu": 0.02 * urgent,
        "cmv": ~urgent * 0.3 * transplant,
        "rpr": ~urgent * (0.016 + 0.02 * young),
        "hpyl": ~urgent * 0.01,
        "immune": ~urgent * 0.03 * young,
        "lyme": ~urgent * 0.008,
        "cmvab": ~urgent * (0.002 + 0.03 * transplant),
        "ebv": ~urgent * 0.005,
        "hiv": ~urgent * 0.4 * has["hiv"],
        "hcv": ~urgent * (0.006 + 0.15 * has["hepc"]),
        "ctgc": 0.05 * young + 0.004,
        "vaginal": 0.03 * young,
    }
    visit, kind = np.nonzero(rng.random((size, len(KINDS))) < np.column_stack(_by_kind(chance, size)))
    at = (visits.time[visit] + rng.integers(10, 120, size)[visit] * 60) // 60 * 60
    symptom = (kind == KIND_INDEX["urine"]) & woman[visit] & (rng.random(len(visit)) < 0.17)
    return Specimens(who[visit], np.full(len(visit), -1), at, kind, np.zeros(len(visit)), symptom)


def make_specimens(rng: np.random.Generator, world: "World") -> Specimens:
    """All specimens of a block, those of admissions first."""
    parts = (_inpatient(rng, world, infections(rng, world)), _outside(rng, world))
    return Specimens(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in Specimens.__dataclass_fields__)
    )


@dataclass
class Cultures:
    """The tests done on specimens, and what grew: one row a test (first group), one row an isolate (second group).

    `margin` is how far an isolate lies beyond the break point of each antibiotic (log-odds, above 0 resistant); NaN: not tried.
    """

    sample: np.ndarray
    test: np.ndarray
    grown: np.ndarray
    done: np.ndarray
    organism: np.ndarray
    rank: np.ndarray
    margin: np.ndarray


def _margins(rng: np.random.Generator, world: "World", who: np.ndarray, organism: np.ndarray, earlier: np.ndarray):
    """Distance from each break point: mostly the patient's own, drawn once for group and family; more after admissions."""
    size = len(world.patients.number)
    family = rng.standard_normal((size, len(_GROUPS), len(_FAMILIES)))
    own = rng.standard_normal((size, len(_GROUPS), len(ANTIBIOTICS)))
    lasting = np.sqrt(0.65) * family[:, :, _FAMILY_OF] + np.sqrt(0.27) * own
    fresh = np.sqrt(0.08) * rng.standard_normal((len(who), len(ANTIBIOTICS)))
    trait = 0.35 * world.patients.frailty[who] + 0.3 * earlier.clip(0, 5) - 0.3
    return _RESISTANT[organism] + trait[:, None] - 1.75 * (lasting[who, _GROUP_OF[organism]] + fresh)


def _tests(rng: np.random.Generator, world: "World", specimens: Specimens):
    """Specimen and number of each test done, and whether anything grew in it."""
    kind, size = specimens.kind, len(specimens.kind)
    site = _KIND_SITE[kind]
    # Antibiotics clear a site within days.
    early = 0.1 + 0.72 * np.exp(-specimens.days.clip(0) / 6)
    carries = rng.random((len(world.patients.number), 2)) < np.array([0.05, 0.05])
    chance = np.where(specimens.infected, early, _BACKGROUND[site])
    for column, key in enumerate(("mrsa", "vre")):
        chance = np.where((kind == KIND_INDEX[key]) & carries[specimens.patient, column], 0.8, chance)
    grown = (rng.random(size) < chance) & (site >= 0)
    taken = (rng.random((size, len(TESTS))) < _CHANCE[kind]) & (~_IF_GROWN[kind] | grown[:, None])
    sample, test = np.nonzero(taken)
    aside = _TEST_SITE[test]
    also = rng.random(len(test)) < np.where(grown[sample], 0.33, _BACKGROUND[aside])
    return sample, test, (aside >= 0) & np.where(aside == site[sample], grown[sample], also)


def make_cultures(rng: np.random.Generator, world: "World", specimens: Specimens) -> Cultures:
    """The tests of all specimens; a patient's own organism at a site comes back more often than not."""
    sample, test, grown = _tests(rng, world, specimens)
    own = rng.random((len(world.patients.number), len(SITES)))
    shared = rng.random((len(world.course.patient), len(SITES)))
    done = np.flatnonzero(grown)
    site, who, adm = _TEST_SITE[test[done]], specimens.patient[sample[done]], specimens.admission[sample[done]]
    of_stay = np.where((adm >= 0) & (rng.random(len(done)) < 0.7), shared[adm, site], rng.random(len(done)))
    draw = np.where(rng.random(len(done)) < 0.55, own[who, site], of_stay)
    first = (draw[:, None] >= _SITE_EDGES[site]).sum(axis=1)
    more = np.flatnonzero(rng.random(len(done)) < _SEVERAL[site])
    second = (rng.random(len(more))[:, None] >= _SITE_EDGES[site[more]]).sum(axis=1)
    other = second != first[more]
    index = np.concatenate([np.arange(len(done)), more[other]])
    organism = np.concatenate([first, second[other]])
    earlier = np.where(adm >= 0, world.course.rank[adm], 0)[index]
    margin = _margins(rng, world, who[index], organism, earlier)
    # Screens look for the resistant alone.
    margin[site[index] == SITES.index("mrsa"), _AB["oxa"]] = 2
    margin[site[index] == SITES.index("vre"), _AB["vanc"]] = 2
    margin[site[index] != _URINE, _AB["nitro"]] = np.nan
    spared = (organism == ORGANISM_INDEX["saur"]) & (margin[:, _AB["oxa"]] < 0)
    margin[np.ix_(spared, [_AB["vanc"], _AB["rif"]])] = np.nan
    tried = rng.random(len(organism)) < np.where(organism == ORGANISM_INDEX["cons"], 0.3, 0.76)
    margin[~tried] = np.nan
    return Cultures(
        sample, test, grown, done[index], organism, np.where(np.arange(len(index)) < len(done), 1, 2), margin
    )

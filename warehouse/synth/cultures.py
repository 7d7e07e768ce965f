"""Rows of microbiologyevents: one for each test without growth, and one for each isolate and antibiotic tried.

In: a `World`. Out: `Rows`. infections.py says what was sent and what grew; here it is written as the laboratory does: remarks, dilutions,
interpretations. Outside admissions, and before them in the emergency department, rows have no admission. Raises RuntimeError
where a block outgrows its room for ids.
"""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from warehouse.synth.columns import Rows, ints, numbered, reals, stamps, words
from warehouse.synth.course import DAY
from warehouse.synth.cultureitems import ANTIBIOTICS, KINDS, ORGANISM_INDEX, ORGANISMS, SITES, TEST_INDEX, TESTS
from warehouse.synth.infections import Cultures, Specimens, make_cultures, make_specimens
from warehouse.synth.quirks import quirks
from warehouse.synth.staff import providers

if TYPE_CHECKING:
    from warehouse.synth.world import World

# Room for ids: the numbers of specimens have seven digits.
SPECIMENS_PER_BLOCK, EVENTS_PER_BLOCK = 5120, 2**14
_SPECIMEN_RANGE, _SPREAD = 10_000_000, 3_141_593
_WITHOUT_ORDERER, _EARLY_WITHOUT_HADM = 0.9, 0.6
QUIRKS = quirks("""
culture_time_missing | .19 | 19: 183 of 2,899 rows, all among the 971 without hadm_id | charttime is NULL, chartdate is there
culture_cancelled | .031 | 19: 17 of 547 blood cultures and C. difficile tests | org_name is CANCELLED
culture_remark_scrubbed | .128 | 19: 267 of 2,899 rows in the demo, 2,088 of which have remarks | comments are "___"
culture_never_stored | .0055 | 16 of 2,899 rows in the demo | storedate and storetime are NULL
""")  # fmt: skip
_DILUTIONS = sorted({text for one in ANTIBIOTICS for text in (*one.sensitive, *one.between, *one.resistant)})
_COMPARISONS = ("=         ", "<=        ", "=>        ")
_COMPARISON_OF = np.array(
    [-1 if text[0] == ">" else 1 if text[0] == "<" else 2 if text[0] == "=" else 0 for text in _DILUTIONS]
)
_VALUE_OF = np.array([np.nan if text[0] == ">" else float(text.lstrip("<=>")) for text in _DILUTIONS])
_REMARKS = [remark for test in TESTS for remark in (test.remarks or ("",))]
_STAINS = sorted({organism.stain for organism in ORGANISMS})
_GROWN_REMARK = (
    "Culture workup discontinued. Further incubation showed contamination with mixed skin/genital flora. "
    "Clinical significance of isolate(s) uncertain. Interpret with caution.  "
)
_LABELS = (*_REMARKS, *(f"{stain}.  " for stain in _STAINS), *(f"3+  (5-10 per 1000X FIELD):   {stain}.  " for stain in _STAINS),
           _GROWN_REMARK, "___")  # fmt: skip
_STAIN_OF = np.array([len(_REMARKS) + _STAINS.index(organism.stain) for organism in ORGANISMS])
_CANCELLED = ORGANISM_INDEX["cancelled"]
_TEST_HOURS = np.array([test.hours for test in TESTS])
_REMARK_COUNT = np.array([len(test.remarks) for test in TESTS])
_REMARK_OF = np.cumsum(_REMARK_COUNT) - _REMARK_COUNT
_SITE_OF = np.array([test.site for test in TESTS])
_WITHOUT_DILUTION, _DISCONTINUED = 0.035, 0.15
# Dilutions of each antibiotic by how it came out: sensitive, intermediate, resistant.
_DILUTIONS_OF = [
    [
        [_DILUTIONS.index(text) for text in texts]
        for texts in (one.sensitive, one.between or one.sensitive, one.resistant)
    ]
    for one in ANTIBIOTICS
]
_DILUTION_COUNT = np.array([[len(texts) for texts in one] for one in _DILUTIONS_OF])
_DILUTION_OF = np.zeros((len(ANTIBIOTICS), 3, _DILUTION_COUNT.max()), dtype=int)
for _number, _one in enumerate(_DILUTIONS_OF):
    for _place, _texts in enumerate(_one):
        _DILUTION_OF[_number, _place, : len(_texts)] = _texts
_HAS_BETWEEN = np.array([len(one.between) > 0 for one in ANTIBIOTICS])


def _remarks(rng: np.random.Generator, cultures: Cultures, cancelled: np.ndarray, scrubbed: float) -> np.ndarray:
    """The remark of each test, -1 where none: what did not grow, the flora beside what did, or what a stain shows."""
    size, test = len(cultures.test), cultures.test
    usual = _REMARK_OF[test] + (rng.random(size) ** 2.2 * _REMARK_COUNT[test]).astype(int)
    seen = np.full(cultures.sample.max(initial=0) + 1, -1)
    seen[cultures.sample[cultures.done[::-1]]] = cultures.organism[::-1]
    organism = seen[cultures.sample]
    stain = (test == TEST_INDEX["gram"]) & (organism >= 0) & (rng.random(size) < 0.75)
    bottle = np.isin(test, [TEST_INDEX["aer"], TEST_INDEX["ana"]])
    discontinued = rng.random(size) < _DISCONTINUED
    grown = np.select(
        [_SITE_OF[test] == SITES.index("resp"), (_SITE_OF[test] == SITES.index("urine")) & discontinued],
        [usual, len(_LABELS) - 2],
        -1,
    )
    remark = np.select(
        [cancelled, bottle, stain, cultures.grown],
        [-1, _STAIN_OF[organism], len(_STAINS) + _STAIN_OF[organism], grown],
        usual,
    )
    return np.where((remark >= 0) & (rng.random(size) < scrubbed), len(_LABELS) - 1, remark)


def _antibiogram(rng: np.random.Generator, margin: np.ndarray, antibiotic: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How each isolate and antibiotic came out (0 S, 1 I, 2 R; -1 not tried) and the dilution (-1: none)."""
    size, tried = len(antibiotic), antibiotic >= 0
    between = (margin > -0.3) & _HAS_BETWEEN[antibiotic]
    result = np.select([margin > 0, between], [2, 1], 0)
    count = _DILUTION_COUNT[antibiotic, result]
    place = np.where(rng.random(size) < 0.72, 0, (rng.random(size) * count).astype(int))
    measured = tried & (rng.random(size) >= _WITHOUT_DILUTION)
    return np.where(tried, result, -1), np.where(measured, _DILUTION_OF[antibiotic, result, place], -1)


def _expanded(cultures: Cultures, cancelled: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Test, isolate (-1: none) and antibiotic (-1: none) of each row."""
    alone = np.flatnonzero(~cultures.grown)
    tried = ~np.isnan(cultures.margin)
    isolate, antibiotic = np.nonzero(tried)
    untried = np.flatnonzero(~tried.any(axis=1))
    isolate = np.concatenate([isolate, untried])
    antibiotic = np.concatenate([antibiotic, np.full(len(untried), -1)])
    none = np.full(len(alone), -1)
    return (
        np.concatenate([alone, cultures.done[isolate]]),
        np.concatenate([none, isolate]),
        np.concatenate([none, antibiotic]),
    )


def _stored(rng: np.random.Generator, specimens: Specimens, cultures: Cultures) -> np.ndarray:
    """When the last result of each specimen was known."""
    hours = _TEST_HOURS[cultures.test] * rng.lognormal(0, 0.25, len(cultures.test)) * (1 - 0.3 * cultures.grown)
    last = np.zeros(len(specimens.kind))
    np.maximum.at(last, cultures.sample, hours)
    return specimens.time + (last * 60).astype(np.int64) * 60


def microbiology_rows(world: "World") -> Rows:
    """Rows of microbiologyevents."""
    rng, share = world.stream("microbiology"), world.shares(QUIRKS)
    specimens = make_specimens(rng, world)
    cultures = make_cultures(rng, world, specimens)
    n_specimens = len(specimens.kind)
    cancels = np.isin(cultures.test, [TEST_INDEX["bc"], TEST_INDEX["cdiff"]])
    cancelled = cancels & ~cultures.grown & (rng.random(len(cultures.test)) < share["culture_cancelled"])
    remark = _remarks(rng, cultures, cancelled, share["culture_remark_scrubbed"])
    row, isolate, antibiotic = _expanded(cultures, cancelled)
    size, sample = len(row), cultures.sample[row]
    if n_specimens > SPECIMENS_PER_BLOCK or size > EVENTS_PER_BLOCK:
        raise RuntimeError(
            f"{size} rows of {n_specimens} specimens in one block of patients: more than there are ids for"
        )
    who, adm = specimens.patient[sample], specimens.admission[sample]
    margin = np.nan_to_num(cultures.margin[isolate, antibiotic])
    result, dilution = _antibiogram(rng, margin, antibiotic)
    organism = np.where(isolate >= 0, cultures.organism[isolate], np.where(cancelled[row], _CANCELLED, -1))
    early = specimens.time < world.course.admit[specimens.admission]
    outside = (specimens.admission < 0) | (early & (rng.random(n_specimens) < _EARLY_WITHOUT_HADM))
    untimed = outside & (rng.random(n_specimens) < share["culture_time_missing"])
    lost = rng.random(n_specimens) < share["culture_never_stored"]
    shift = world.patients.shift_days[specimens.patient] * DAY
    at, stored = specimens.time + shift, _stored(rng, specimens, cultures) + shift
    number = world.block * SPECIMENS_PER_BLOCK + np.arange(n_specimens)
    columns = {
        "microevent_id": ints(world.block * EVENTS_PER_BLOCK + 1 + np.arange(size)),
        "subject_id": ints(world.patients.subject_id[who]),
        "hadm_id": ints(world.stays.hadm[adm], outside[sample]),
        "micro_specimen_id": ints((number * _SPREAD % _SPECIMEN_RANGE + 1)[sample]),
        "order_provider_id": providers(rng, n_specimens, _WITHOUT_ORDERER).take(pa.array(sample)),
        "chartdate": stamps((at // DAY * DAY)[sample]),
        "charttime": stamps(at[sample], untimed[sample]),
        "spec_itemid": ints(np.array([kind.itemid for kind in KINDS])[specimens.kind[sample]]),
        "spec_type_desc": words(specimens.kind[sample], [kind.name for kind in KINDS]),
        "test_seq": ints(numbered(cultures.sample, np.arange(len(cultures.sample)))[row]),
        "storedate": stamps((stored // DAY * DAY)[sample], lost[sample]),
        "storetime": stamps(stored[sample], lost[sample]),
        "test_itemid": ints(np.array([test.itemid for test in TESTS])[cultures.test[row]]),
        "test_name": words(cultures.test[row], [test.name for test in TESTS]),
        "org_itemid": ints(np.array([one.itemid for one in ORGANISMS])[organism], organism < 0),
        "org_name": words(organism, [one.name for one in ORGANISMS]),
        "isolate_num": ints(np.where(isolate >= 0, cultures.rank[isolate], 1), organism < 0),
        "quantity": pa.nulls(size, pa.string()),
        "ab_itemid": ints(np.array([one.itemid for one in ANTIBIOTICS])[antibiotic], antibiotic < 0),
        "ab_name": words(antibiotic, [one.name for one in ANTIBIOTICS]),
        "dilution_text": words(dilution, _DILUTIONS),
        "dilution_comparison": words(np.where(dilution >= 0, _COMPARISON_OF[dilution], -1), _COMPARISONS),
        "dilution_value": reals(np.where(dilution >= 0, _VALUE_OF[dilution], np.nan)),
        "interpretation": words(result, ["S", "I", "R"]),
        "comments": words(remark[row], _LABELS),
    }
    return Rows(who, columns)

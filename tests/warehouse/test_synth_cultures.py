"""The synthetic microbiology: form, keys, density, faults, and resistance that a patient keeps."""

from functools import cache

import duckdb
import pytest

from tests.warehouse.test_synth_emergency import landed, one
from warehouse.mimic import TABLES
from warehouse.synth import cultures, stays
from warehouse.synth.cultureitems import ANTIBIOTICS, ORGANISMS
from warehouse.synth.densities import DENSITIES
from warehouse.synth.episodes import EPISODES
from warehouse.synth.world import BLOCK, make_world

BLOCKS = 10
_M = "microbiologyevents"
MAKERS = {_M: cultures.microbiology_rows, "patients": stays.patient_rows, "admissions": stays.admission_rows}


@cache
def with_faults() -> duckdb.DuckDBPyConnection:
    return landed(MAKERS, BLOCKS, True)


@cache
def without_faults() -> duckdb.DuckDBPyConnection:
    return landed(MAKERS, BLOCKS, False)


def test_form_key_and_density():
    table = next(table for table in TABLES if table.name == _M)
    assert set(cultures.microbiology_rows(make_world(5, 0)).columns) == set(table.column_names)
    assert one(with_faults(), f"select count(*) - count(distinct microevent_id) from {_M}") == 0
    for column in table.columns:
        if not column.nullable:
            assert one(with_faults(), f"select count(*) from {_M} where {column.name} is null") == 0, column.name
    density = one(with_faults(), f"select count(*) from {_M}") / BLOCKS / BLOCK
    assert 1 / 1.3 < density / DENSITIES[f"hosp/{_M}"].per_patient < 1.3


def test_rows_belong_to_patients_and_admissions_and_specimens_to_one_patient():
    assert one(with_faults(), f"select count(*) from {_M} anti join patients using (subject_id)") == 0
    query = (
        f"select count(*) from {_M} m anti join admissions a on m.hadm_id = a.hadm_id and m.subject_id = a.subject_id"
    )
    assert one(with_faults(), query + " where m.hadm_id is not null") == 0
    split = "select count(*) from (select micro_specimen_id from microbiologyevents group by 1 having count(distinct {}) > 1)"
    for what in ("subject_id", "spec_itemid", "chartdate"):
        assert one(with_faults(), split.format(what)) == 0


_BY_TEST = f"(select distinct micro_specimen_id, test_itemid, org_name from {_M} where test_itemid in (90201, 90221))"
QUIRK_CHECKS = {
    "culture_time_missing": (f"select avg((charttime is null)::int) from {_M} where hadm_id is null", 0.12, 0.26),
    "culture_cancelled": (
        f"select avg((org_name is not null)::int) from {_BY_TEST} where coalesce(org_name, 'CANCELLED') = 'CANCELLED'", 0.015, 0.05),
    "culture_remark_scrubbed": (f"select avg((comments = '___')::int) from {_M} where comments is not null", 0.08, 0.18),
    "culture_never_stored": (f"select avg((storetime is null)::int) from {_M}", 0.002, 0.012),
}  # fmt: skip


@pytest.mark.parametrize("quirk", QUIRK_CHECKS)
def test_fault_occurs_at_about_its_real_rate_and_can_be_turned_off(quirk):
    query, least, most = QUIRK_CHECKS[quirk]
    assert least <= one(with_faults(), query) <= most
    assert (one(without_faults(), query) or 0) == 0


TRAITS = {
    "without admission": ("hadm_id is null", 0.25, 0.5),
    "without organism": ("org_itemid is null", 0.45, 0.7),
    "with antibiotic": ("ab_itemid is not null", 0.25, 0.5),
    "with remarks": ("comments is not null", 0.5, 0.8),
    "without orderer": ("order_provider_id is null", 0.8, 0.95),
    "dilutions of what is tried": ("ab_itemid is null or dilution_text is not null", 0.97, 1),
    "chartdate is charttime's day": ("charttime is null or chartdate = date_trunc('day', charttime)", 1, 1),
    "known after it was taken": ("storetime is null or charttime is null or storetime > charttime", 1, 1),
    "interpreted where tried": ("(ab_itemid is null) = (interpretation is null)", 1, 1),
    "isolates have organisms": ("(org_itemid is null) = (isolate_num is null)", 1, 1),
}


@pytest.mark.parametrize("trait", TRAITS)
def test_trait_is_about_as_frequent_as_in_mimic(trait):
    condition, least, most = TRAITS[trait]
    assert least <= one(with_faults(), f"select avg(({condition})::int) from {_M}") <= most


def test_a_culture_has_many_rows_and_each_antibiotic_once():
    again = "select count(*) - count(distinct (micro_specimen_id, test_itemid, isolate_num, ab_itemid)) from {} where ab_itemid is not null"
    assert one(with_faults(), again.format(_M)) == 0
    assert one(with_faults(), f"select max(n) from (select count(*) n from {_M} group by micro_specimen_id)") > 12


def test_a_patient_keeps_its_resistance():
    pairs = """
        with a as (select distinct subject_id, micro_specimen_id, chartdate, org_name, ab_name, interpretation = 'R' r
                   from microbiologyevents where ab_name is not null)
        select avg(y.r::int) from a x join a y using (subject_id, org_name, ab_name)
        where y.chartdate > x.chartdate + interval 7 day and {} x.r
    """
    again, anew = one(with_faults(), pairs.format("")), one(with_faults(), pairs.format("not"))
    assert again > 0.55 > 0.2 > anew


def test_suspicion_follows_infection():
    """Admissions with an infection's code send blood far oftener."""
    world = make_world(5, 1)
    specimens = cultures.make_specimens(world.stream("microbiology"), world)
    blood = [kind.key for kind in cultures.KINDS].index("blood")
    sent = set(specimens.admission[specimens.kind == blood])
    ill = ["I" in episode.flags for episode in EPISODES]
    rates = []
    for infected in (True, False):
        chosen = [a for a, episode in enumerate(world.course.episode) if ill[episode] == infected]
        rates.append(sum(a in sent for a in chosen) / len(chosen))
    assert rates[0] > 2 * rates[1]


def test_items_are_well_formed():
    known = {antibiotic.key for antibiotic in ANTIBIOTICS}
    assert all(set(organism.resistant) <= known for organism in ORGANISMS)
    assert len({organism.itemid for organism in ORGANISMS}) == len(ORGANISMS)

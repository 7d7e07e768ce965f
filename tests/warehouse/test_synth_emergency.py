"""The synthetic emergency department and its drugs: form, keys, density, faults, and that it follows how ill patients are."""

from functools import cache

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from warehouse.mimic import TABLES
from warehouse.synth import drugclasses, emergency, emergency_drugs, emergency_vitals, movements, stays
from warehouse.synth.densities import DENSITIES
from warehouse.synth.emergencyitems import EPISODE_REASONS, REASON_INDEX, reasons_of
from warehouse.synth.episodes import EPISODES
from warehouse.synth.world import BLOCK, make_world

SEED, BLOCKS = 5, 10
MAKERS = {
    "edstays": emergency.edstay_rows,
    "triage": emergency_vitals.triage_rows,
    "vitalsign": emergency_vitals.vitalsign_rows,
    "diagnosis": emergency.diagnosis_rows,
    "medrecon": emergency_drugs.medrecon_rows,
    "pyxis": emergency_drugs.pyxis_rows,
}
OTHERS = {"patients": stays.patient_rows, "admissions": stays.admission_rows, "icustays": movements.icu_rows}
DECLARED = {table.name: table for table in TABLES if table.module == "ed"}


def landed(makers, blocks: int, with_quirks: bool) -> duckdb.DuckDBPyConnection:
    """The rows of some blocks as tables, read as the registry's types."""
    connection = duckdb.connect()
    worlds = [make_world(SEED, block, with_quirks) for block in range(blocks)]
    for name, maker in makers.items():
        parts = [pa.table(maker(world).columns) for world in worlds]
        plain = [pa.table({key: column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
                           for key, column in zip(part.column_names, part.columns, strict=True)}) for part in parts]  # fmt: skip
        connection.register("rows", pa.concat_tables(plain))
        table = next(table for table in TABLES if table.name == name)
        typed = ", ".join(f'cast("{column.name}" as {column.type}) as "{column.name}"' for column in table.columns)
        connection.execute(f"create table {name} as select {typed} from rows")
        connection.unregister("rows")
    return connection


@cache
def with_faults() -> duckdb.DuckDBPyConnection:
    return landed(MAKERS | OTHERS, BLOCKS, True)


@cache
def without_faults() -> duckdb.DuckDBPyConnection:
    return landed(MAKERS | OTHERS, BLOCKS, False)


def one(connection: duckdb.DuckDBPyConnection, query: str):
    return connection.execute(query).fetchone()[0]


@pytest.mark.parametrize("name", MAKERS)
def test_columns_are_the_registrys_and_density_is_mimics(name):
    table = DECLARED[name]
    assert set(MAKERS[name](make_world(SEED, 0)).columns) == set(table.column_names)
    density = one(with_faults(), f"select count(*) from {name}") / BLOCKS / BLOCK
    assert 1 / 1.3 < density / DENSITIES[f"ed/{name}"].per_patient < 1.3
    for column in table.columns:
        if not column.nullable:
            assert one(with_faults(), f"select count(*) from {name} where {column.name} is null") == 0, column.name
    if table.key:
        assert one(with_faults(), f"select count(*) - count(distinct ({', '.join(table.key)})) from {name}") == 0


@pytest.mark.parametrize("name", MAKERS)
def test_every_row_belongs_to_a_stay_of_its_patient(name):
    query = (
        f"select count(*) from {name} r anti join edstays e on r.stay_id = e.stay_id and r.subject_id = e.subject_id"
    )
    assert one(with_faults(), query) == one(without_faults(), query) == 0


def test_stays_belong_to_patients_and_admissions_and_to_no_stay_in_intensive_care():
    assert one(with_faults(), "select count(*) from edstays anti join patients using (subject_id)") == 0
    query = (
        "select count(*) from edstays e anti join admissions a on e.hadm_id = a.hadm_id and e.subject_id = a.subject_id"
    )
    assert one(with_faults(), query + " where e.hadm_id is not null") == 0
    assert one(with_faults(), "select count(*) from edstays join icustays using (stay_id)") == 0
    assert one(with_faults(), "select count(*) - count(distinct stay_id) from icustays") == 0
    bounds = "select min(stay_id) >= 30000000 and max(stay_id) < 40000000 from edstays"
    assert one(with_faults(), bounds)


_STAY = "join edstays e using (stay_id)"
QUIRK_CHECKS = {
    "two_stays_of_one_admission": ("select 1 - count(distinct hadm_id) / count(hadm_id) from edstays", 0.002, 0.012),
    "ed_race_differs": (
        "select avg((n > 1)::int) from (select count(distinct race) n from edstays group by subject_id having count(*) > 1)", 0.01, 0.1),
    "triage_celsius": ("select avg((temperature < 45)::int) from triage where temperature is not null", 0.001, 0.012),
    "vitals_celsius": ("select avg((temperature < 45)::int) from vitalsign where temperature is not null", 0.045, 0.08),
    "pressure_mistyped": ("select avg((dbp > 170 or sbp < 45)::int) from vitalsign where sbp is not null", 0.0008, 0.006),
    "triage_pain_in_words": ("select avg((try_cast(pain as double) is null)::int) from triage where pain is not null", 0.03, 0.1),
    "triage_pain_beyond_ten": ("select avg((pain = '13')::int) from triage where pain is not null", 0.02, 0.05),
    "vitals_pain_in_words": ("select avg((try_cast(pain as double) is null)::int) from vitalsign where pain is not null", 0.07, 0.2),
    "vitals_after_leaving": (f"select avg((charttime > outtime)::int) from vitalsign {_STAY}", 0.045, 0.085),
    "vitals_before_coming": (f"select avg((charttime < intime)::int) from vitalsign {_STAY}", 0.0005, 0.006),
    "stay_without_vitals": (
        "select avg((v.stay_id is null)::int) from edstays e left join (select distinct stay_id from vitalsign) v using (stay_id) "
        "where disposition in ('HOME', 'ADMITTED') and epoch(outtime - intime) > 6 * 3600", 0.04, 0.12),
    "home_drug_unmapped": ("select avg((gsn = '0' and ndc = '0' and etccode is null)::int) from medrecon", 0.0004, 0.004),
    "home_ndc_zero": ("select avg((ndc = '0' and gsn <> '0')::int) from medrecon", 0.002, 0.008),
    "cabinet_before_coming": (f"select avg((charttime < intime)::int) from pyxis {_STAY}", 0.0015, 0.008),
}  # fmt: skip


@pytest.mark.parametrize("quirk", QUIRK_CHECKS)
def test_fault_occurs_at_about_its_real_rate_and_can_be_turned_off(quirk):
    query, least, most = QUIRK_CHECKS[quirk]
    assert least <= one(with_faults(), query) <= most
    # A long stay can still end before its first round.
    assert one(without_faults(), query) <= (0.03 if quirk == "stay_without_vitals" else 0)


def test_turning_faults_off_moves_nothing_else():
    kept = ", ".join(str(row[0]) for row in without_faults().execute("select stay_id from edstays").fetchall())
    for what in ("sum(hash(stay_id, heartrate)) from triage", "sum(hash(stay_id, icd_code)) from diagnosis"):
        query = f"select {what} where stay_id in ({kept})"
        assert one(with_faults(), query) == one(without_faults(), query)


TRAITS = {
    "admitted": ("select avg((hadm_id is not null)::int) from edstays", 0.4, 0.7),
    "home with an admission: observation": (
        "select avg((hadm_id is not null)::int) from edstays where disposition = 'HOME'", 0.04, 0.3),
    "admissions of before the module have no stay": (
        "select avg((e.hadm_id is null)::int) from admissions a left join edstays e using (hadm_id) "
        "where edregtime is not null", 0.05, 0.4),
    "rows surplus by class": ("select avg((etc_rn > 1)::int) from medrecon", 0.08, 0.25),
    "rows surplus by number": ("select avg((gsn_rn > 1)::int) from pyxis", 0.2, 0.45),
    "rhythms": ("select avg((rhythm is not null)::int) from vitalsign", 0.01, 0.06),
    "temperatures not taken": ("select avg((temperature is null)::int) from vitalsign", 0.35, 0.55),
    "acuity 2 and 3": ("select avg((acuity in (2, 3))::int) from triage", 0.7, 0.95),
    "eleven digits": ("select avg((length(ndc) = 11)::int) from medrecon", 0.98, 1),
}  # fmt: skip


@pytest.mark.parametrize("trait", TRAITS)
def test_trait_is_about_as_frequent_as_in_mimic(trait):
    query, least, most = TRAITS[trait]
    assert least <= one(with_faults(), query) <= most


def test_the_sick_are_triaged_first_and_have_worse_vital_signs():
    grave, mild = (
        with_faults()
        .execute(f"select avg(heartrate), avg(resprate), avg(o2sat) from triage where acuity {which}")
        .fetchone()
        for which in ("= 1", ">= 3")
    )
    assert grave[0] > mild[0] + 6
    assert grave[1] > mild[1] + 1
    assert grave[2] < mild[2] - 0.5
    counted = "(select stay_id, count(*) n from vitalsign group by all)"
    assert one(with_faults(), f"select corr(n, acuity) from {counted} join triage using (stay_id)") < -0.05


def test_what_is_taken_at_home_is_ordered_on_the_ward():
    """A patient with metformin at home is ordered it far oftener than one without."""
    world = make_world(SEED, 0)
    care, drug = world.ed_care, emergency_drugs.DRUG_INDEX["metformin"]
    home = emergency_drugs._taken_at_home(world, care)[:, drug]
    inside = care.admission >= 0
    ordered = np.isin(care.admission, world.orders.admission[world.orders.drug == drug])
    assert ordered[inside & home].mean() > 0.6 > 0.3 > ordered[inside & ~home].mean()


def test_an_episode_without_a_line_of_its_own_has_a_reason_by_title_or_service():
    assert EPISODE_REASONS.sum(axis=1).min() > 0
    other = EPISODES[0].__class__(**{**EPISODES[0].__dict__, "key": "new", "title": "Fracture of wrist"})
    assert reasons_of(other)[REASON_INDEX["fall"]] > 0
    assert (
        reasons_of(EPISODES[0].__class__(**{**other.__dict__, "title": "Thing", "service": "NMED"}))[
            REASON_INDEX["stroke"]
        ]
        > 0
    )


def test_the_cabinet_and_the_classes_are_well_formed():
    assert all(len(gsn) == 6 for stock in drugclasses.CABINET for gsn in stock.gsns)
    assert all(len(code) == 8 for classes in drugclasses.CLASSES_OF for code, _ in classes)

"""Synthetic orders, from provider to dose: form, keys, links, densities, faults, and that they follow how ill patients are."""

import dataclasses
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from warehouse.mimic import TABLES
from warehouse.synth import administration, drugs, outpatient_billing, pharmacy, poe, stays
from warehouse.synth.densities import DENSITIES
from warehouse.synth.labitems import LATENT_INDEX
from warehouse.synth.orderitems import DETAILS, LABELS
from warehouse.synth.world import BLOCK, make_world

SEED, BLOCKS = 5, 4
GLUCOSE = LATENT_INDEX["glu"]
MAKERS = {
    "poe": poe.poe_rows,
    "poe_detail": poe.detail_rows,
    "pharmacy": pharmacy.pharmacy_rows,
    "emar_detail": administration.emar_detail_rows,
    "hcpcsevents": outpatient_billing.hcpcs_rows,
}
OTHERS = {
    "patients": stays.patient_rows,
    "admissions": stays.admission_rows,
    "prescriptions": drugs.prescription_rows,
    "emar": drugs.emar_rows,
    "d_hcpcs": None,
}
DECLARED = {table.name: table for table in TABLES if table.module == "hosp"}


def _plain(columns: dict[str, pa.Array]) -> pa.Table:
    texts = {name: column.cast(pa.string()) for name, column in columns.items() if pa.types.is_dictionary(column.type)}
    return pa.table(columns | texts)


def _landed(with_quirks: bool) -> duckdb.DuckDBPyConnection:
    """The rows of some blocks as tables, read as the registry's types."""
    connection = duckdb.connect()
    worlds = [make_world(SEED, block, with_quirks) for block in range(BLOCKS)]
    for name, maker in (MAKERS | OTHERS).items():
        made = [maker(world).columns for world in worlds] if maker else [outpatient_billing.hcpcs()]
        connection.register("rows", pa.concat_tables([_plain(columns) for columns in made]))
        typed = ", ".join(f"cast({one.name} as {one.type}) as {one.name}" for one in DECLARED[name].columns)
        connection.execute(f"create table {name} as select {typed} from rows")
        connection.unregister("rows")
    return connection


@cache
def with_faults() -> duckdb.DuckDBPyConnection:
    return _landed(True)


@cache
def without_faults() -> duckdb.DuckDBPyConnection:
    return _landed(False)


def one(connection: duckdb.DuckDBPyConnection, query: str):
    return connection.execute(query).fetchone()[0]


@pytest.mark.parametrize("name", MAKERS)
def test_columns_keys_and_density_are_mimics(name):
    table = DECLARED[name]
    assert set(MAKERS[name](make_world(SEED, 0)).columns) == set(table.column_names)
    density = one(with_faults(), f"select count(*) from {name}") / BLOCKS / BLOCK
    assert 1 / 1.3 < density / DENSITIES[f"hosp/{name}"].per_patient < 1.3
    for column in table.columns:
        if not column.nullable:
            assert one(with_faults(), f"select count(*) from {name} where {column.name} is null") == 0, column.name
    if table.key:
        assert one(with_faults(), f"select count(*) - count(distinct ({', '.join(table.key)})) from {name}") == 0


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("connection", [with_faults, without_faults])
def test_references_hold_where_mimic_declares_them(name, connection):
    for reference in DECLARED[name].references:
        pairs = zip(reference.columns, DECLARED[reference.name].key, strict=True)
        same = " and ".join(f"x.{ours} = y.{theirs}" for ours, theirs in pairs)
        known = " and ".join(f"x.{ours} is not null" for ours in reference.columns)
        query = f"select count(*) from {name} x anti join {reference.name} y on {same} where {known}"
        assert one(connection(), query) == 0, reference


def test_orders_are_numbered_in_order_of_time():
    query = (
        "select count(*) from (select ordertime, lag(ordertime) over (partition by subject_id order by poe_seq) as before "
        "from poe) where ordertime < before"
    )
    assert one(with_faults(), query) == 0
    assert one(with_faults(), "select count(*) from poe where poe_id <> subject_id || '-' || poe_seq") == 0


def test_drugs_are_ordered_before_they_are_given_and_carry_the_number_of_their_order():
    joined = "from emar e join poe o on e.poe_id = o.poe_id"
    assert one(without_faults(), f"select count(*) {joined} where o.ordertime > e.charttime") == 0
    for name in ("prescriptions", "pharmacy", "emar"):
        orphans = f"select count(*) from {name} anti join poe using (poe_id, subject_id)"
        assert one(without_faults(), orphans) == 0, name
    wrong = "poe o join prescriptions p using (poe_id) where order_type not in ('Medications', 'IV therapy')"
    assert one(with_faults(), f"select count(*) from {wrong}") == 0


def test_pharmacy_holds_every_prescription_with_its_order_and_times():
    query = "select count(*) from prescriptions p anti join pharmacy f on f.pharmacy_id = p.pharmacy_id"
    same = " and f.starttime = p.starttime and f.stoptime is not distinct from p.stoptime"
    assert one(with_faults(), query + same) == 0
    assert one(with_faults(), "select count(*) from pharmacy anti join prescriptions using (pharmacy_id)") > 0
    assert one(without_faults(), "select count(*) from emar anti join pharmacy using (pharmacy_id) "
               "where pharmacy_id is not null") == 0  # fmt: skip


def test_an_order_that_stops_another_comes_later_and_concerns_the_same_admission():
    pairs = "poe later join poe earlier on later.discontinue_of_poe_id = earlier.poe_id"
    bad = "later.ordertime < earlier.ordertime or later.hadm_id <> earlier.hadm_id or later.order_type <> earlier.order_type"
    assert one(with_faults(), f"select count(*) from {pairs} where {bad}") == 0
    assert (
        one(without_faults(), f"select count(*) from {pairs} where earlier.discontinued_by_poe_id <> later.poe_id") == 0
    )
    assert one(with_faults(), "select count(*) from poe where (discontinue_of_poe_id is null) = "
               "(transaction_type in ('Change', 'D/C'))") == 0  # fmt: skip


def test_how_a_pharmacy_order_ended_follows_from_the_orders():
    query = (
        "select count(*) from pharmacy p join poe o using (poe_id) left join poe n on o.discontinued_by_poe_id = n.poe_id "
        "where (p.status = 'Inactive (Due to a change order)') <> (n.transaction_type is not distinct from 'Change') and p.status <> 'H'"
    )
    assert one(without_faults(), query) == 0


def test_every_kind_of_order_and_detail_occurs():
    seen = {
        tuple(row) for row in with_faults().execute("select distinct order_type, order_subtype from poe").fetchall()
    }
    named = {(kind, None if subtype == "~" else subtype) for kind, subtype in LABELS}
    assert seen <= named
    assert len(seen) > 0.9 * len(named)
    fields = {row[0] for row in with_faults().execute("select distinct field_name from poe_detail").fetchall()}
    assert fields == {detail.field for detail in DETAILS}


def test_an_entry_has_one_summary_row_and_products_numbered_from_one():
    entries = one(with_faults(), "select count(*) from emar")
    assert one(without_faults(), "select count(*) from emar_detail where parent_field_ordinal is null") == entries
    query = (
        "select count(*) from (select emar_id, count(*) n, max(cast(split_part(parent_field_ordinal, '.', 2) as int)) m, "
        "bool_or(parent_field_ordinal = '2.1') again from emar_detail where parent_field_ordinal is not null group by 1) "
        "where n <> m + again::int"
    )
    assert one(without_faults(), query) == 0
    tenth = one(with_faults(), "select count(*) from emar_detail where parent_field_ordinal = '1.10'")
    assert 0 < tenth < 1e-3 * entries


def test_doses_that_were_not_given_have_hardly_a_product():
    query = (
        "select count(*) filter (parent_field_ordinal is not null) / count(distinct emar_id) from emar_detail "
        "join emar using (emar_id) where event_txt = '{}'"
    )
    assert one(with_faults(), query.format("Not Given")) < 0.2
    assert one(with_faults(), query.format("Administered")) > 1


# fault: query that gives its share, least, most; without faults its share is nought.
_SPELT = "lower(regexp_replace(trim(drug), '\\s+', ' ', 'g'))"
QUIRK_CHECKS = {
    "stops_unlisted": (
        "select avg((b.poe_id is null)::int) from poe a left join poe b on a.discontinue_of_poe_id = b.poe_id "
        "where a.discontinue_of_poe_id is not null", 0.001, 0.005),
    "orderer_missing": ("select avg((order_provider_id is null)::int) from poe", 0.014, 0.021),
    "order_unlisted": (
        "select avg((o.poe_id is null)::int) from emar e left join poe o on e.poe_id = o.poe_id", 0.02, 0.045),
    "order_missing": ("select avg((poe_id is null)::int) from pharmacy", 0.004, 0.008),
    "stop_before_start": ("select avg((stoptime < starttime)::int) from pharmacy", 0.035, 0.05),
    "stop_equals_start": ("select avg((stoptime = starttime)::int) from prescriptions", 0.02, 0.03),
    "stop_missing": ("select avg((stoptime is null)::int) from prescriptions", 0.0003, 0.0016),
    "ndc_zero": ("select avg((ndc = '0')::int) from prescriptions where drug_type = 'MAIN'", 0.12, 0.16),
    "ndc_missing": ("select avg((ndc is null)::int) from prescriptions", 0.0004, 0.002),
    "gsn_missing": ("select avg((gsn is null)::int) from prescriptions", 0.12, 0.16),
    "gsn_several": ("select avg((gsn like '% %')::int) from prescriptions", 0.0001, 0.001),
    "medication_missing": ("select avg((medication is null)::int) from emar", 0.035, 0.055),
    "event_missing": ("select avg((event_txt is null)::int) from emar", 0.006, 0.013),
    "stored_early": ("select avg((storetime < charttime)::int) from emar", 0.025, 0.037),
    "pharmacy_missing": ("select avg((pharmacy_id is null)::int) from emar", 0.14, 0.18),
    "trailing_blanks": (
        "select avg((drug <> trim(drug) or prod_strength <> trim(prod_strength))::int) from prescriptions", 0.015, 0.025),
    "spelling_differs": (
        f"select 1 - sum(n) / (select count(*) from prescriptions) from (select max(n) as n from (select {_SPELT} as name, "
        "trim(drug) as drug, count(*) as n from prescriptions group by all) group by name)", 0.01, 0.03),
    "dose_as_text": ("select avg((try_cast(dose_val_rx as double) is null)::int) from prescriptions", 0.045, 0.065),
    "dose_scrubbed": (
        "select count(*) filter (dose_given = '___') / count(dose_given) from emar_detail", 0.0018, 0.0038),
    "pharmacy_unmatched": (
        "select avg((p.pharmacy_id is null)::int) from emar_detail d left join pharmacy p on d.pharmacy_id = p.pharmacy_id "
        "where d.pharmacy_id is not null", 0.018, 0.026),
    "key_repeated": (
        "select 1 - count(distinct (emar_id, coalesce(parent_field_ordinal, ''))) / count(*) from emar_detail", 1e-6, 2e-4),
}  # fmt: skip


@pytest.mark.parametrize("quirk", QUIRK_CHECKS)
def test_a_fault_is_there_at_its_share_and_can_be_left_out(quirk):
    query, least, most = QUIRK_CHECKS[quirk]
    assert least < one(with_faults(), query) < most
    assert one(without_faults(), query) == 0


def test_every_fault_of_these_modules_is_tested():
    declared = {*drugs.QUIRKS, *poe.QUIRKS, *pharmacy.QUIRKS, *administration.QUIRKS}
    assert declared == set(QUIRK_CHECKS)


def test_repeated_keys_come_with_their_rows(monkeypatch):
    quirk = dataclasses.replace(administration.QUIRKS["key_repeated"], share=0.05)
    plain = administration.emar_detail_rows(make_world(SEED, 0))
    monkeypatch.setitem(administration.QUIRKS, "key_repeated", quirk)
    rows = administration.emar_detail_rows(make_world(SEED, 0))
    assert 0.04 < len(rows.patient) / len(plain.patient) - 1 < 0.06
    assert {len(column) for column in rows.columns.values()} == {len(rows.patient)}


def test_a_table_does_not_depend_on_which_others_are_written():
    alone, after = make_world(SEED, 1), make_world(SEED, 1)
    for maker in MAKERS.values():
        maker(after)
    for maker in (drugs.prescription_rows, drugs.emar_rows):
        assert _plain(maker(alone).columns) == _plain(maker(after).columns)


def test_insulin_by_sliding_scale_follows_glucose():
    world = make_world(SEED, 0)
    entry = np.flatnonzero(world.doses.kind == drugs.KINDS.index("scale"))
    units = administration.scale_units(world, entry)
    course, adm = world.course, world.doses.admission[entry]
    glucose = np.array([course.reading[course.step_admission == one, GLUCOSE].mean() for one in adm[::20]])
    assert units.min() >= 2
    assert np.corrcoef(glucose, units[::20])[0, 1] > 0.5


def test_orders_follow_severity():
    world = make_world(SEED, 0)
    number = world.poe.label
    peak = world.course.peak[world.poe.admission]
    ventilated = number == LABELS.index(("Respiratory", "Mechanical Ventilation"))
    assert peak[ventilated].mean() > peak.mean() + 0.5
    # What is ordered after the first day, a day: at admission everyone gets much.
    course, later = world.course, world.poe.time > world.course.admit[world.poe.admission] + 86400
    orders = np.bincount(world.poe.admission[later], minlength=len(course.patient))
    days = (course.disch - course.admit) / 86400 - 1
    assert np.corrcoef((orders / days)[days > 1], course.peak[days > 1])[0, 1] > 0.3


def test_only_stays_under_observation_are_billed_by_hcpcs():
    query = (
        "select count(*) from hcpcsevents join admissions using (hadm_id) where admission_type not like '%OBSERVATION%'"
    )
    assert one(with_faults(), query) == 0
    assert one(with_faults(), "select count(*) from d_hcpcs where (category = 1) = (long_description is not null)") == 0
    assert one(with_faults(), "select max(seq_num) from hcpcsevents") > 3
    codes = [code.code for code in outpatient_billing.CODES]
    assert len(codes) == len(set(codes)) > 80

"""The synthetic charting of intensive care: form, keys, density, faults, and that it follows the hidden course."""

from functools import cache

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from warehouse.mimic import TABLES
from warehouse.synth import charting, datetimes, icuitems, labs, movements
from warehouse.synth.densities import DENSITIES
from warehouse.synth.devices import DEVICES, worst_severity
from warehouse.synth.world import BLOCK, make_world

SEED, BLOCKS = 5, 5
MAKERS = {
    "chartevents": charting.chart_rows,
    "datetimeevents": datetimes.datetime_rows,
    "icustays": movements.icu_rows,
    "labevents": labs.lab_rows,
}
DECLARED = {table.name: table for table in TABLES}


@cache
def worlds(with_quirks: bool) -> tuple:
    return tuple(make_world(SEED, block, with_quirks) for block in range(BLOCKS))


@cache
def landed(with_quirks: bool) -> duckdb.DuckDBPyConnection:
    """The rows of some blocks as tables, of the registry's types."""
    connection = duckdb.connect()
    for name, maker in MAKERS.items():
        parts = []
        for world in worlds(with_quirks):
            columns = maker(world).columns
            plain = {
                key: column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
                for key, column in columns.items()
            }
            parts.append(pa.table(plain))
        connection.register("rows", pa.concat_tables(parts))
        typed = ", ".join(f'cast("{one.name}" as {one.type}) as "{one.name}"' for one in DECLARED[name].columns)
        connection.execute(f"create table {name} as select {typed} from rows")
        connection.unregister("rows")
    items = pa.table(icuitems.icu_items())
    connection.register("items", items)
    connection.execute("create table d_items as select * from items")
    return connection


def one(with_quirks: bool, query: str):
    return landed(with_quirks).execute(query).fetchone()[0]


@pytest.mark.parametrize("name", ["chartevents", "datetimeevents"])
def test_columns_keys_and_density_are_mimics(name):
    table = DECLARED[name]
    assert set(MAKERS[name](worlds(True)[0]).columns) == set(table.column_names)
    rows = one(True, f"select count(*) from {name}")
    assert 1 / 1.5 < rows / BLOCKS / BLOCK / DENSITIES[f"icu/{name}"].per_patient < 1.5
    for column in table.columns:
        if not column.nullable:
            assert one(True, f"select count(*) from {name} where {column.name} is null") == 0, column.name
    if table.key:
        assert one(True, f"select count(*) - count(distinct ({', '.join(table.key)})) from {name}") == 0


@pytest.mark.parametrize("name", ["chartevents", "datetimeevents"])
def test_rows_belong_to_stays_and_to_items_of_their_table(name):
    stays = f"select count(*) from {name} anti join icustays using (stay_id, hadm_id, subject_id)"
    items = f"select count(*) from {name} e anti join d_items d on e.itemid = d.itemid and d.linksto = '{name}'"
    assert one(True, stays) == one(True, items) == 0


def test_dictionary_lists_the_items_once_with_units_and_limits():
    assert one(True, "select count(*) - count(distinct itemid) from d_items") == 0
    assert one(True, "select count(*) from d_items where linksto = 'chartevents'") > 300
    row = landed(True).execute(
        "select unitname, param_type, lownormalvalue, highnormalvalue from d_items where itemid = 220050"
    )
    assert row.fetchone() == ("mmHg", "Numeric", 90, 140)


def test_numbers_and_words_are_written_as_mimic_does():
    wrong = "valuenum is not null and try_cast(value as double) <> valuenum and itemid not in (223781)"
    assert one(True, f"select count(*) from chartevents where {wrong}") == 0
    pairs = ((220739, "Spontaneously", 4), (223901, "Obeys Commands", 6), (228096, "0  Alert and calm", 0))
    for item, word, number in pairs:
        query = f"select avg((valuenum = {number})::int) from chartevents where itemid = {item} and value = '{word}'"
        assert one(True, query) == 1
    assert one(True, "select count(*) from chartevents where value like '%;;%'") == 0
    assert one(True, "select count(distinct valueuom) from chartevents where itemid = 220045") == 1


_STAY = "join icustays using (stay_id)"
QUIRK_CHECKS = {
    "charted_before_stay": (f"select avg((charttime < intime)::int) from chartevents {_STAY}", 0.003, 0.006),
    "charted_after_stay": (f"select avg((charttime > outtime)::int) from chartevents {_STAY}", 0.0006, 0.0014),
    "charted_a_year_off": (
        f"select avg((abs(epoch(charttime - intime)) > 300 * 86400)::int) from chartevents {_STAY}", 0.000005, 0.0001),
    "stored_before_charted": ("select avg((storetime < charttime)::int) from chartevents", 0.06, 0.1),
    "never_stored": ("select avg((storetime is null)::int) from chartevents", 0.0002, 0.0012),
    "height_mistyped": (
        "select avg((valuenum > 250 or (itemid = 226707 and valuenum > 100))::int) from chartevents where itemid in (226707, 226730)",
        0.003, 0.06),
    "fahrenheit_in_celsius_item": ("select avg((valuenum > 60)::int) from chartevents where itemid = 223762", 0.0005, 0.006),
    "date_outside_stay": (
        f"select avg((charttime < intime or charttime > outtime)::int) from datetimeevents {_STAY}", 0.001, 0.004),
    "date_stored_before_charted": ("select avg((storetime < charttime)::int) from datetimeevents", 0.03, 0.047),
    "date_in_future": ("select avg((value > charttime)::int) from datetimeevents", 0.03, 0.05),
}  # fmt: skip
# One weight in 250 stays: forced.
RARE = ("weight_not_taken",)


@pytest.mark.parametrize("quirk", QUIRK_CHECKS)
def test_fault_occurs_at_about_its_real_rate_and_can_be_turned_off(quirk):
    query, least, most = QUIRK_CHECKS[quirk]
    assert least <= one(True, query) <= most
    assert one(False, query) == 0


def test_weights_of_nought_where_they_are_forced(monkeypatch):
    certain = charting.QUIRKS["weight_not_taken"].__class__("weight_not_taken", 1.0, "", "")
    monkeypatch.setitem(charting.QUIRKS, "weight_not_taken", certain)
    for with_quirks, nought in ((True, True), (False, False)):
        rows = pa.table(charting.chart_rows(make_world(SEED, 0, with_quirks)).columns)
        table = duckdb.arrow(rows).filter("itemid in (226512, 226531)")
        assert table.aggregate("bool_and(valuenum = 0)").fetchone()[0] is nought


def test_faults_of_charting_move_no_other_value():
    # Faults of other tables lengthen stays; so the faults are turned off once the hidden state is made.
    world = make_world(SEED, 0)
    faulty = charting.chart_rows(world).columns
    world.with_quirks = False
    plain = charting.chart_rows(world).columns
    assert faulty["itemid"].equals(plain["itemid"])
    same = pc.equal(faulty["value"].cast(pa.string()), plain["value"].cast(pa.string()))
    assert 0.9999 < pc.mean(same).as_py() < 1


def test_copies_of_results_are_the_laboratorys():
    query = (
        "select count(*), avg((l.itemid is not null)::int) from chartevents c left join labevents l on l.subject_id = c.subject_id "
        "and l.charttime = c.charttime and l.itemid = 50912 and abs(l.valuenum - c.valuenum) < 1e-6 where c.itemid = 220615"
    )
    rows, found = landed(False).execute(query).fetchone()
    # Results without a number or charted after discharge stand in the laboratory's table otherwise.
    assert rows > 200 and found > 0.97


def test_ventilator_is_charted_while_there_is_one():
    world = worlds(False)[0]
    table = pa.table(charting.chart_rows(world).columns)
    peep = duckdb.arrow(table).filter("itemid = 220339").aggregate("stay_id, count(*) n", "stay_id").fetchall()
    number = DEVICES.index("vent")
    hours = (world.devices.end - world.devices.start)[:, number] / 3600
    ventilated = {int(stay) for stay, long in zip(world.icu.stay_id, hours, strict=True) if long > 0}
    assert {stay for stay, _ in peep} <= ventilated
    assert len(peep) > 0.7 * sum(hours > 8)


def test_vital_signs_follow_severity_and_drugs():
    pulse, pressure, alert, worst = [], [], [], []
    for world in worlds(False):
        v, stay = world.hours.value, world.hours.stay
        count = np.bincount(stay)
        pulse.append(np.bincount(stay, v["hr"]) / count)
        pressure.append(np.bincount(stay, v["map"]) / count)
        alert.append(np.bincount(stay, v["brain"]) / count)
        worst.append(worst_severity(world))
        sedated = v["sedated"] > 0
        assert v["rass"][sedated].mean() < v["rass"][~sedated].mean() - 1
    worst = np.concatenate(worst)
    assert np.corrcoef(worst, np.concatenate(pulse))[0, 1] > 0.3
    assert np.corrcoef(worst, np.concatenate(pressure))[0, 1] < -0.2
    assert np.corrcoef(worst, np.concatenate(alert))[0, 1] < -0.3


def test_an_hour_recalls_the_one_before():
    hours = worlds(False)[0].hours
    same = np.flatnonzero(hours.stay[1:] == hours.stay[:-1])
    assert np.corrcoef(hours.value["hr"][same], hours.value["hr"][same + 1])[0, 1] > 0.85


def test_a_block_without_intensive_care_has_no_rows(monkeypatch):
    certain = movements.QUIRKS["icu_stay_not_recorded"].__class__("icu_stay_not_recorded", 1.0, "", "")
    monkeypatch.setitem(movements.QUIRKS, "icu_stay_not_recorded", certain)
    world = make_world(SEED, 0)
    assert len(charting.chart_rows(world).patient) == len(datetimes.datetime_rows(world).patient) == 0

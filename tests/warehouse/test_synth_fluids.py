"""The synthetic inputs, ingredients, outputs and procedures of intensive care: form, keys, density, faults, clinical sense."""

import dataclasses
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from warehouse.mimic import TABLES
from warehouse.synth import bedside, icuitems, intake, movements, outputs
from warehouse.synth.columns import arrow_part, csv_member
from warehouse.synth.course import STEP
from warehouse.synth.densities import DENSITIES
from warehouse.synth.devices import steps_of
from warehouse.synth.fluiditems import FLUID_ITEMS, ITEM
from warehouse.synth.recipes import RECIPES
from warehouse.synth.treatments import RULES
from warehouse.synth.world import BLOCK, World, make_world

SEED, BLOCKS = 5, 6
MAKERS = {
    "inputevents": intake.input_rows,
    "ingredientevents": intake.ingredient_rows,
    "outputevents": outputs.output_rows,
    "procedureevents": bedside.procedure_rows,
}
DECLARED = {table.name: table for table in TABLES if table.module == "icu"}


@cache
def worlds(with_quirks: bool = True) -> list[World]:
    return [make_world(SEED, block, with_quirks) for block in range(BLOCKS)]


def land(connection: duckdb.DuckDBPyConnection, name: str, parts: list[dict[str, pa.Array]]) -> None:
    """Rows as a table, read as the registry's types."""
    plain = [
        pa.table({key: one.cast(pa.string()) if pa.types.is_dictionary(one.type) else one for key, one in part.items()})
        for part in parts
    ]
    connection.register("rows", pa.concat_tables(plain))
    typed = ", ".join(f'cast("{column.name}" as {column.type}) as "{column.name}"' for column in DECLARED[name].columns)
    connection.execute(f"create table {name} as select {typed} from rows")
    connection.unregister("rows")


@cache
def landed(with_quirks: bool = True) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, maker in (MAKERS | {"icustays": movements.icu_rows}).items():
        land(connection, name, [maker(world).columns for world in worlds(with_quirks)])
    land(connection, "d_items", [icuitems.icu_items()])
    return connection


def one(query: str, with_quirks: bool = True):
    return landed(with_quirks).execute(query).fetchone()[0]


@pytest.mark.parametrize("name", MAKERS)
def test_form_key_and_density_are_those_of_mimic(name):
    table = DECLARED[name]
    parts = [MAKERS[name](world).columns for world in worlds()[:1]]
    assert set(parts[0]) == set(table.column_names)
    assert csv_member(table, parts[0]) and arrow_part(table, parts[0])
    density = one(f"select count(*) from {name}") / one("select count(*) from icustays")
    assert 1 / 1.5 < density / DENSITIES[f"icu/{name}"].per_icu_stay < 1.5
    assert 1 / 1.5 < one(f"select count(*) from {name}") / BLOCKS / BLOCK / DENSITIES[f"icu/{name}"].per_patient < 1.5
    for column in table.columns:
        if not column.nullable:
            assert one(f'select count(*) from {name} where "{column.name}" is null') == 0, column.name
    key = table.key or ("orderid", "itemid")
    assert one(f"select count(*) - count(distinct ({', '.join(key)})) from {name}") == 0


@pytest.mark.parametrize("name", MAKERS)
def test_every_row_has_its_stay_and_its_item(name):
    assert one(f"select count(*) from {name} anti join icustays using (subject_id, hadm_id, stay_id)") == 0
    assert one(f"select count(*) from {name} r anti join d_items d on r.itemid = d.itemid and linksto = '{name}'") == 0


@pytest.mark.parametrize("name", MAKERS)
def test_a_block_without_stays_has_no_rows(monkeypatch, name):
    never = dataclasses.replace(movements.QUIRKS["icu_stay_not_recorded"], share=1.0)
    monkeypatch.setitem(movements.QUIRKS, "icu_stay_not_recorded", never)
    rows = MAKERS[name](make_world(SEED, 0))
    assert len(rows.patient) == 0 and len(rows.columns["itemid"]) == 0


def test_items_and_recipes_name_what_there_is():
    assert len({item.itemid for item in FLUID_ITEMS}) == len(FLUID_ITEMS)
    used = {recipe.item for recipe in RECIPES} | {recipe.carrier for recipe in RECIPES if recipe.carrier >= 0}
    inputs = {item.itemid for item in FLUID_ITEMS if item.linksto == "inputevents"}
    assert used <= inputs
    assert {entry for recipe in RECIPES for entry, _, _ in recipe.ingredients} <= {
        item.itemid for item in FLUID_ITEMS if item.linksto == "ingredientevents"
    }


_OUTSIDE = "select avg(({time} < intime)::int) from {table} join icustays using (stay_id)"
_HASTY = "select avg((storetime < {time})::int) from {table}"
# fault: query for its share, at least, at most; without faults it is 0
QUIRK_CHECKS = {
    "input_outside_stay": (_OUTSIDE.format(time="starttime", table="inputevents"), 0.001, 0.01),
    "input_stored_early": (_HASTY.format(time="starttime", table="inputevents"), 0.035, 0.07),
    "dose_in_mass": (
        "select avg((amountuom <> 'dose')::int) from inputevents where itemid in (225798, 225850, 225851, 225855, 225884, "
        "225907)", 0.01, 0.07),
    "dexmedetomidine_in_mg": ("select avg((amountuom = 'mg')::int) from inputevents where itemid = 225150", 0.08, 0.3),
    "insulin_of_nothing": (
        "select avg((amount = 0)::int) from inputevents where itemid in (223258, 223262) and rate is null", 0.015, 0.09),
    "output_outside_stay": (_OUTSIDE.format(time="charttime", table="outputevents"), 0.0004, 0.005),
    "output_stored_early": (_HASTY.format(time="charttime", table="outputevents"), 0.12, 0.2),
    "procedure_outside_stay": (_OUTSIDE.format(time="starttime", table="procedureevents"), 0.015, 0.05),
    "closed_by_system": (
        "select avg((caregiver_id is null and storetime <> date_trunc('second', storetime))::int) from procedureevents",
        0.11, 0.23),
}  # fmt: skip


@pytest.mark.parametrize("quirk", QUIRK_CHECKS)
def test_fault_occurs_at_about_its_real_rate_and_can_be_turned_off(quirk):
    query, least, most = QUIRK_CHECKS[quirk]
    assert least <= one(query) <= most
    assert one(query, with_quirks=False) == 0


def test_ingredients_show_the_faults_of_their_orders():
    assert 0.001 <= one(_OUTSIDE.format(time="starttime", table="ingredientevents")) <= 0.01
    assert 0.035 <= one(_HASTY.format(time="starttime", table="ingredientevents")) <= 0.075
    same = "select count(*) from ingredientevents g {} join inputevents i using (orderid, starttime, endtime, storetime, stay_id)"
    assert one(same.format("anti")) == 0


@pytest.mark.parametrize(
    ("name", "time", "end"),
    [
        ("inputevents", "starttime", "endtime"),
        ("outputevents", "charttime", "charttime"),
        ("procedureevents", "starttime", "endtime"),
    ],
)
def test_without_faults_all_lies_within_the_stay(name, time, end):
    query = f"select count(*) from {name} join icustays using (stay_id) where {time} < intime or {end} > outtime"
    assert one(query, with_quirks=False) == 0


@pytest.mark.parametrize(
    ("what", "query", "least", "most"),
    [
        ("one minute", "select avg((endtime - starttime = interval 1 minute)::int) from inputevents", 0.3, 0.55),
        ("no rate", "select avg((rate is null)::int) from inputevents", 0.35, 0.6),
        (
            "continuous without rate",
            "select avg((rate is null)::int) from inputevents where ordercategorydescription = 'Continuous IV'",
            0.1,
            0.5,
        ),
        ("paused", "select avg((statusdescription = 'Paused')::int) from inputevents", 0.01, 0.06),
        (
            "one weight a stay",
            "select max(n) from (select count(distinct patientweight) n from inputevents group by stay_id)",
            1,
            1,
        ),
        ("tasks", "select avg((ordercategorydescription = 'Task')::int) from procedureevents", 0.4, 0.65),
        ("largest output", "select max(value) from outputevents", 500, 8000),
    ],
)
def test_trait_is_about_as_frequent_as_in_mimic(what, query, least, most):
    assert least <= one(query) <= most, what


def test_infusions_are_joined_and_their_amounts_are_rate_times_time():
    drip = "from inputevents where ordercategoryname = '01-Drips'"
    assert one(f"select count(*) {drip} and linkorderid not in (select orderid from inputevents)") == 0
    assert one(f"select max(n) from (select count(distinct orderid) n {drip} group by linkorderid)") > 3
    assert one(f"select count(*) {drip} group by statusdescription having statusdescription = 'ChangeDose/Rate'") > 50
    reckoned = "rate * patientweight * epoch(endtime - starttime) / 60 / 1000"
    assert one(f"select max(abs(amount / ({reckoned}) - 1)) {drip} and itemid = {ITEM['Norepinephrine']}") < 1e-6
    assert one(f"select max(amount / originalamount) {drip} and amountuom <> 'mg'") < 1 + 1e-9
    # No infusion of a drug overlaps another stretch of its own.
    overlaps = (
        f"select count(*) from (select starttime, lag(endtime) over (partition by linkorderid, itemid order by starttime) ended {drip}) "
        "where ended > starttime"
    )
    assert one(overlaps, with_quirks=False) == 0


def test_pressors_and_sedatives_run_while_the_hidden_course_treats():
    for drug, item in (("norepinephrine", "Norepinephrine"), ("propofol", "Propofol"), ("vancomycin", "Vancomycin")):
        rule = [one.drug for one in RULES].index(drug)
        treated = []
        for world in worlds(False):
            given = world.infusions
            mine = np.flatnonzero(np.array([recipe.item == ITEM[item] for recipe in RECIPES])[given.recipe])
            on = world.course.treated[:, rule]
            # A span may reach into the step after the last.
            now, before = (steps_of(world, given.stay[mine], given.start[mine] - back) for back in (0, STEP))
            treated.append(on[now] | on[before])
        treated = np.concatenate(treated)
        assert len(treated) > 50 and treated.mean() > 0.99


def test_doses_rise_with_severity():
    severity, rate = [], []
    for world in worlds(False):
        given = world.infusions
        mine = np.array([recipe.item == ITEM["Norepinephrine"] for recipe in RECIPES])[given.recipe]
        severity.append(world.course.severity[steps_of(world, given.stay[mine], given.start[mine])])
        rate.append(given.first_rate[mine])
    assert np.corrcoef(np.concatenate(severity), np.log(np.concatenate(rate)))[0, 1] > 0.2


def test_urine_follows_furosemide_and_the_kidneys():
    def urine(where: str) -> float:
        return one(f"select median(value) from outputevents where itemid = {ITEM['Foley']} and {where}")

    after = (
        "exists (from inputevents i where i.stay_id = outputevents.stay_id and itemid in (221794, 228340) and charttime between "
        "starttime and starttime + interval 8 hour)"
    )
    assert urine(after) > 1.2 * urine(f"not {after}")
    dialysed = "stay_id {} (select stay_id from procedureevents where itemid in (225441, 225802))"
    assert urine(dialysed.format("in")) < 0.7 * urine(dialysed.format("not in"))


def test_ventilation_follows_the_devices_that_nurses_chart():
    ventilated = 0
    for world in worlds(False):
        rows = bedside.procedure_rows(world).columns
        stays = {stay: number for number, stay in enumerate(world.icu.stay_id.tolist())}
        shift = world.patients.shift_days[world.icu.patient] * 86400
        begins, ends = (rows[name].cast(pa.int64()).to_numpy() for name in ("starttime", "endtime"))
        for row in np.flatnonzero(rows["itemid"].to_numpy() == ITEM["Invasive Ventilation"]):
            stay = stays[rows["stay_id"][row].as_py()]
            middle = np.array([(begins[row] + ends[row]) // 2 - shift[stay]])
            assert world.devices.at("vent", np.array([stay]), middle).all()
            ventilated += 1
    assert ventilated > 30

"""One block of patients, from random numbers to the compressed rows of every table; and the code dictionaries.

A block always holds BLOCK patients and has its own random stream, so its bytes depend on the seed and its number alone: any
number of processes gives the same files, and the first patients of a larger cohort are those of a smaller one.
"""

import numpy as np
import pyarrow as pa

from warehouse.mimic import TABLES
from warehouse.synth.billing import (
    diagnosis_dictionary,
    diagnosis_rows,
    drg_rows,
    find_complications,
    procedure_dictionary,
    procedure_rows,
)
from warehouse.synth.columns import Rows, csv_member, ints, reals
from warehouse.synth.course import simulate
from warehouse.synth.drugs import emar_rows, make_orders, prescription_rows
from warehouse.synth.labitems import ITEMS
from warehouse.synth.labs import Samples, inpatient_samples, lab_rows, outpatient_samples
from warehouse.synth.patients import make_patients
from warehouse.synth.stays import admission_rows, make_stays, movement_rows, patient_rows, service_rows
from warehouse.synth.visits import make_visits, omr_rows

BLOCK = 256
# Providers are MIMIC's kind of code; a thousand suffice for a first cohort.
_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
PROVIDERS = [
    "P" + "".join(_LETTERS[(number * 7919 + 104_729) // len(_LETTERS) ** place % len(_LETTERS)] for place in range(5))
    for number in range(1000)
]
_HCPCS = (
    ("G0378", "Hospital observation service, per hour", "Hospital observation per hr"),
    ("99218", "Initial observation care, low severity", "Initial observation care"),
    ("43239", "Upper gastrointestinal endoscopy with biopsy, single or multiple", "Egd biopsy single/multiple"),
    ("93005", "Electrocardiogram, routine, tracing only", "Electrocardiogram tracing"),
)
_ICU_ITEMS = (
    (220045, "Heart Rate", "HR", "Routine Vital Signs", "bpm", "Numeric"),
    (220179, "Non Invasive Blood Pressure systolic", "NBPs", "Routine Vital Signs", "mmHg", "Numeric"),
    (220210, "Respiratory Rate", "RR", "Respiratory", "insp/min", "Numeric"),
    (220277, "O2 saturation pulseoxymetry", "SpO2", "Respiratory", "%", "Numeric"),
    (223761, "Temperature Fahrenheit", "Temperature F", "Routine Vital Signs", "°F", "Numeric"),
)


def block_rows(seed: int, block: int) -> dict[tuple[str, str], Rows]:
    """All rows of a block's BLOCK patients, by (module, table)."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, block]))
    patients = make_patients(rng, block * BLOCK, BLOCK)
    course = simulate(rng, patients)
    visits = make_visits(rng, patients, course)
    stays = make_stays(rng, patients, course)
    transfers, icustays, ed_out = movement_rows(rng, patients, course, stays, visits, block)
    found = find_complications(rng, course)
    orders = make_orders(rng, patients, course)
    inside, outside = inpatient_samples(rng, course), outpatient_samples(rng, patients, visits)
    samples = Samples(
        *(np.concatenate([getattr(inside, name), getattr(outside, name)]) for name in Samples.__dataclass_fields__)
    )
    return {
        ("hosp", "patients"): patient_rows(patients, course),
        ("hosp", "admissions"): admission_rows(rng, patients, course, stays, ed_out, PROVIDERS),
        ("hosp", "transfers"): transfers,
        ("hosp", "services"): service_rows(rng, patients, course, stays),
        ("hosp", "labevents"): lab_rows(rng, samples, block, patients, course, stays.hadm, PROVIDERS),
        ("hosp", "prescriptions"): prescription_rows(rng, patients, course, stays, orders, block, PROVIDERS),
        ("hosp", "emar"): emar_rows(rng, patients, course, stays, orders, block, PROVIDERS),
        ("hosp", "diagnoses_icd"): diagnosis_rows(rng, patients, course, stays, found),
        ("hosp", "procedures_icd"): procedure_rows(rng, patients, course, stays),
        ("hosp", "drgcodes"): drg_rows(rng, patients, course, stays, found),
        ("hosp", "omr"): omr_rows(rng, patients, visits),
        ("icu", "icustays"): icustays,
    }


def block_files(seed: int, block: int, patients: int) -> dict[tuple[str, str], tuple[bytes, int]]:
    """A block's rows as (gzip member, number of rows) by table, in mixed order, of the first `patients` of the cohort."""
    keep = patients - block * BLOCK
    rows = block_rows(seed, block)
    files = {}
    for table in TABLES:
        if table.is_dictionary:
            continue
        name = (table.module, table.name)
        # A stream of its own: mixing the rows of one table must not move those of another.
        order = np.random.default_rng(np.random.SeedSequence([seed, block, len(files)])).permutation(
            len(rows[name].patient)
        )
        order = pa.array(order[rows[name].patient[order] < keep])
        columns = {column: array.take(order) for column, array in rows[name].columns.items()}
        files[name] = (csv_member(table, columns), len(order))
    return files


def _texts(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


def dictionary_files() -> dict[tuple[str, str], tuple[bytes, int]]:
    """The code dictionaries, as `block_files` gives tables."""
    diagnoses, procedures = diagnosis_dictionary(), procedure_dictionary()
    numbers = {"lownormalvalue": np.full(len(_ICU_ITEMS), np.nan), "highnormalvalue": np.full(len(_ICU_ITEMS), np.nan)}
    contents = {
        ("hosp", "d_labitems"): {
            "itemid": ints(np.array([item.itemid for item in ITEMS])),
            "label": _texts([item.label for item in ITEMS]),
            "fluid": _texts([item.fluid for item in ITEMS]),
            "category": _texts([item.category for item in ITEMS]),
        },
        ("hosp", "d_icd_diagnoses"): _code_columns(diagnoses),
        ("hosp", "d_icd_procedures"): _code_columns(procedures),
        ("hosp", "d_hcpcs"): {
            "code": _texts([code for code, _, _ in _HCPCS]),
            "category": pa.nulls(len(_HCPCS), pa.int64()),
            "long_description": _texts([long for _, long, _ in _HCPCS]),
            "short_description": _texts([short for _, _, short in _HCPCS]),
        },
        ("icu", "d_items"): {
            "itemid": ints(np.array([item[0] for item in _ICU_ITEMS])),
            "label": _texts([item[1] for item in _ICU_ITEMS]),
            "abbreviation": _texts([item[2] for item in _ICU_ITEMS]),
            "linksto": _texts(["chartevents"] * len(_ICU_ITEMS)),
            "category": _texts([item[3] for item in _ICU_ITEMS]),
            "unitname": _texts([item[4] for item in _ICU_ITEMS]),
            "param_type": _texts([item[5] for item in _ICU_ITEMS]),
            **{name: reals(values) for name, values in numbers.items()},
        },
    }
    by_name = {(table.module, table.name): table for table in TABLES if table.is_dictionary}
    return {
        name: (csv_member(by_name[name], columns), len(next(iter(columns.values()))))
        for name, columns in contents.items()
    }


def _code_columns(rows: list[tuple[str, int, str]]) -> dict[str, pa.Array]:
    return {
        "icd_code": _texts([code for code, _, _ in rows]),
        "icd_version": ints(np.array([version for _, version, _ in rows])),
        "long_title": _texts([title for _, _, title in rows]),
    }

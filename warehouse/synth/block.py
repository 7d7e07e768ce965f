"""One block of patients as the compressed rows of every table.

In: a `Job` and a block's number. Out: for each table the block's part of its file (a gzip member, or Arrow data where Parquet
is asked for) and its number of rows. A block's parts depend on the seed and its number alone: any number of processes gives
the same files, and the first patients of a larger cohort are those of a smaller one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.mimic import TABLES, Table
from warehouse.synth import (
    administration,
    bedside,
    billing,
    charting,
    cultures,
    datetimes,
    dictionaries,
    drugs,
    emergency,
    emergency_drugs,
    emergency_vitals,
    icuitems,
    intake,
    labs,
    movements,
    outpatient_billing,
    outputs,
    pharmacy,
    poe,
    staff,
    stays,
    truth,
    visits,
)
from warehouse.synth.columns import Rows, arrow_part, arrow_stream, csv_member
from warehouse.synth.quirks import Quirk
from warehouse.synth.world import BLOCK, World, make_world, stream

MAKERS: dict[str, Callable[[World], Rows]] = {
    "hosp/patients": stays.patient_rows,
    "hosp/admissions": stays.admission_rows,
    "hosp/transfers": movements.transfer_rows,
    "hosp/services": stays.service_rows,
    "hosp/labevents": labs.lab_rows,
    "hosp/poe": poe.poe_rows,
    "hosp/poe_detail": poe.detail_rows,
    "hosp/pharmacy": pharmacy.pharmacy_rows,
    "hosp/prescriptions": drugs.prescription_rows,
    "hosp/emar": drugs.emar_rows,
    "hosp/emar_detail": administration.emar_detail_rows,
    "hosp/diagnoses_icd": billing.diagnosis_rows,
    "hosp/procedures_icd": billing.procedure_rows,
    "hosp/drgcodes": billing.drg_rows,
    "hosp/microbiologyevents": cultures.microbiology_rows,
    "hosp/hcpcsevents": outpatient_billing.hcpcs_rows,
    "hosp/omr": visits.omr_rows,
    "icu/icustays": movements.icu_rows,
    "icu/chartevents": charting.chart_rows,
    "icu/datetimeevents": datetimes.datetime_rows,
    "icu/inputevents": intake.input_rows,
    "icu/ingredientevents": intake.ingredient_rows,
    "icu/outputevents": outputs.output_rows,
    "icu/procedureevents": bedside.procedure_rows,
    "ed/edstays": emergency.edstay_rows,
    "ed/triage": emergency_vitals.triage_rows,
    "ed/vitalsign": emergency_vitals.vitalsign_rows,
    "ed/diagnosis": emergency.diagnosis_rows,
    "ed/medrecon": emergency_drugs.medrecon_rows,
    "ed/pyxis": emergency_drugs.pyxis_rows,
}
DICTIONARIES: dict[str, Callable[[], dict[str, pa.Array]]] = {
    "hosp/d_hcpcs": outpatient_billing.hcpcs,
    "hosp/d_icd_diagnoses": dictionaries.icd_diagnoses,
    "hosp/d_icd_procedures": dictionaries.icd_procedures,
    "hosp/d_labitems": labs.items,
    "hosp/provider": staff.provider_columns,
    "icu/caregiver": staff.caregiver_columns,
    "icu/d_items": icuitems.icu_items,
}
# Every declared fault by the module that writes it.
QUIRKS: dict[str, dict[str, Quirk]] = {
    module.__name__.rpartition(".")[2]: module.QUIRKS
    for module in (
        administration,
        bedside,
        billing,
        charting,
        cultures,
        datetimes,
        drugs,
        emergency,
        emergency_drugs,
        emergency_vitals,
        intake,
        labs,
        movements,
        outputs,
        pharmacy,
        poe,
        stays,
        visits,
    )
}
ALL_TABLES = (*MAKERS, *DICTIONARIES)
TABLE_OF: dict[str, Table] = {f"{table.module}/{table.name}": table for table in TABLES}


@dataclass(frozen=True)
class Job:
    """What to write: how many patients, from which seed, which tables ("hosp/patients"), in which format."""

    patients: int
    seed: int = 0
    tables: tuple[str, ...] = ALL_TABLES
    with_quirks: bool = True
    format: str = "csv.gz"
    truth: bool = False

    @property
    def blocks(self) -> int:
        return (self.patients + BLOCK - 1) // BLOCK


# A table's part of a file, and its number of rows.
Part = tuple[bytes, int]


def block_parts(job: Job, block: int) -> dict[str, Part]:
    """A block's rows by table, in mixed order, of the first `job.patients` of the cohort."""
    world = make_world(job.seed, block, job.with_quirks)
    keep = job.patients - block * BLOCK
    parts = {}
    for name in job.tables:
        if name in MAKERS:
            rows = MAKERS[name](world)
            # A stream of its own: mixing the rows of one table must not move those of another.
            order = stream(job.seed, block, f"order of {name}").permutation(len(rows.patient))
            order = order[rows.patient[order] < keep]
            taken = pa.array(order)
            columns = {column: array.take(taken) for column, array in rows.columns.items()}
            parts[name] = (_encode(job, TABLE_OF[name], columns), len(order))
    if job.truth:
        for name, maker in truth.MAKERS.items():
            rows = maker(world)
            kept = pa.array(rows.patient < keep)
            parts[name] = (arrow_stream(pa.table(rows.columns).filter(kept)), pc.sum(kept).as_py())
    return parts


def dictionary_parts(job: Job) -> dict[str, Part]:
    """The code dictionaries, which are the same in every cohort."""
    parts = {}
    for name in job.tables:
        if name in DICTIONARIES:
            columns = DICTIONARIES[name]()
            parts[name] = (_encode(job, TABLE_OF[name], columns), len(next(iter(columns.values()))))
    return parts


def _encode(job: Job, table: Table, columns: dict[str, pa.Array]) -> bytes:
    return csv_member(table, columns) if job.format == "csv.gz" else arrow_part(table, columns)

"""Registry of the raw MIMIC-IV tables: the only list of their columns, types and keys.

The synthetic generator writes these headers, the loader checks files against them, dbt lands and describes its
staging models from them, and the expectations read their keys. Columns, types and keys follow MIMIC-IV v3.1; v2.2 and
3.0 have the same headers. Codes, ordinals and ids that are not plain numbers stay text (an NDC keeps its zeros).

A table is declared as one block of text, a column a line: `name type description`, with `!` behind the type where
MIMIC-IV declares it NOT NULL. `python -m warehouse.mimic` writes models_sql/staging/_staging.yml from it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from warehouse.paths import REPOSITORY

# Tables for which MIMIC-IV declares no key; a row can then be there twice.
NO_KEY = ""
# What DuckDB calls the registry's types; each is also a type of the SQL standard and of Spark.
TYPES = ("bigint", "integer", "smallint", "double", "timestamp", "date", "text")


@dataclass(frozen=True)
class Column:
    """One column of a raw table: `type` is one of TYPES."""

    name: str
    type: str
    nullable: bool
    description: str


@dataclass(frozen=True)
class Table:
    """One raw table. `key` is unique, empty where MIMIC-IV declares none; `is_dictionary`: codes, which make no events."""

    module: str
    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    is_dictionary: bool = False

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def staging_model(self) -> str:
        return f"stg_{self.module}__{self.name}"


def _table(module: str, name: str, grain: str, key: str, columns: str, is_dictionary: bool = False) -> Table:
    parsed = []
    for line in columns.strip().splitlines():
        column, kind, description = line.split(maxsplit=2)
        parsed.append(Column(column, kind.rstrip("!"), not kind.endswith("!"), description))
    return Table(module, name, grain, tuple(key.split()), tuple(parsed), is_dictionary)


TABLES: tuple[Table, ...] = (
    _table(
        "hosp",
        "patients",
        "one row per patient",
        "subject_id",
        """
        subject_id         bigint!    Patient.
        gender             text!      Sex as registered: F or M.
        anchor_age         smallint   Age in anchor_year; 91 stands for every age over 89.
        anchor_year        smallint!  Year of the patient's shifted time line to which anchor_age belongs.
        anchor_year_group  text!      The three real calendar years within which anchor_year lies.
        dod                date       Date of death; censored one year after the last discharge, so NULL does not mean alive.
        """,
    ),
    _table(
        "hosp",
        "admissions",
        "one row per hospital admission",
        "hadm_id",
        """
        subject_id            bigint!     Patient.
        hadm_id               bigint!     Hospital admission.
        admittime             timestamp!  When the patient was admitted.
        dischtime             timestamp   When the patient was discharged, as typed in by administration.
        deathtime             timestamp   When the patient died in hospital.
        admission_type        text!       Urgency and kind of the admission.
        admit_provider_id     text        Provider who admitted the patient.
        admission_location    text        Where the patient was before.
        discharge_location    text        Where the patient went.
        insurance             text        Insurance.
        language              text        Language spoken.
        marital_status        text        Marital status.
        race                  text        Race as registered at this admission; it can differ between admissions.
        edregtime             timestamp   When the patient was registered in the emergency department.
        edouttime             timestamp   When the patient left the emergency department.
        hospital_expire_flag  smallint    1 where the patient died in hospital.
        """,
    ),
    _table(
        "hosp",
        "transfers",
        "one row per stay in a care unit, and one per discharge",
        "transfer_id",
        """
        subject_id   bigint!    Patient.
        hadm_id      bigint     Hospital admission; NULL for visits to the emergency department alone.
        transfer_id  bigint!    Transfer.
        eventtype    text       ed, admit, transfer or discharge.
        careunit     text       Care unit; NULL at discharge.
        intime       timestamp  When the patient came to the unit.
        outtime      timestamp  When the patient left the unit; NULL at discharge.
        """,
    ),
    _table(
        "hosp",
        "services",
        "one row per change of the service that cares for the patient",
        "hadm_id transfertime curr_service",
        """
        subject_id    bigint!     Patient.
        hadm_id       bigint!     Hospital admission.
        transfertime  timestamp!  When the patient came under the service.
        prev_service  text        Service before.
        curr_service  text        Service now.
        """,
    ),
    _table(
        "hosp",
        "labevents",
        "one row per laboratory result",
        "labevent_id",
        """
        labevent_id        bigint!    Laboratory result.
        subject_id         bigint!    Patient.
        hadm_id            bigint     Hospital admission; NULL for outpatients and for about a quarter of all rows.
        specimen_id        bigint!    Specimen; results of one specimen share it.
        itemid             integer!   What was measured, see d_labitems.
        order_provider_id  text       Provider who ordered it.
        charttime          timestamp  When the specimen was drawn.
        storetime          timestamp  When the result became known.
        value              text       Result as text; ___ where scrubbed.
        valuenum           double     Result as a number.
        valueuom           text       Unit.
        ref_range_lower    double     Lower limit of normal.
        ref_range_upper    double     Upper limit of normal.
        flag               text       abnormal where out of range.
        priority           text       ROUTINE or STAT.
        comments           text       Free text beside the result, scrubbed.
        """,
    ),
    _table(
        "hosp",
        "prescriptions",
        "one row per drug of a prescription",
        "pharmacy_id drug_type drug",
        """
        subject_id         bigint!    Patient.
        hadm_id            bigint!    Hospital admission.
        pharmacy_id        bigint!    Pharmacy order.
        poe_id             text       Provider order.
        poe_seq            integer    Number of the provider order within the patient.
        order_provider_id  text       Provider who ordered it.
        starttime          timestamp  When the prescription starts.
        stoptime           timestamp  When it stops; may lie before the start.
        drug_type          text!      MAIN, BASE or ADDITIVE.
        drug               text!      Drug in free text.
        formulary_drug_cd  text       Code in the hospital's formulary.
        gsn                text       Generic sequence numbers, blank-separated, with leading zeros.
        ndc                text       National drug code, 11 digits with leading zeros; 0 where unmapped.
        prod_strength      text       Strength of the product.
        form_rx            text       Form prescribed.
        dose_val_rx        text       Dose prescribed; may be a range.
        dose_unit_rx       text       Unit of the dose.
        form_val_disp      text       Amount of the product dispensed.
        form_unit_disp     text       Unit of the amount dispensed.
        doses_per_24_hrs   double     Doses a day.
        route              text       Route of administration.
        """,
    ),
    _table(
        "hosp",
        "emar",
        "one row per entry of the electronic medication administration record",
        "emar_id",
        """
        subject_id         bigint!     Patient.
        hadm_id            bigint      Hospital admission.
        emar_id            text!       Entry.
        emar_seq           integer!    Number of the entry within the patient.
        poe_id             text!       Provider order.
        pharmacy_id        bigint      Pharmacy order.
        enter_provider_id  text        Provider who made the entry.
        charttime          timestamp!  When the drug was given.
        medication         text        Drug in free text.
        event_txt          text        What was done: Administered, Not Given, Flushed and so on.
        scheduletime       timestamp   When it was due.
        storetime          timestamp!  When the entry was made.
        """,
    ),
    _table(
        "hosp",
        "diagnoses_icd",
        "one row per diagnosis billed for an admission",
        "hadm_id seq_num icd_code icd_version",
        """
        subject_id   bigint!   Patient.
        hadm_id      bigint!   Hospital admission.
        seq_num      integer!  Rank of the diagnosis, 1 is the principal one.
        icd_code     text      Code without its dot.
        icd_version  smallint  9 or 10.
        """,
    ),
    _table(
        "hosp",
        "procedures_icd",
        "one row per procedure billed for an admission",
        "hadm_id seq_num icd_code icd_version",
        """
        subject_id   bigint!   Patient.
        hadm_id      bigint!   Hospital admission.
        seq_num      integer!  Rank of the procedure.
        chartdate    date!     Day of the procedure; its time of day is not recorded.
        icd_code     text      Code without its dot.
        icd_version  smallint  9 or 10.
        """,
    ),
    _table(
        "hosp",
        "drgcodes",
        "one row per diagnosis-related group billed for an admission",
        NO_KEY,
        """
        subject_id     bigint!   Patient.
        hadm_id        bigint!   Hospital admission.
        drg_type       text      Grouper: HCFA or APR.
        drg_code       text!     Group.
        description    text      Group in words.
        drg_severity   smallint  Severity of illness, APR only.
        drg_mortality  smallint  Risk of mortality, APR only.
        """,
    ),
    _table(
        "hosp",
        "omr",
        "one row per measurement of the outpatient medical record",
        NO_KEY,
        """
        subject_id    bigint!   Patient.
        chartdate     date!     Day of the measurement.
        seq_num       integer!  Number of the measurement within the day.
        result_name   text!     What was measured.
        result_value  text!     Result in free text; blood pressure as 110/70.
        """,
    ),
    _table(
        "icu",
        "icustays",
        "one row per stay in intensive care",
        "stay_id",
        """
        subject_id      bigint!    Patient.
        hadm_id         bigint!    Hospital admission.
        stay_id         bigint!    ICU stay.
        first_careunit  text       Unit at the start of the stay.
        last_careunit   text       Unit at the end of the stay.
        intime          timestamp  When the stay began.
        outtime         timestamp  When the stay ended.
        los             double     Length of the stay in days.
        """,
    ),
    _table(
        "hosp",
        "d_labitems",
        "one row per laboratory item",
        "itemid",
        """
        itemid    integer!  Item.
        label     text      What is measured.
        fluid     text      In which fluid.
        category  text      Kind of test.
        """,
        is_dictionary=True,
    ),
    _table(
        "hosp",
        "d_icd_diagnoses",
        "one row per ICD diagnosis code",
        "icd_code icd_version",
        """
        icd_code     text!      Code without its dot.
        icd_version  smallint!  9 or 10.
        long_title   text       Diagnosis in words.
        """,
        is_dictionary=True,
    ),
    _table(
        "hosp",
        "d_icd_procedures",
        "one row per ICD procedure code",
        "icd_code icd_version",
        """
        icd_code     text!      Code without its dot.
        icd_version  smallint!  9 or 10.
        long_title   text       Procedure in words.
        """,
        is_dictionary=True,
    ),
    _table(
        "hosp",
        "d_hcpcs",
        "one row per HCPCS code",
        "code",
        """
        code               text!     HCPCS code.
        category           smallint  Category.
        long_description   text      Code in words.
        short_description  text      Code in few words.
        """,
        is_dictionary=True,
    ),
    _table(
        "icu",
        "d_items",
        "one row per item charted in intensive care",
        "itemid",
        """
        itemid           integer!  Item.
        label            text!     What is charted.
        abbreviation     text!     Short label.
        linksto          text!     Table that holds the item.
        category         text!     Kind of item.
        unitname         text      Unit.
        param_type       text!     Kind of value.
        lownormalvalue   double    Lower limit of normal.
        highnormalvalue  double    Upper limit of normal.
        """,
        is_dictionary=True,
    ),
)


def table(module: str, name: str) -> Table:
    """The table `module.name`; KeyError where the registry has none."""
    for candidate in TABLES:
        if (candidate.module, candidate.name) == (module, name):
            return candidate
    raise KeyError(f"{module}.{name}")


def staging_yml() -> str:
    """The dbt properties of every staging model: descriptions, keys and NOT NULLs, as the registry has them."""
    lines = [
        "# Written by `python -m warehouse.mimic` from warehouse/mimic.py: edit that, not this.",
        "version: 2",
        "",
        "models:",
    ]
    for entry in TABLES:
        lines += [
            f"  - name: {entry.staging_model}",
            f"    description: Raw table {entry.module}.{entry.name}, typed and otherwise untouched; {entry.grain}.",
            "    columns:",
        ]
        for column in entry.columns:
            lines += [f"      - name: {column.name}", f"        data_type: {column.type}"]
            lines.append(f"        description: {json.dumps(column.description)}")
        lines += [
            "      - name: unreadable_columns",
            "        data_type: text",
            "        description: Columns whose raw text could not be read as their type, comma-separated; NULL where all could.",
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    path = Path(REPOSITORY, "models_sql", "staging", "_staging.yml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(staging_yml())
    print(path)


if __name__ == "__main__":
    main()

"""The tables of the hospital module on what was billed and measured by code, and their dictionaries.

Columns, types, keys and foreign keys follow MIMIC-IV v3.1; warehouse/table.py says how to read the text.
"""

from warehouse.table import tables_of_text

HOSP_BILLING_TABLES = tables_of_text(
    "hosp",
    """
    source diagnoses_icd: one row per diagnosis billed for an admission
    key          hadm_id seq_num icd_code icd_version
    references   subject_id -> hosp.patients; hadm_id -> hosp.admissions
    subject_id   bigint!   Patient.
    hadm_id      bigint!   Hospital admission.
    seq_num      integer!  Rank of the diagnosis, 1 is the principal one.
    icd_code     text      Code without its dot.
    icd_version  smallint  9 or 10.

    source procedures_icd: one row per procedure billed for an admission
    key          hadm_id seq_num icd_code icd_version
    references   subject_id -> hosp.patients; hadm_id -> hosp.admissions
    subject_id   bigint!   Patient.
    hadm_id      bigint!   Hospital admission.
    seq_num      integer!  Rank of the procedure.
    chartdate    date!     Day of the procedure; its time of day is not recorded.
    icd_code     text      Code without its dot.
    icd_version  smallint  9 or 10.

    source drgcodes: one row per diagnosis-related group billed for an admission
    key            none
    references     subject_id -> hosp.patients; hadm_id -> hosp.admissions
    subject_id     bigint!   Patient.
    hadm_id        bigint!   Hospital admission.
    drg_type       text      Grouper: HCFA or APR.
    drg_code       text!     Group.
    description    text      Group in words.
    drg_severity   smallint  Severity of illness, APR only.
    -drg_mortality smallint  Risk of mortality, APR only.

    optional hcpcsevents: one row per procedure or service billed by its HCPCS code
    key                hadm_id hcpcs_cd seq_num
    references         subject_id -> hosp.patients; hadm_id -> hosp.admissions; hcpcs_cd -> hosp.d_hcpcs
    subject_id         bigint!   Patient.
    hadm_id            bigint!   Hospital admission.
    chartdate          date      Day of the service.
    hcpcs_cd           text!     HCPCS or CPT code, see d_hcpcs.
    seq_num            integer!  Rank of the code within the admission.
    short_description  text      Code in few words, for CPT codes their chapter.

    source omr: one row per measurement of the outpatient medical record
    key           none
    subject_id    bigint!   Patient.
    chartdate     date!     Day of the measurement.
    seq_num       integer!  Number of the measurement within the day.
    result_name   text!     What was measured.
    result_value  text!     Result in free text; blood pressure as 110/70.

    source d_icd_diagnoses: one row per ICD diagnosis code
    key          icd_code icd_version
    icd_code     text!      Code without its dot.
    icd_version  smallint!  9 or 10.
    long_title   text       Diagnosis in words.

    source d_icd_procedures: one row per ICD procedure code
    key          icd_code icd_version
    icd_code     text!      Code without its dot.
    icd_version  smallint!  9 or 10.
    long_title   text       Procedure in words.

    source d_hcpcs: one row per HCPCS code
    key                code
    code               text!     HCPCS code.
    category           smallint  Category.
    long_description   text      Code in words.
    short_description  text      Code in few words.
    """,
)

"""The tables of the emergency department.

Columns, types, keys and foreign keys follow MIMIC-IV v3.1; warehouse/table.py says how to read the text.
"""

from warehouse.table import tables_of_text

ED_TABLES = tables_of_text(
    "ed",
    """
    optional edstays: one row per stay in the emergency department
    key                stay_id
    subject_id         bigint!     Patient.
    hadm_id            bigint      Hospital admission that the stay led to; NULL where there was none.
    stay_id            bigint!     Stay in the emergency department.
    intime             timestamp!  When the patient was registered in the emergency department.
    outtime            timestamp!  When the patient left the emergency department.
    -gender            text!       Sex as registered: F or M.
    -race              text        Race as registered at this stay; it can differ from that of the admission.
    arrival_transport  text!       How the patient came: AMBULANCE, WALK IN, HELICOPTER, OTHER, UNKNOWN.
    disposition        text        How the stay ended: ADMITTED, HOME, TRANSFER, LEFT WITHOUT BEING SEEN and so on.

    optional triage: one row per stay: what was asked and measured on arrival in the emergency department
    key             stay_id
    references      stay_id -> ed.edstays
    subject_id      bigint!  Patient.
    stay_id         bigint!  Stay in the emergency department.
    temperature     double   Temperature in degrees Fahrenheit; some in Celsius.
    heartrate       double   Heart rate, beats a minute.
    resprate        double   Respiratory rate, breaths a minute.
    o2sat           double   Oxygen saturation by pulse oximetry, percent.
    sbp             double   Systolic blood pressure, mmHg.
    dbp             double   Diastolic blood pressure, mmHg.
    pain            text     Pain from 0 to 10 as told, or free text: unable, Critical.
    acuity          double   Emergency severity index from 1, gravest, to 5.
    chiefcomplaint  text     Why the patient came, in free text, several complaints comma-separated.

    optional vitalsign: one row per set of vital signs taken in the emergency department
    key          stay_id charttime
    references   stay_id -> ed.edstays
    subject_id   bigint!    Patient.
    stay_id      bigint!    Stay in the emergency department.
    charttime    timestamp  When they were taken; may lie after the patient left.
    temperature  double     Temperature in degrees Fahrenheit; some in Celsius.
    heartrate    double     Heart rate, beats a minute.
    resprate     double     Respiratory rate, breaths a minute.
    o2sat        double     Oxygen saturation by pulse oximetry, percent.
    sbp          integer    Systolic blood pressure, mmHg.
    dbp          integer    Diastolic blood pressure, mmHg.
    rhythm       text       Heart rhythm in words: Sinus Rhythm, afib.
    pain         text       Pain from 0 to 10 as told, or free text: unable, ett.

    optional diagnosis: one row per diagnosis billed for a stay in the emergency department
    key          stay_id seq_num
    references   stay_id -> ed.edstays
    subject_id   bigint!    Patient.
    stay_id      bigint!    Stay in the emergency department.
    seq_num      integer!   Rank of the diagnosis, 1 is the foremost one.
    icd_code     text!      Code without its dot.
    icd_version  smallint!  9 or 10.
    -icd_title   text!      Diagnosis in words.

    optional medrecon: one row per class of each drug that the patient took before coming
    key             none
    references      stay_id -> ed.edstays
    subject_id      bigint!    Patient.
    stay_id         bigint!    Stay in the emergency department.
    charttime       timestamp  When the patient's drugs were asked for and charted.
    name            text       Drug as told.
    gsn             text       Generic sequence number, with leading zeros; 0 where unmapped.
    ndc             text       National drug code; 0 where unmapped.
    etc_rn          smallint   Number of the therapeutic class within the drug: a drug of several classes has as many rows.
    etccode         text       Enhanced therapeutic class, as a code with leading zeros.
    -etcdescription text       Enhanced therapeutic class in words.

    optional pyxis: one row per generic sequence number of each drug taken from the dispensing cabinet
    key         none
    references  stay_id -> ed.edstays
    subject_id  bigint!    Patient.
    stay_id     bigint!    Stay in the emergency department.
    charttime   timestamp  When the drug was taken from the cabinet.
    med_rn      smallint!  Number of the drug within the stay.
    name        text       Drug as the cabinet calls it.
    gsn_rn      smallint!  Number of the generic sequence number within the drug: a drug of several has as many rows.
    gsn         text       Generic sequence number, with leading zeros; 0 where unmapped.
    """,
)

"""The tables of the hospital module on patients, their stays and their laboratory results; providers and laboratory items.

Columns, types, keys and foreign keys follow MIMIC-IV v3.1; warehouse/table.py says how to read the text.
"""

from warehouse.table import tables_of_text

HOSP_TABLES = tables_of_text(
    "hosp",
    """
    source patients: one row per patient
    key                subject_id
    subject_id         bigint!    Patient.
    gender             text!      Sex as registered: F or M.
    anchor_age         smallint   Age in anchor_year; 91 stands for every age over 89.
    anchor_year        smallint!  Year of the patient's shifted time line to which anchor_age belongs.
    anchor_year_group  text!      The three real calendar years within which anchor_year lies.
    dod                date       Date of death; censored one year after the last discharge, so NULL does not mean alive.

    source admissions: one row per hospital admission
    key                   hadm_id
    references            subject_id -> hosp.patients
    subject_id            bigint!     Patient.
    hadm_id               bigint!     Hospital admission.
    admittime             timestamp!  When the patient was admitted.
    dischtime             timestamp   When the patient was discharged, as typed in by administration.
    deathtime             timestamp   When the patient died in hospital.
    admission_type        text!       Urgency and kind of the admission.
    -admit_provider_id    text        Provider who admitted the patient.
    admission_location    text        Where the patient was before.
    discharge_location    text        Where the patient went.
    -insurance            text        Insurance.
    -language             text        Language spoken.
    marital_status        text        Marital status.
    race                  text        Race as registered at this admission; it can differ between admissions.
    edregtime             timestamp   When the patient was registered in the emergency department.
    edouttime             timestamp   When the patient left the emergency department.
    -hospital_expire_flag smallint    1 where the patient died in hospital.

    source transfers: one row per stay in a care unit, and one per discharge
    key          transfer_id
    references   subject_id -> hosp.patients
    subject_id   bigint!    Patient.
    hadm_id      bigint     Hospital admission; NULL for visits to the emergency department alone.
    transfer_id  bigint!    Transfer.
    eventtype    text       ed, admit, transfer or discharge.
    careunit     text       Care unit; NULL at discharge.
    intime       timestamp  When the patient came to the unit.
    -outtime     timestamp  When the patient left the unit; NULL at discharge.

    source services: one row per change of the service that cares for the patient
    key           hadm_id transfertime curr_service
    references    subject_id -> hosp.patients; hadm_id -> hosp.admissions
    subject_id    bigint!     Patient.
    hadm_id       bigint!     Hospital admission.
    transfertime  timestamp!  When the patient came under the service.
    -prev_service text        Service before.
    curr_service  text        Service now.

    source labevents: one row per laboratory result
    key                labevent_id
    references         subject_id -> hosp.patients; itemid -> hosp.d_labitems
    labevent_id        bigint!    Laboratory result.
    subject_id         bigint!    Patient.
    hadm_id            bigint     Hospital admission; NULL for outpatients and for about a quarter of all rows.
    specimen_id        bigint!    Specimen; results of one specimen share it.
    itemid             integer!   What was measured, see d_labitems.
    -order_provider_id text       Provider who ordered it.
    charttime          timestamp  When the specimen was drawn.
    storetime          timestamp  When the result became known.
    value              text       Result as text; ___ where scrubbed.
    valuenum           double     Result as a number.
    valueuom           text       Unit.
    -ref_range_lower   double     Lower limit of normal.
    -ref_range_upper   double     Upper limit of normal.
    -flag              text       abnormal where out of range.
    -priority          text       ROUTINE or STAT.
    -comments          text       Free text beside the result, scrubbed.

    optional microbiologyevents: one row per specimen, test, organism and antibiotic tried against it
    key                  microevent_id
    references           subject_id -> hosp.patients; hadm_id -> hosp.admissions
    microevent_id        bigint!     Row of microbiology: one result.
    subject_id           bigint!     Patient.
    hadm_id              bigint      Hospital admission; NULL for outpatients and for about a third of all rows.
    micro_specimen_id    bigint!     Specimen; all tests, organisms and sensitivities of one specimen share it.
    -order_provider_id   text        Provider who ordered the culture or test.
    chartdate            timestamp!  Day on which the specimen was taken, at midnight; there where charttime is not.
    charttime            timestamp   When the specimen was taken; NULL where only its day is known.
    -spec_itemid         integer!    Kind of specimen, as an item.
    spec_type_desc       text        Kind of specimen in words: URINE, BLOOD CULTURE, SPUTUM.
    test_seq             integer!    Number of the test within the specimen: tells apart several bottles or samples sent together.
    storedate            timestamp   Day on which the last result of the specimen became known, at midnight.
    storetime            timestamp   When the last result of the specimen became known.
    test_itemid          integer     Test, as an item.
    test_name            text        Test in words: URINE CULTURE, GRAM STAIN.
    org_itemid           integer     Organism that grew, as an item; NULL where nothing grew or the test is no culture.
    org_name             text        Organism that grew; CANCELLED where the test was not done.
    isolate_num          smallint    Number of the colony within the culture: one organism can grow as several isolates.
    -quantity            text        How much grew; hardly ever filled.
    -ab_itemid           integer     Antibiotic that the organism was tried against, as an item.
    ab_name              text        Antibiotic that the organism was tried against.
    dilution_text        text        Minimum inhibitory concentration as reported, with its comparison: <=0.25.
    -dilution_comparison text        Comparison that stands before the dilution, padded with blanks: <=, = or =>.
    dilution_value       double      Dilution as a number.
    interpretation       text        Sensitivity of the organism: S sensitive, I intermediate, R resistant, P pending.
    comments             text        Free text of the laboratory: NO GROWTH, result of a stain; ___ where scrubbed.

    table provider: one row per provider of care
    key          none
    provider_id  text!  Provider: the person who ordered, admitted or entered, under a made-up code.

    source d_labitems: one row per laboratory item
    key       itemid
    itemid    integer!  Item.
    label     text      What is measured.
    fluid     text      In which fluid.
    category  text      Kind of test.
    """,
)

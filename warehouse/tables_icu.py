"""The tables of intensive care.

Columns, types, keys and foreign keys follow MIMIC-IV v3.1; warehouse/table.py says how to read the text.
"""

from warehouse.table import tables_of_text

ICU_TABLES = tables_of_text(
    "icu",
    """
    source icustays: one row per stay in intensive care
    key             stay_id
    references      subject_id -> hosp.patients; hadm_id -> hosp.admissions
    subject_id      bigint!    Patient.
    hadm_id         bigint!    Hospital admission.
    stay_id         bigint!    ICU stay.
    first_careunit  text       Unit at the start of the stay.
    last_careunit   text       Unit at the end of the stay.
    intime          timestamp  When the stay began.
    outtime         timestamp  When the stay ended.
    -los            double     Length of the stay in days.

    optional chartevents: one row per value charted at the bedside in intensive care
    key           none
    references    subject_id -> hosp.patients; hadm_id -> hosp.admissions; stay_id -> icu.icustays; itemid -> icu.d_items
    subject_id    bigint!     Patient.
    hadm_id       bigint!     Hospital admission.
    stay_id       bigint!     ICU stay.
    -caregiver_id bigint      Caregiver who charted it.
    charttime     timestamp!  When it was observed.
    storetime     timestamp   When it was entered or validated by hand.
    itemid        integer!    What was charted, see d_items.
    value         text        What was charted, as text: a number or a choice from a list.
    valuenum      double      What was charted, as a number.
    valueuom      text        Unit.
    -warning      smallint    1 where the caregiver marked the value as one to be warned of.

    table datetimeevents: one row per date or time charted in intensive care
    key           stay_id itemid charttime
    references    subject_id -> hosp.patients; hadm_id -> hosp.admissions; stay_id -> icu.icustays; itemid -> icu.d_items
    subject_id    bigint!     Patient.
    hadm_id       bigint!     Hospital admission.
    stay_id       bigint!     ICU stay.
    caregiver_id  bigint      Caregiver who charted it.
    charttime     timestamp!  When it was charted.
    storetime     timestamp   When it was entered or validated by hand; may lie before charttime.
    itemid        integer!    What the date is of, see d_items: insertion of a line, change of a dressing, last dialysis.
    value         timestamp!  The date or time that was charted; midnight where only its day is meant.
    valueuom      text        Date, or Date and Time.
    warning       smallint    1 where the caregiver marked the value as one to be warned of.

    optional inputevents: one row per stretch of one fluid or drug given in intensive care at one rate
    key                            orderid itemid
    references                     subject_id -> hosp.patients; hadm_id -> hosp.admissions; stay_id -> icu.icustays; itemid -> icu.d_items
    subject_id                     bigint!     Patient.
    hadm_id                        bigint!     Hospital admission.
    stay_id                        bigint      ICU stay.
    -caregiver_id                  bigint      Caregiver who charted it.
    starttime                      timestamp!  When the stretch began.
    endtime                        timestamp!  When it ended; a minute after its start for pushes and boluses.
    storetime                      timestamp   When it was entered or validated; may lie before the start.
    itemid                         integer!    Fluid or drug, see d_items.
    amount                         double      Amount given between start and end.
    amountuom                      text        Unit of the amount.
    rate                           double      Rate at which it ran; NULL for pushes, boluses and what is given by mouth.
    rateuom                        text        Unit of the rate, per kilogram for many drugs: mcg/kg/min.
    orderid                        bigint!     Order; the drug and the fluid that carries it share one.
    -linkorderid                   bigint      First order of the infusion: all its stretches, across changes of rate and bag, share it.
    -ordercategoryname             text        Group of the order: 01-Drips, 02-Fluids (Crystalloids), 08-Antibiotics (IV).
    -secondaryordercategoryname    text        Group of the fluid that carries the drug.
    -ordercomponenttypedescription text        Part that the item plays in the order: Main order parameter, Mixed solution, Additives.
    -ordercategorydescription      text        How it is given: Continuous Med, Continuous IV, Drug Push, Bolus, Non Iv Meds.
    patientweight                  double      Weight of the patient in kilograms by which rates per kilogram are reckoned.
    -totalamount                   double      Volume of the whole bag.
    -totalamountuom                text        Unit of totalamount.
    -isopenbag                     smallint    1 where the order runs from an open bag.
    -continueinnextdept            smallint    1 where it goes on after the patient leaves the unit.
    statusdescription              text        How the stretch ended: FinishedRunning, ChangeDose/Rate, Stopped, Paused, Bolus.
    -originalamount                double      Amount in the bag when the stretch began.
    -originalrate                  double      Rate as it was first planned.

    optional ingredientevents: one row per stretch of one ingredient, as water, calories or protein, of what was given in intensive care
    key                none
    subject_id         bigint!     Patient.
    hadm_id            bigint!     Hospital admission.
    stay_id            bigint      ICU stay.
    -caregiver_id      bigint      Caregiver who charted it.
    starttime          timestamp!  When the stretch began.
    endtime            timestamp!  When it ended.
    storetime          timestamp   When it was entered or validated; may lie before the start.
    itemid             integer!    Ingredient, see d_items: Water, Solution, Calories.
    amount             double      Amount given between start and end.
    amountuom          text        Unit of the amount: ml, Kcal, grams.
    -rate              double      Rate at which it ran.
    -rateuom           text        Unit of the rate.
    orderid            bigint!     Order; that of the fluid in inputevents that holds the ingredient.
    -linkorderid       bigint      First order of the infusion: all its stretches share it.
    statusdescription  text        How the stretch ended: FinishedRunning, ChangeDose/Rate, Stopped, Paused, Bolus.
    -originalamount    double      Amount when the stretch began; 0 throughout.
    -originalrate      double      Rate as it was first planned.

    optional outputevents: one row per output measured in intensive care
    key           stay_id charttime itemid
    references    subject_id -> hosp.patients; hadm_id -> hosp.admissions; stay_id -> icu.icustays; itemid -> icu.d_items
    subject_id    bigint!     Patient.
    hadm_id       bigint!     Hospital admission.
    stay_id       bigint!     ICU stay.
    -caregiver_id bigint      Caregiver who charted it.
    charttime     timestamp!  When the output was measured.
    storetime     timestamp!  When it was entered or validated; may lie before charttime.
    itemid        integer!    Which output, see d_items: urine from a Foley catheter, chest tube, stool.
    value         double!     Volume.
    valueuom      text        Unit of the volume: ml.

    optional procedureevents: one row per procedure, line, tube or ventilation in intensive care
    key                       orderid
    references                subject_id -> hosp.patients; hadm_id -> hosp.admissions; stay_id -> icu.icustays; itemid -> icu.d_items
    subject_id                bigint!     Patient.
    hadm_id                   bigint!     Hospital admission.
    stay_id                   bigint!     ICU stay.
    -caregiver_id             bigint      Caregiver who charted it.
    starttime                 timestamp!  When the procedure began, or the line was placed.
    endtime                   timestamp!  When it ended, or the line was taken out.
    storetime                 timestamp!  When it was entered or validated, some to the thousandth of a second.
    itemid                    integer!    Procedure, see d_items: 20 Gauge, Chest X-Ray, Invasive Ventilation.
    -value                    double      How long it lasted, in units of valueuom; 1 for procedures without duration.
    -valueuom                 text        Unit of the value: min, hour, day; None for procedures without duration.
    location                  text        Where on the body: Right IJ, Left Radial.
    -locationcategory         text        Kind of place: Peripheral, Invasive Venous, Invasive Arterial.
    orderid                   bigint      Order.
    -linkorderid              bigint      First order of those that continue one another.
    -ordercategoryname        text        Group of the procedure: Peripheral Lines, Imaging, Ventilation.
    -ordercategorydescription text        Task, which has no duration, or ContinuousProcess.
    -patientweight            double      Weight of the patient in kilograms.
    -isopenbag                smallint    1 or 0, carried along from the form of infusions.
    -continueinnextdept       smallint    1 where it goes on after the patient leaves the unit.
    statusdescription         text        How it ended: FinishedRunning, Stopped, Paused.
    -ORIGINALAMOUNT           double      Duration as first planned, in units of valueuom.
    -ORIGINALRATE             double      1 for procedures with a duration, 0 for those without.

    table caregiver: one row per caregiver who charts in intensive care
    key           none
    caregiver_id  bigint!  Caregiver: the nurse or other staff who entered rows in intensive care.

    source d_items: one row per item charted in intensive care
    key              itemid
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
)

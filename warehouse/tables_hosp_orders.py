"""The tables of the hospital module from an order to the drug given: orders, pharmacy, prescriptions, administrations.

Columns, types, keys and foreign keys follow MIMIC-IV v3.1; warehouse/table.py says how to read the text.
"""

from warehouse.table import tables_of_text

HOSP_ORDER_TABLES = tables_of_text(
    "hosp",
    """
    table poe: one row per order entered by a provider
    key                     poe_id
    references              subject_id -> hosp.patients; hadm_id -> hosp.admissions
    poe_id                  text!       Provider order: subject_id, a hyphen and poe_seq.
    poe_seq                 integer!    Number of the order within the patient, in the order of entry.
    subject_id              bigint!     Patient.
    hadm_id                 bigint      Hospital admission.
    ordertime               timestamp!  When the order was entered.
    order_type              text!       What is ordered: Medications, Lab, Radiology, General Care, Nutrition and so on.
    order_subtype           text        Narrower kind of the order: IV fluids, Diet Order, CT Scan.
    transaction_type        text        What the provider did: New, Change, D/C (discontinue), H (hold).
    discontinue_of_poe_id   text        Earlier order that this one stops.
    discontinued_by_poe_id  text        Later order by which this one was stopped.
    order_provider_id       text        Provider who entered the order.
    order_status            text        Whether the order still runs: Active or Inactive.

    table poe_detail: one row per further detail of a provider's order
    key          poe_id field_name
    references   subject_id -> hosp.patients; poe_id -> hosp.poe
    poe_id       text!     Provider order.
    poe_seq      integer!  Number of the order within the patient.
    subject_id   bigint!   Patient.
    field_name   text!     Which detail: Code status, Admit to, Tubes & Drains type, Discharge When.
    field_value  text      Its value: Full code, Medicine, Discharge Now.

    table pharmacy: one row per order as the pharmacy fills it
    key                pharmacy_id
    references         subject_id -> hosp.patients; hadm_id -> hosp.admissions
    subject_id         bigint!     Patient.
    hadm_id            bigint!     Hospital admission.
    pharmacy_id        bigint!     Pharmacy order; prescriptions and administrations share it.
    poe_id             text        Provider order that the pharmacy fills.
    starttime          timestamp   When the order starts.
    stoptime           timestamp   When it stops; may lie before the start.
    medication         text        Drug in free text.
    proc_type          text!       How the pharmacy handles the order: Unit Dose, IV Piggyback, IV Large Volume, TPN.
    status             text        How the order ended: Discontinued, Expired, Inactive, Discontinued via patient discharge.
    entertime          timestamp!  When the order was entered into the pharmacy system.
    verifiedtime       timestamp   When a pharmacist verified the order.
    route              text        Route of administration: IV, PO/NG, SC.
    frequency          text        How often it is given: DAILY, BID, Q8H, ONCE, ASDIR (as directed), PRN.
    disp_sched         text        Hours of the day at which doses are due, comma-separated: 08, 20.
    infusion_type      text        Kind of infusion: C, B, N, R and other short codes.
    sliding_scale      text        Y where the dose follows a sliding scale, as for insulin; N where it does not.
    lockout_interval   text        Least time between two doses, in minutes (patient-controlled analgesia).
    basal_rate         double      Rate that runs without the patient's call (patient-controlled analgesia).
    one_hr_max         text        Most that patient-controlled analgesia gives in an hour.
    doses_per_24_hrs   double      Doses a day; 0 where none is planned, as for infusions.
    duration           double      How long the order lasts, in units of duration_interval.
    duration_interval  text        Unit of duration: Ongoing, Doses, Hours, Days, Weeks.
    expiration_value   integer     How long the made-up drug keeps, in units of expiration_unit.
    expiration_unit    text        Unit of expiration_value: Hours, Days; or Enter on Label.
    expirationdate     timestamp   When the made-up drug expires; hardly ever filled.
    dispensation       text        From where the drug comes: Omnicell (cabinet on the ward), Floor Stock Item, IV MED.
    fill_quantity      text        How much of it the pharmacy fills; hardly ever filled.

    source prescriptions: one row per drug of a prescription
    key                pharmacy_id drug_type drug
    references         subject_id -> hosp.patients; hadm_id -> hosp.admissions
    subject_id         bigint!    Patient.
    hadm_id            bigint!    Hospital admission.
    pharmacy_id        bigint!    Pharmacy order.
    -poe_id            text       Provider order.
    -poe_seq           integer    Number of the provider order within the patient.
    -order_provider_id text       Provider who ordered it.
    starttime          timestamp  When the prescription starts.
    -stoptime          timestamp  When it stops; may lie before the start.
    drug_type          text!      MAIN, BASE or ADDITIVE.
    drug               text!      Drug in free text.
    -formulary_drug_cd text       Code in the hospital's formulary.
    -gsn               text       Generic sequence numbers, blank-separated, with leading zeros.
    -ndc               text       National drug code, 11 digits with leading zeros; 0 where unmapped.
    -prod_strength     text       Strength of the product.
    -form_rx           text       Form prescribed.
    dose_val_rx        text       Dose prescribed; may be a range.
    dose_unit_rx       text       Unit of the dose.
    -form_val_disp     text       Amount of the product dispensed.
    -form_unit_disp    text       Unit of the amount dispensed.
    -doses_per_24_hrs  double     Doses a day.
    -route             text       Route of administration.

    source emar: one row per entry of the electronic medication administration record
    key                emar_id
    references         subject_id -> hosp.patients; hadm_id -> hosp.admissions
    subject_id         bigint!     Patient.
    hadm_id            bigint      Hospital admission.
    emar_id            text!       Entry.
    emar_seq           integer!    Number of the entry within the patient.
    -poe_id            text!       Provider order.
    -pharmacy_id       bigint      Pharmacy order.
    -enter_provider_id text        Provider who made the entry.
    charttime          timestamp!  When the drug was given.
    medication         text        Drug in free text.
    event_txt          text        What was done: Administered, Not Given, Flushed and so on.
    -scheduletime      timestamp   When it was due.
    storetime          timestamp!  When the entry was made.

    optional emar_detail: one row per product of an administration, and one without ordinal for the administration as a whole
    key                                   none
    references                            subject_id -> hosp.patients; emar_id -> hosp.emar
    subject_id                            bigint!   Patient.
    emar_id                               text!     Entry of the administration record that this is a detail of.
    emar_seq                              integer!  Number of the entry within the patient.
    parent_field_ordinal                  text      Number of the product within the entry, as 1.1 or 1.10; NULL for the whole entry.
    -administration_type                  text      Kind of administration: IV Infusion, IV Flush, Transdermal Patch and so on.
    -pharmacy_id                          bigint    Pharmacy order.
    -barcode_type                         text      Kind of bar code that was scanned: if for unit doses, iv, bc, tpn and so on.
    -reason_for_no_barcode                text      Why no bar code was scanned.
    -complete_dose_not_given              text      Yes where less than the dose due was given.
    -dose_due                             text      Dose that was due; may be a range.
    -dose_due_unit                        text      Unit of the dose due.
    dose_given                            text      Dose that was given; may be a range, ___ where scrubbed.
    dose_given_unit                       text      Unit of the dose given.
    -will_remainder_of_dose_be_given      text      Whether the rest of a dose given in part will follow.
    -product_amount_given                 text      How much of this product was given, in units of product_unit.
    -product_unit                         text      Unit of the product: TAB, mL, SYR.
    -product_code                         text      Code of the product in the hospital's formulary.
    product_description                   text      Product in words.
    -product_description_other            text      Product in words where it has no bar code of its own.
    -prior_infusion_rate                  text      Rate before a change of rate.
    -infusion_rate                        text      Rate at which the infusion runs.
    -infusion_rate_adjustment             text      What was done to the rate: Initial Rate, No Change in Rate, Increase.
    -infusion_rate_adjustment_amount      text      By how much the rate was changed, or to what.
    -infusion_rate_unit                   text      Unit of the infusion rate.
    -route                                text      Route by which it was in fact given.
    -infusion_complete                    text      Y where the infusion is complete.
    -completion_interval                  text      Within what time the infusion is to be complete: within 2 hours.
    -new_iv_bag_hung                      text      Y where a new bag was hung.
    -continued_infusion_in_other_location text      Y where the infusion goes on at another place of care.
    -restart_interval                     text      After what time the infusion is to start again.
    -side                                 text      Side of the body at which it was given: Left, Right, Center.
    -site                                 text      Part of the body at which it was given: arm, hip, back.
    -non_formulary_visual_verification    text      Y where a drug outside the formulary was checked by eye.
    """,
)

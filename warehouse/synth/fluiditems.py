"""The items of d_items for what goes in and comes out in intensive care: fluids, drugs, ingredients, outputs, procedures.

In: blocks of text, grouped by table, category, unit and kind. Out: `FLUID_ITEMS`, and `ITEM`, an item's id by its label. Ids and
labels are those of MIMIC-IV. Two items may share a label; `ITEM` then has the commoner, which stands first.
"""

from dataclasses import dataclass

import numpy as np

# A line that ends in a colon is a heading: table|category|unit|kind of value. Below it `id label`, or `id label = abbreviation`.
_ITEMS = """
inputevents|Fluids/Intake|mL|Solution:
225158 NaCl 0.9%; 220949 Dextrose 5%; 225943 Solution; 225828 LR; 226089 Piggyback; 225944 Sterile Water; 225159 NaCl 0.45%
225823 D5 1/2NS; 225825 D5NS; 225827 D5LR; 220952 Dextrose 50%; 226452 PO Intake; 225799 Gastric Meds; 226453 GT Flush
225797 Free Water; 226361 Pre-Admission/Non-ICU Intake; 226363 Cath Lab Intake; 226364 OR Crystalloid Intake
226375 PACU Crystalloid Intake; 227533 Sodium Bicarbonate 8.4% (Amp); 225830 Multivitamins
inputevents|Blood Products/Colloids|mL|Solution:
225168 Packed Red Blood Cells = PRBC's; 225170 Platelets; 220970 Fresh Frozen Plasma = FFP; 225171 Cryoprecipitate
220862 Albumin 25%; 220864 Albumin 5%; 226365 OR Colloid Intake; 226367 OR FFP Intake; 226368 OR Packed RBC Intake
226369 OR Platelet Intake; 226370 OR Autologous Blood Intake; 226372 OR Cell Saver Intake
inputevents|Medications|mg|Solution:
221906 Norepinephrine; 221749 Phenylephrine; 222168 Propofol; 221744 Fentanyl; 225942 Fentanyl (Concentrate)
221668 Midazolam (Versed); 221833 Hydromorphone (Dilaudid); 225154 Morphine Sulfate; 221794 Furosemide (Lasix)
228340 Furosemide (Lasix) 250/50; 228315 Acetaminophen-IV; 222056 Nitroglycerin; 222042 Nicardipine; 221385 Lorazepam (Ativan)
225974 Metoprolol; 228339 Amiodarone 600/500; 221347 Amiodarone; 229654 Amiodarone 450/250; 221653 Dobutamine; 221662 Dopamine
221986 Milrinone; 221289 Epinephrine; 221468 Diltiazem; 221429 Esmolol; 228316 Levetiracetam (Keppra); 221828 Hydralazine
221824 Haloperidol (Haldol); 225153 Labetalol; 225155 Octreotide; 229072 Ketorolac (Toradol); 229069 Digoxin (Lanoxin)
227689 Dilantin; 227690 Fosphenytoin; 227535 Vitamin K (Phytonadione); 225832 Folic Acid; 225833 Thiamine; 225945 Lidocaine
225973 Meperidine (Demerol); 227520 Methadone Hydrochloride; 221623 Diazepam (Valium); 229639 Bumetanide (Bumex)
229233 Rocuronium; 221319 Alteplase (TPA); 221393 Atropine; 229068 Protamine sulfate; 229070 Glycopyrolate (Robinul)
229071 Neostigmine (Prostigmin)
inputevents|Medications|dose|Solution:
225975 Heparin Sodium (Prophylaxis); 225907 Famotidine (Pepcid); 225910 Pantoprazole (Protonix)
225911 Ranitidine (Prophylaxis); 225909 Lansoprazole (Prevacid); 225906 Enoxaparin (Lovenox); 225913 Coumadin (Warfarin)
227694 Omeprazole (Prilosec); 229615 Esomeprazole (Nexium); 229616 Ondansetron (Zofran)
inputevents|Medications|units|Solution:
223258 Insulin - Regular; 223262 Insulin - Humalog; 223260 Insulin - Glargine; 223259 Insulin - NPH; 222315 Vasopressin
225152 Heparin Sodium
inputevents|Medications|mcg|Solution:
225150 Dexmedetomidine (Precedex); 229420 Dexmedetomidine (Precedex)
inputevents|Medications|mEq|Solution:
225166 Potassium Chloride = Potassium Chloride - KCL; 220995 Sodium Bicarbonate 8.4%
inputevents|Medications|mEq.|Solution:
227536 KCl (CRRT)
inputevents|Medications|mmol|Solution:
225834 K Phos; 225835 Na Phos; 227526 Citrate
inputevents|Medications|grams|Solution:
221456 Calcium Gluconate; 222011 Magnesium Sulfate; 227525 Calcium Gluconate (CRRT); 227531 Mannitol
229058 Aminocaproic acid (Amicar); 227524 Magnesium Sulfate (OB-GYN)
inputevents|Medications|mL|Solution:
227522 KCL (Bolus); 227523 Magnesium Sulfate (Bolus); 227529 ACD-A Citrate (1000ml)
inputevents|Antibiotics|dose|Solution:
225798 Vancomycin; 225884 Metronidazole; 225851 Cefepime; 225893 Piperacillin/Tazobactam (Zosyn); 225850 Cefazolin
225883 Meropenem; 225855 Ceftriaxone; 225842 Ampicillin; 225892 Piperacillin; 225859 Ciprofloxacin; 225853 Ceftazidime
225879 Levofloxacin; 225866 Erythromycin; 225885 Micafungin; 225843 Ampicillin/Sulbactam (Unasyn); 225845 Azithromycin
225905 Voriconazole; 225869 Fluconazole; 225837 Acyclovir; 225899 Bactrim (SMX/TMP); 225902 Tobramycin; 225865 Doxycycline
225860 Clindamycin; 225847 Aztreonam
inputevents|Nutrition - Enteral|mL|Solution:
229295 Glucerna 1.5 (Full); 228351 Nepro (Full); 229011 Jevity 1.5 (Full); 229013 Glucerna 1.2 (Full); 229010 Jevity 1.2 (Full)
229296 Vital High Protein (Full); 228383 Peptamen Bariatric (Full); 225936 Replete with Fiber (Full)
229014 Promote with Fiber (Full); 225930 Peptamen 1.5 (Full); 229297 Osmolite 1.5 (Full); 225934 Vivonex (Full)
228135 Isosource 1.5 (Full); 227979 Boost Glucose Control (Full); 229012 Vital 1.5 (Full)
inputevents|Nutrition - Enteral|grams|Solution:
225970 Beneprotein
inputevents|Nutrition - Parenteral|mL|Solution:
225917 TPN without Lipids; 225916 TPN w/ Lipids; 225920 Peripheral Parenteral Nutrition
inputevents|Nutrition - Parenteral|grams|Solution:
225947 Dextrose PN; 225948 Amino Acids; 225969 Lipids (additive)
ingredientevents|Ingredients|mL|Ingredient:
220490 Water = H2O; 227074 IVF ingredient; 227075 Oral/Gastric Ingredient; 226221 Enteral Nutrition Ingredient
226509 Blood Ingredient; 226366 OR Intake_ingr; 226374 PACU Intake_ingr; 227079 Parenteral Nutrition Ingredient
ingredientevents|Ingredients|Kcal|Ingredient:
226060 Calories
ingredientevents|Ingredients|grams|Ingredient:
220454 Protein
ingredientevents|Ingredients - general (Not In Use)|mg|Ingredient:
220363 Calcium (ingr) = Ca (ingr); 220364 Carbohydrates = Carb's; 220395 Glucose (ingr)
ingredientevents|Ingredients - general (Not In Use)|kJ|Ingredient:
220413 Kilojoule = KJ
ingredientevents|Ingredients - general (Not In Use)|Kcal|Ingredient:
220412 Kilogram calory = Kcal
outputevents|Output|mL|Numeric:
226559 Foley; 226560 Void; 226561 Condom Cath; 226567 Straight Cath; 226563 Suprapubic; 226584 Ileoconduit; 226565 L Nephrostomy
226564 R Nephrostomy; 226588 Chest Tube #1; 226589 Chest Tube #2; 226590 L Pleural #1; 226592 Mediastinal; 227510 TF Residual
227511 TF Residual Output; 226576 Oral Gastric; 226575 Nasogastric; 226573 Gastric Tube; 226571 Emesis; 226570 Blakemore
226579 Stool; 226580 Fecal Bag; 226583 Rectal Tube; 226582 Ostomy (output); 226626 OR EBL; 226627 OR Urine; 226628 PACU Drains
226631 PACU Urine; 226632 Cath Lab; 226633 Pre-Admission; 227488 GU Irrigant Volume In; 227489 GU Irrigant/Urine Volume Out
outputevents|Drains|mL|Numeric:
226599 Jackson Pratt #1; 226600 Jackson Pratt #2; 226601 Jackson Pratt #3; 226602 Jackson Pratt #4; 226604 Hemovac #1
226606 Cerebral Ventricular #1; 226607 Cerebral Ventricular #2; 226612 Pericardial; 226613 Wound Vac #1; 226619 Pigtail #1
226625 Tap; 227701 Drainage Bag
procedureevents|1-Intubation/Extubation|None|Processes:
224385 Intubation; 227194 Extubation; 225468 Unplanned Extubation (patient-initiated)
procedureevents|2-Ventilation|None|Processes:
225792 Invasive Ventilation; 225794 Non-invasive Ventilation
procedureevents|3-Significant Events|None|Processes:
225469 OR Received; 225470 OR Sent; 225464 Cardioversion/Defibrillation
225821 Unplanned Line/Catheter Removal (Patient Initiated) = Unplanned Line/Catheter Removal (Patient Initiated
procedureevents|4-Procedures|None|Processes:
225402 EKG; 225441 Hemodialysis; 225400 Bronchoscopy; 227712 Chest Tube Removed; 225433 Chest Tube Placed; 225439 Endoscopy
221223 EEG; 225445 Paracentesis; 225479 Thoracentesis; 225450 Radiation Therapy; 227551 Plasma Pheresis.; 225430 Cardiac Cath
226236 Temporary Pacemaker Wires Discontinued = Temp Pacemaker Wires Discontinued; 226475 Intraventricular Drain Inserted
225429 Blakemore / MinnesotaTube Inserted; 227550 ERCP (Travel to); 227713 Epidural Placement; 227714 Pericardial Drain Removed
229380 Nursing Water Swallow Screening; 229580 Line Placement at Bedside; 229586 VAC Change
procedureevents|5-Imaging|None|Processes:
225459 Chest X-Ray; 221214 CT scan; 225432 Transthoracic Echo; 221217 Ultrasound; 221216 X-ray; 229581 Portable Chest X-Ray
223253 Magnetic Resonance Imaging = MRI; 225462 Interventional Radiology; 225457 Abdominal X-Ray; 225427 Angiography
221255 Trans Esophageal Echo = TEE; 228715 Transcranial Doppler = Trascranial Doppler
procedureevents|6-Cultures|None|Processes:
225401 Blood Cultured; 225454 Urine Culture; 225966 Nasal Swab; 225451 Sputum Culture; 225444 Pan Culture; 225814 Stool Culture
225816 Wound Culture; 225817 BAL Fluid Culture; 225967 Rectal Swab
procedureevents|7-Communication|None|Processes:
228129 Family updated by RN; 228128 Family updated by MD; 228125 Family meeting held; 228127 Family met with Social Worker
228130 NEOB notified
procedureevents|Access Lines - Invasive|None|Processes:
225752 Arterial Line; 224263 Multi Lumen; 224264 PICC Line; 224267 Cordis/Introducer; 224560 PA Catheter; 224270 Dialysis Catheter
224268 Trauma line; 224269 CCO PAC; 225204 Midline; 225202 Indwelling Port (PortaCath); 229532 Indwelling Port; 229526 MAC
225789 Sheath (Venous); 224272 IABP line; 226124 ICP Catheter = ICP/Neuro Mon Catheter; 227719 AVA; 225203 Pheresis Catheter
228286 Intraosseous Device = IO Device
procedureevents|Access Lines - Peripheral|None|Processes:
224275 20 Gauge; 224277 18 Gauge; 224274 22 Gauge; 224276 16 Gauge; 224566 14 Gauge
procedureevents|Dialysis|None|Processes:
225802 Dialysis - CRRT; 225436 CRRT Filter Change
procedureevents|GI/GU|None|Processes:
229351 Foley Catheter = Indwelling Urinary Catheter
"""


@dataclass(frozen=True)
class FluidItem:
    """One row of d_items; none of these items has normal limits."""

    itemid: int
    label: str
    abbreviation: str
    linksto: str
    category: str
    unit: str
    param_type: str
    low: float = np.nan
    high: float = np.nan


def _parse(text: str) -> tuple[FluidItem, ...]:
    found, heading = [], ("", "", "", "")
    for line in text.strip().splitlines():
        if line.endswith(":"):
            heading = tuple(line[:-1].split("|"))
            continue
        for entry in line.split("; "):
            number, name = entry.split(" ", 1)
            label, _, short = name.partition(" = ")
            found.append(FluidItem(int(number), label, short or label, *heading))
    return tuple(found)


FLUID_ITEMS: tuple[FluidItem, ...] = _parse(_ITEMS)
# The first item of a label wins.
ITEM: dict[str, int] = {item.label: item.itemid for item in reversed(FLUID_ITEMS)}

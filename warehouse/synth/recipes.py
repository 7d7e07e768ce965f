"""How fluids and drugs are given in intensive care: what is mixed with what, why, how often, how fast, and of what it consists.

In: blocks of text. Out: `RECIPES` and, a row a recipe, the arrays that infusions.py and intake.py index by recipe. Doses and
concentrations are the usual ones; which treatment runs when is decided by the hidden course (infusions.py finds the spans).
An unknown label or drug raises KeyError on import.
"""

from dataclasses import dataclass

from warehouse.synth.fluiditems import ITEM

# group|ordercategoryname|secondaryordercategoryname|ordercategorydescription
_GROUPS = """
drip|01-Drips|02-Fluids (Crystalloids)|Continuous Med
fluid|02-Fluids (Crystalloids)|Additive (Crystalloid)|Continuous IV
additive|02-Fluids (Crystalloids)|Additive (Crystalloid)|Continuous IV
bolus|03-IV Fluid Bolus||Bolus
colloid|04-Fluids (Colloids)||Continuous IV
push|05-Med Bolus||Drug Push
insulin|06-Insulin (Non IV)||Drug Push
blood|07-Blood Products||Continuous IV
antibiotic|08-Antibiotics (IV)|02-Fluids (Crystalloids)|Drug Push
by mouth|09-Antibiotics (Non IV)||Non Iv Meds
stomach|10-Prophylaxis (IV)|02-Fluids (Crystalloids)|Drug Push
prophylaxis|11-Prophylaxis (Non IV)||Drug Push
parenteral|12-Parenteral Nutrition|Additives (PN)|Continuous IV
enteral|13-Enteral Nutrition|Additives (EN)|Continuous IV
oral|14-Oral/Gastric Intake||Bolus
before|16-Pre Admission/Non-ICU||Bolus
"""
# Spans in which a recipe is given: `r drug` while that rule of treatments.py is on, `o drug` while it is ordered, `d device`
# while it is in place, `low latent cut`/`high ...` after such a result, `stay` all the time, `eats` off the ventilator,
# `start flag` once, on arrival, of episodes with that flag (`start -`: of the others).
# A stay takes the recipe for a span where its own number from 0 to 1 falls between the two limits.
# group|item|unit|carrier, drug per mL, mL of a bag (~: the item itself in mL)|span|from to|changes of dose a day|
#   usual rate, its spread, its slope on severity, its least step|unit of the rate
_RUNNING = """
drip|Norepinephrine|mg|NaCl 0.9%, .032, 250|r norepinephrine|0 .8|5|.1 .5 .7 .01|mcg/kg/min
drip|Norepinephrine|mg|Dextrose 5%, .032, 250|r norepinephrine|.8 1|5|.1 .5 .7 .01|mcg/kg/min
drip|Epinephrine|mg|Dextrose 5%, .032, 250|r norepinephrine|.45 .47|6|.035 .5 .4 .01|mcg/kg/min
drip|Vasopressin|units|Dextrose 5%, .4, 100|r vasopressin|0 1|1.5|2.4 .1 0 .6|units/hour
drip|Phenylephrine|mg|Dextrose 5%, .24, 250|r phenylephrine|0 .3|7|.9 .5 .5 .1|mcg/kg/min
drip|Phenylephrine|mg|NaCl 0.9%, .24, 250|r phenylephrine|.3 .35|7|.9 .5 .5 .1|mcg/kg/min
drip|Propofol|mg|Solution, 10, 100|r propofol|0 .34|3.5|27 .4 .25 5|mcg/kg/min
drip|Fentanyl (Concentrate)|mg|Solution, .05, 50|r fentanyl|0 .18|4|80 .5 .3 25|mcg/hour
drip|Midazolam (Versed)|mg|NaCl 0.9%, 1, 100|r midazolam|0 .5|4|2.1 .6 .3 .5|mg/hour
drip|Dexmedetomidine (Precedex)|mcg|NaCl 0.9%, 4, 50|r dexmedetomidine|0 .12|5|.7 .4 .2 .1|mcg/kg/hour
drip|Insulin - Regular|units|NaCl 0.9%, 1, 100|r insulin|0 .1|12|3.2 .5 .1 .5|units/hour
drip|Heparin Sodium|units|Dextrose 5%, 100, 250|r heparin|0 1|4|950 .3 0 50|units/hour
drip|Heparin Sodium|units|Dextrose 5%, 100, 250|o heparin|0 .06|3|950 .3 0 50|units/hour
drip|Amiodarone 600/500|mg|Dextrose 5%, 1.2, 500|r amiodarone|0 .7|2|.6 .25 0 .5|mg/min
drip|Nitroglycerin|mg|Dextrose 5%, .4, 250|o nitroglycerin|0 .18|5|1 .5 -.2 .25|mcg/kg/min
drip|Nicardipine|mg|NaCl 0.9%, .2, 200|o nicardipine|0 .8|8|1 .5 .1 .25|mcg/kg/min
drip|Esmolol|mg|NaCl 0.9%, 10, 100|o esmolol|0 1|8|50 .5 .1 25|mcg/kg/min
drip|Diltiazem|mg|Dextrose 5%, 1, 125|o diltiazem|0 .12|4|10 .35 .1 2.5|mg/hour
drip|Dobutamine|mg|Dextrose 5%, 2, 250|o dobutamine|0 1|3|3.4 .4 .3 .5|mcg/kg/min
drip|Dopamine|mg|Dextrose 5%, 1.6, 250|o dopamine|0 .6|4|3 .4 .3 .5|mcg/kg/min
drip|Milrinone|mg|Dextrose 5%, .2, 100|o milrinone|0 1|2|.25 .3 .2 .05|mcg/kg/min
drip|Furosemide (Lasix) 250/50|mg|Dextrose 5%, 5, 50|r furosemide|0 .02|3|14 .5 .1 2|mg/hour
drip|Furosemide (Lasix)|mg|NaCl 0.9%, 1, 100|r furosemide|.02 .04|3|5 .5 .1 1|mg/hour
drip|Octreotide|mcg|NaCl 0.9%, 5, 100|o octreotide|0 .8|.7|50 .05 0 25|mcg/hour
drip|Pantoprazole (Protonix)|mg|NaCl 0.9%, .8, 100|o pantoprazole|0 .07|.5|8 .05 0 1|mg/hour
drip|Morphine Sulfate|mg|Dextrose 5%, 1, 100|o morphine|0 .02|3|4 .5 .2 1|mg/hour
drip|KCl (CRRT)|mEq.|Sterile Water, .2, 50|d dialysis|0 .2|3|2.4 .35 0 .1|mEq./hour
drip|Calcium Gluconate (CRRT)|grams|Dextrose 5%, .04, 500|d dialysis|0 .3|2|1.6 .3 0 .2|grams/hour
additive|Citrate|mmol|ACD-A Citrate (1000ml), .113, 1000|d dialysis|0 .3|.3|180 .03 0 10|mL/hour
additive|Sodium Bicarbonate 8.4%|mEq|Dextrose 5%, .15, 1000|r sodium bicarbonate|.45 .85|.5|150 .3 .1 25|mL/hour
additive|Potassium Chloride|mEq|NaCl 0.9%, .02, 1000|r potassium chloride|.97 1|.5|75 .4 0 25|mL/hour
additive|Folic Acid|mg|NaCl 0.9%, .001, 1000|o folic acid|0 .12|0|100 .2 0 25|mL/hour
additive|Thiamine|mg|NaCl 0.9%, .1, 1000|o thiamine|.12 .24|0|100 .2 0 25|mL/hour
fluid|NaCl 0.9%|mL|~|r sodium chloride|0 .3|.8|60 .6 .2 25|mL/hour
fluid|LR|mL|~|r lactated ringers|0 .22|.8|90 .5 .2 25|mL/hour
fluid|NaCl 0.9%|mL|~|stay|.2 .4|.15|10 .3 0 5|mL/hour
fluid|Dextrose 5%|mL|~|stay|.4 .47|.3|50 .6 0 10|mL/hour
fluid|D5 1/2NS|mL|~|stay|.47 .52|.3|80 .4 0 5|mL/hour
fluid|D5NS|mL|~|stay|.52 .54|.3|80 .4 0 5|mL/hour
fluid|NaCl 0.45%|mL|~|stay|.54 .56|.3|75 .4 0 5|mL/hour
parenteral|TPN w/ Lipids|mL|~, 1, 1500|stay|.9 .915|.1|70 .2 0 1|mL/hour
parenteral|TPN without Lipids|mL|~, 1, 1500|stay|.915 .935|.1|60 .2 0 1|mL/hour
enteral|Glucerna 1.5 (Full)|mL|~, 1, 500|d gitube|.2 .36|2|42 .35 -.1 5|mL/hour
enteral|Nepro (Full)|mL|~, 1, 1000|d gitube|.36 .48|2|38 .35 -.1 5|mL/hour
enteral|Jevity 1.5 (Full)|mL|~, 1, 1000|d gitube|.48 .59|2|38 .35 -.1 5|mL/hour
enteral|Glucerna 1.2 (Full)|mL|~, 1, 500|d gitube|.59 .67|2|45 .35 -.1 5|mL/hour
enteral|Jevity 1.2 (Full)|mL|~, 1, 1000|d gitube|.67 .75|2|45 .35 -.1 5|mL/hour
enteral|Vital High Protein (Full)|mL|~, 1, 1000|d gitube|.75 .79|2|25 .35 -.1 5|mL/hour
enteral|Peptamen Bariatric (Full)|mL|~, 1, 500|d gitube|.79 .83|2|45 .35 -.1 5|mL/hour
enteral|Replete with Fiber (Full)|mL|~, 1, 250|d gitube|.83 .87|2|40 .35 -.1 5|mL/hour
enteral|Promote with Fiber (Full)|mL|~, 1, 240|d gitube|.87 .9|2|45 .35 -.1 5|mL/hour
enteral|Peptamen 1.5 (Full)|mL|~, 1, 500|d gitube|.9 .93|2|35 .35 -.1 5|mL/hour
enteral|Osmolite 1.5 (Full)|mL|~, 1, 1000|d gitube|.93 .95|2|50 .35 -.1 5|mL/hour
"""
# group|item|unit|carrier, drug per mL|span|from to|times a day|doses (~ and a spread: around the first)|minutes
_REPEATED = """
push|Propofol|mg|~|r propofol|0 .5|1.6|10 10 10 20|1
push|Fentanyl|mcg|~|r fentanyl|0 .8|3|50 25 50 75 100|1
push|Midazolam (Versed)|mg|~|r midazolam|0 1|4|1 .5 1 2|1
push|Furosemide (Lasix)|mg|~|r furosemide|.05 .7|1.2|20 20 40 40 80|1
push|Amiodarone|mg|~|r amiodarone|0 .7|.5|150|1
push|Acetaminophen-IV|mg|~|r acetaminophen|0 .3|1.1|1000 1000 1000 650|1
push|Hydralazine|mg|~|r hydralazine|0 1|.6|10 10 20 5|1
push|Haloperidol (Haldol)|mg|~|r haloperidol|0 1|2.5|5 2.5 5 2|1
push|Levetiracetam (Keppra)|mg|~|r levetiracetam|0 1|2|500 750 1000 1500|1
push|Dextrose 50%|mL|~|r dextrose|0 1|1.6|25 25 50|1
push|Sodium Bicarbonate 8.4% (Amp)|mL|~|r sodium bicarbonate|0 .45|2|50|1
push|Hydromorphone (Dilaudid)|mg|~|o hydromorphone|0 1|2|.5 .25 .5 1|1
push|Morphine Sulfate|mg|~|o morphine|.02 1|2|2 2 4|1
push|Lorazepam (Ativan)|mg|~|o lorazepam|0 1|1.6|1 .5 1 2|1
push|Metoprolol|mg|~|o metoprolol|0 .25|1.2|5 5 2.5 10|1
push|Labetalol|mg|~|o labetalol|0 .4|1.5|10 10 20|1
push|Ketorolac (Toradol)|mg|~|o ketorolac|0 .5|2|15 30|1
push|Digoxin (Lanoxin)|mg|~|o digoxin|0 .5|1|.25 .125|1
push|Dilantin|mg|~|o phenytoin|0 .7|2.5|100|1
push|Diazepam (Valium)|mg|~|o diazepam|0 .3|2|5 10|1
push|Bumetanide (Bumex)|mg|~|o bumetanide|0 .3|1|2 4|1
push|Ondansetron (Zofran)|mg|~|o ondansetron|0 .02|1|4|1
push|Heparin Sodium|units|~|r heparin|0 1|.5|1000 1700 4400|1
push|Insulin - Regular|units|~|r insulin|0 .1|1.2|2 4 10 1|1
push|Methadone Hydrochloride|mg|~|o methadone|0 .1|2|5|1
push|Meperidine (Demerol)|mg|~|start S|0 .08|1|12.5|1
push|Neostigmine (Prostigmin)|mg|~|start S|.1 .14|1|3|1
push|Glycopyrolate (Robinul)|mg|~|start S|.1 .16|1|.45|1
push|Protamine sulfate|mg|~|start C|0 .05|1|50|1
insulin|Insulin - Humalog|units|~|r insulin|.1 .6|2.2|4 2 4 6 8 10|1
insulin|Insulin - Regular|units|~|r insulin|.6 1|2|4 2 4 6 12|1
insulin|Insulin - Glargine|units|~|r insulin|.1 .6|.5|13 10 20 45|1
insulin|Insulin - NPH|units|~|r insulin|.6 .66|1|15 10|1
additive|Potassium Chloride|mEq|KCL (Bolus), .4|r potassium chloride|0 .5|2.6|20|60
additive|Potassium Chloride|mEq|Piggyback, .2|r potassium chloride|.5 .72|2.6|20 10 40|60
additive|Potassium Chloride|mEq|NaCl 0.9%, .1|r potassium chloride|.72 .97|2.6|20 10 40|60
additive|Magnesium Sulfate|grams|Magnesium Sulfate (Bolus), .04|r magnesium sulfate|0 .75|1|2|60
additive|Magnesium Sulfate|grams|Piggyback, .04|r magnesium sulfate|.75 .87|1|2|60
additive|Magnesium Sulfate|grams|NaCl 0.9%, .04|r magnesium sulfate|.87 1|1|2|60
additive|Calcium Gluconate|grams|NaCl 0.9%, .02|r calcium gluconate|0 .58|2.6|2 1 2 4|60
additive|Calcium Gluconate|grams|Piggyback, .02|r calcium gluconate|.58 1|2.6|2 1 2 4|60
additive|K Phos|mmol|Dextrose 5%, .06|r potassium phosphate|0 .65|1.1|15 15 30|357
additive|Na Phos|mmol|NaCl 0.9%, .06|r potassium phosphate|.65 1|1.1|15 15 30|357
additive|Vitamin K (Phytonadione)|mg|Dextrose 5%, .1|r phytonadione|0 1|1|5 10|30
fluid|Piggyback|mL|~|stay|.65 .9|.6|100 50 250 ~ .1|60
fluid|Sterile Water|mL|~|stay|.96 1|.5|50 100|60
bolus|NaCl 0.9%|mL|~|r sodium chloride|0 1|.45|500 500 1000 250|1
bolus|LR|mL|~|r lactated ringers|0 1|.6|500 500 1000|1
colloid|Albumin 25%|mL|~|r albumin|0 .55|2.5|50 100|30
colloid|Albumin 5%|mL|~|r albumin|.55 1|2|500 250|60
colloid|Albumin 5%|mL|~|start C|0 .35|1.5|500 250|45
blood|Packed Red Blood Cells|mL|~|low hgb 2.6|0 1|2.2|350 ~ .08|60
blood|Platelets|mL|~|low plt 2.6|0 1|2|250 ~ .2|60
blood|Fresh Frozen Plasma|mL|~|high inr 4.5|0 .8|2|305 ~ .08|60
blood|Cryoprecipitate|mL|~|low fib 2.2|0 .6|1|110 ~ .15|30
antibiotic|Vancomycin|dose|Dextrose 5%, .005|r vancomycin|0 .92|2|1|1
antibiotic|Meropenem|dose|NaCl 0.9%, .01|r meropenem|0 1|2.9|1|1
antibiotic|Piperacillin/Tazobactam (Zosyn)|dose|Dextrose 5%, .01|r piperacillin-tazobactam|0 1|3.2|1|1
antibiotic|Cefepime|dose|NaCl 0.9%, .02|o cefepime|0 .85|2.2|1|1
antibiotic|Cefepime|dose|Dextrose 5%, .02|o cefepime|.85 1|2.2|1|1
antibiotic|Cefazolin|dose|Dextrose 5%, .02|o cefazolin|0 1|2.6|1|1
antibiotic|Ceftriaxone|dose|Dextrose 5%, .02|o ceftriaxone|0 1|1|1|1
antibiotic|Metronidazole|dose|NaCl 0.9%, .01|o metronidazole|0 .57|2.8|1|1
antibiotic|Metronidazole|dose|Dextrose 5%, .01|o metronidazole|.57 1|2.8|1|1
antibiotic|Ciprofloxacin|dose|Dextrose 5%, .005|o ciprofloxacin|0 .7|2|1|1
antibiotic|Levofloxacin|dose|Dextrose 5%, .00667|o levofloxacin|0 .7|1|1|1
antibiotic|Ampicillin|dose|Dextrose 5%, .01|o ampicillin|0 1|4|1|1
antibiotic|Ampicillin/Sulbactam (Unasyn)|dose|NaCl 0.9%, .01|o ampicillin-sulbactam|0 1|3.5|1|1
antibiotic|Azithromycin|dose|NaCl 0.9%, .004|o azithromycin|0 .7|1|1|1
antibiotic|Ceftazidime|dose|Dextrose 5%, .01|o ceftazidime|0 1|2.5|1|1
antibiotic|Erythromycin|dose|NaCl 0.9%, .01|o erythromycin|0 1|3|1|1
antibiotic|Micafungin|dose|NaCl 0.9%, .01|o micafungin|0 1|1|1|1
antibiotic|Fluconazole|dose|NaCl 0.9%, .005|o fluconazole|0 .4|1|1|1
antibiotic|Acyclovir|dose|Dextrose 5%, .01|o acyclovir|0 .3|3|1|1
antibiotic|Voriconazole|dose|Dextrose 5%, .01|o voriconazole|0 .5|2|1|1
antibiotic|Bactrim (SMX/TMP)|dose|Dextrose 5%, .002|o sulfamethoxazole-trimethoprim|0 .1|3|1|1
antibiotic|Tobramycin|dose|Dextrose 5%, .01|o tobramycin|0 1|1|1|1
antibiotic|Doxycycline|dose|Dextrose 5%, .01|o doxycycline|0 .4|2|1|1
antibiotic|Clindamycin|dose|Dextrose 5%, .02|o clindamycin|0 .7|3|1|1
antibiotic|Aztreonam|dose|Dextrose 5%, .02|o aztreonam|0 1|3|1|1
by mouth|Vancomycin|dose|~|r vancomycin|.92 1|3|1|1
by mouth|Metronidazole|dose|~|r vancomycin|.95 .97|2.5|1|1
stomach|Famotidine (Pepcid)|dose|Solution, .02|o famotidine|0 1|1.8|1|1
stomach|Pantoprazole (Protonix)|dose|Solution, .1|o pantoprazole|.07 .6|1|1|1
prophylaxis|Heparin Sodium (Prophylaxis)|dose|~|o heparin|.06 .75|1.8|1|1
prophylaxis|Enoxaparin (Lovenox)|dose|~|o enoxaparin|0 .5|1|1|1
prophylaxis|Coumadin (Warfarin)|dose|~|r warfarin|0 .6|.7|1|1
prophylaxis|Ranitidine (Prophylaxis)|dose|~|o ranitidine|0 .8|1.5|1|1
prophylaxis|Lansoprazole (Prevacid)|dose|~|o lansoprazole|0 .7|1|1|1
prophylaxis|Omeprazole (Prilosec)|dose|~|o omeprazole|0 .5|1|1|1
oral|PO Intake|mL|~|eats|0 .75|2.1|120 60 150 200 240 360 ~ .1|1
oral|Gastric Meds|mL|~|d gitube|0 .75|3|30 20 40 60 60 120|1
oral|GT Flush|mL|~|d gitube|.15 .85|2.8|30 20 30 60 150|1
oral|Free Water|mL|~|d gitube|.5 .75|1.8|100 50 100 200|1
before|OR Crystalloid Intake|mL|~|start S|0 .8|1|2200 1000 1500 3000 4000 ~ .3|1
before|OR Colloid Intake|mL|~|start S|0 .08|1|500 750 1000|1
before|OR Packed RBC Intake|mL|~|start S|0 .1|1|350 700 ~ .2|1
before|OR FFP Intake|mL|~|start S|0 .02|1|500 ~ .2|1
before|OR Platelet Intake|mL|~|start S|0 .02|1|240 ~ .2|1
before|PACU Crystalloid Intake|mL|~|start S|.8 .88|1|1000 1250 500|1
before|OR Cell Saver Intake|mL|~|start C|0 .5|1|500 250 750 ~ .2|1
before|OR Autologous Blood Intake|mL|~|start C|.5 .53|1|450|1
before|Pre-Admission/Non-ICU Intake|mL|~|start -|0 .22|1|1000 500 2000 3000 ~ .4|1
before|Cath Lab Intake|mL|~|start -|.22 .25|1|330 ~ .5|1
"""
# Some doses of these are written in milligrams or grams: item|unit|dose
_IN_MASS = """
Vancomycin|mg|750
Azithromycin|mg|500
Cefazolin|grams|2
Cefepime|grams|2
Ceftazidime|grams|1
Ceftriaxone|grams|2
Ciprofloxacin|mg|400
Erythromycin|mg|250
Levofloxacin|mg|750
Metronidazole|mg|500
Famotidine (Pepcid)|mg|20
Pantoprazole (Protonix)|mg|40
Coumadin (Warfarin)|mg|2.5
Dexmedetomidine (Precedex)|mg|nan
"""
# Kilocalories and grams of protein in a mL.
_CALORIES = """
Dextrose 5%|.17
D5 1/2NS|.17
D5NS|.17
Glucerna 1.5 (Full)|1.5 .083
Nepro (Full)|1.8 .081
Jevity 1.5 (Full)|1.5 .064
Glucerna 1.2 (Full)|1.2 .06
Jevity 1.2 (Full)|1.2 .056
Vital High Protein (Full)|1 .0875
Peptamen Bariatric (Full)|1 .093
Replete with Fiber (Full)|1 .062
Promote with Fiber (Full)|1 .063
Peptamen 1.5 (Full)|1.5 .068
Osmolite 1.5 (Full)|1.5 .063
"""


@dataclass(frozen=True)
class Group:
    """One way of giving, as inputevents names it."""

    name: str
    category: str
    secondary: str
    description: str


@dataclass(frozen=True)
class Recipe:
    """One thing given in one way; `carrier` is -1 where there is none, `changes` and `bag` are 0 for repeated doses."""

    group: int
    item: int
    unit: str
    carrier: int
    strength: float
    bag: float
    span: str
    limits: tuple[float, float]
    often: float
    doses: tuple[float, ...]
    spread: float
    slope: float
    step: float
    minutes: int
    rate_unit: str
    ingredients: tuple[tuple[int, str, float], ...]


def _ingredients(group: str, label: str, unit: str, carrier: str, strength: float) -> list[tuple[int, str, float]]:
    """Item, unit and amount of each ingredient in a unit of what is given."""
    volume = 1 / strength if carrier else 1.0
    calories, protein = (*_NOURISHING.get(carrier or label, (0.0,)), 0.0)[:2]
    parts = [("Calories", "Kcal", calories), ("Protein", "grams", protein), ("Water", "ml", 1.0)]
    if label == "Propofol":
        return [("Calories", "Kcal", 0.11)] + [("Water", "ml", 0.1), ("IVF ingredient", "ml", 0.1)] * bool(carrier)
    if label == "Dextrose 50%":
        general = [("Carbohydrates", "mg", 500.0), ("Glucose (ingr)", "mg", 500.0), ("Kilojoule", "kJ", 8.38)]
        return [*general, ("Kilogram calory", "Kcal", 2.0), ("Water", "ml", 1.0)]
    if (not carrier and unit != "mL") or group == "push":
        return []
    if label.startswith("Pre-"):
        return [("Water", "ml", 1.0)]
    if group == "before":
        parts.append(("PACU Intake_ingr" if label.startswith("PACU") else "OR Intake_ingr", "ml", 1.0))
    elif label.startswith("Calcium"):
        parts.append(("Calcium (ingr)", "mg", 0.009 / volume))
    parts.append((_INGREDIENT_OF.get(group, "IVF ingredient"), "ml", 1.0))
    return [(name, one, amount * volume) for name, one, amount in parts if amount]


_INGREDIENT_OF = {
    "blood": "Blood Ingredient", "colloid": "Blood Ingredient", "oral": "Oral/Gastric Ingredient",
    "enteral": "Enteral Nutrition Ingredient", "parenteral": "Parenteral Nutrition Ingredient",
}  # fmt: skip
_NOURISHING = {
    label: tuple(map(float, numbers.split()))
    for label, numbers in (line.split("|") for line in _CALORIES.strip().splitlines())
}


def _recipe(line: str) -> Recipe:
    running = line.endswith(("/hour", "/min"))
    group, label, unit, mixed, span, limits, often, doses, last = line.split("|")[:9]
    told = [part.strip() for part in mixed.split(",")]
    carrier = "" if told[0] == "~" else told[0]
    # Where nothing is said, a millilitre of the item is a millilitre of a litre's bag.
    strength, bag = [float(part) for part in [*told[1:], *("1", "1000")[len(told) - 1 :]]]
    usual, _, around = doses.partition("~")
    numbers = tuple(map(float, usual.split()))
    if running:
        numbers, (around, slope, step) = numbers[:1], numbers[1:]
    else:
        slope, step = 0.0, 0.0
    low, high = map(float, limits.split())
    # What an additive runs at is the rate of its carrier.
    ingredients = _ingredients(group, label, unit, carrier, strength)
    return Recipe(
        _GROUP_INDEX[group], ITEM[label], {"mL": "ml"}.get(unit, unit), ITEM[carrier] if carrier else -1, float(strength),
        float(bag), span, (low, high), float(often), numbers, float(around or 0), slope, step,
        0 if running else int(last), last if running else "mL/hour",
        tuple((ITEM[name], one, amount) for name, one, amount in ingredients),
    )  # fmt: skip


def rate_factor(recipe: Recipe) -> float:
    """Units of the amount in an hour at a rate of one (a kilogram, where the rate is by weight)."""
    if recipe.rate_unit.startswith("mL"):
        return recipe.strength if recipe.carrier >= 0 else 1.0
    unit, _, time = recipe.rate_unit.partition("/")
    scale = {("mcg", "mg"): 1e-3, ("mg", "mcg"): 1e3}.get((unit, recipe.unit), 1.0)
    return scale * (60.0 if time.endswith("min") else 1.0)


GROUPS: tuple[Group, ...] = tuple(Group(*line.split("|")) for line in _GROUPS.strip().splitlines())
_GROUP_INDEX = {group.name: number for number, group in enumerate(GROUPS)}
RECIPES: tuple[Recipe, ...] = tuple(_recipe(line) for line in (_RUNNING + _REPEATED.lstrip()).strip().splitlines())
# The item of a recipe that may be written by mass: unit and dose (NaN: as much as it is).
IN_MASS: dict[int, tuple[str, float]] = {
    ITEM[label]: (unit, float(dose))
    for label, unit, dose in (line.split("|") for line in _IN_MASS.strip().splitlines())
}

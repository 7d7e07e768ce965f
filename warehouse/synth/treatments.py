"""What is given and how: treatments that react to results, routine orders, and the products drugs are dispensed as.

RULES are treatments that start and stop with the last results, the severity and the place; they act back on the latents
of labitems.py. ROUTINE orders are written at admission. PRODUCTS spell the drugs of warehouse/seeds/drug_atc.csv as
MIMIC-IV does; a drug without a line is a tablet under its own name. DRUGS are all drugs of that seed, in its order.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from warehouse.synth import atc
from warehouse.synth.labitems import LATENT_INDEX, effects

DRUGS, DRUG_ATC, DRUG_INDEX = atc.DRUGS, atc.DRUG_ATC, atc.DRUG_INDEX

# drug|latent direction cut of the last result, ~ if always|chance to start, to stop (per eight hours)|effect on the latents|
# needs: icu, a least severity (s1.5), an episode's flag (flag:I), any of some episodes or conditions (of:a,b)
_RULES = """
potassium chloride|k - .55|.75 .7|k+1.1|~
magnesium sulfate|mg - .35|.65 .7|mg+1.1|~
potassium phosphate|phos - 1.1|.5 .7|phos+1.2 k+.3|~
calcium gluconate|ca - 1.3|.55 .7|ca+1|~
insulin|glu + 1.1|.75 .12|glu-.9 k-.2|~
dextrose|glu - 1.3|.7 .8|glu+1.8|~
sodium polystyrene sulfonate|k + 1.9|.5 .9|k-1.2|~
sodium bicarbonate|hco3 - 2.3|.4 .5|hco3+1 ph+.6|~
furosemide|bnp + 1.1|.45 .15|k-.7 mg-.4 cr+.35 bun+.4 bnp-.6 na+.3|~
sodium chloride|bun + 1|.35 .35|na+.35 cl+.6 bun-.5 cr-.3|~
lactated ringers|lac + 1|.4 .6|lac-.4 cl+.2|~
norepinephrine|~|.5 .4|lac+.2|icu s2.3
vasopressin|~|.25 .3|na-.4|icu s3.0
phenylephrine|~|.15 .4|~|icu s1.8
propofol|~|.35 .2|trig+.8|icu s1.9
fentanyl|~|.4 .2|pco2+.4|icu s1.7
midazolam|~|.12 .25|~|icu s2.4
dexmedetomidine|~|.1 .3|~|icu s1.5
vancomycin|wbc + 1|.25 .1|cr+.3 wbc-.3 vanc+.4|s1.2 flag:I
meropenem|wbc + 1.5|.1 .07|wbc-.6|s1.8 flag:I
piperacillin-tazobactam|wbc + 1.2|.12 .1|wbc-.5|s1.4 flag:I
warfarin|inr - -.5|.2 .1|inr+1.4|of:afib,pe,valvesurg,dvthx
heparin|ptt - .8|.35 .3|ptt+2.2|of:nstemi,stemi,pe,vascular
phytonadione|inr + 3|.45 .6|inr-1.2|~
albumin|alb - 2.2|.25 .4|alb+.8|of:cirrhosis,alccirr,ascites,hepaticenc,cabg
epoetin|hgb - 2|.2 .1|hgb+.4|of:esrd,ckd4
filgrastim|neut - 1.6|.5 .2|wbc+1 neut+.9|of:febneut,chemo,leukemia
prednisone|pco2 + 1|.25 .08|glu+.8 wbc+.6 eos-.8|of:copd,asthmaex,copdex
acetaminophen|crp + .8|.4 .2|~|~
haloperidol|~|.08 .3|~|s2 of:dementia,alcdep,schizo
hydralazine|~|.08 .2|~|of:hypckd,ich,stroke,esrd
amiodarone|~|.12 .15|tsh+.2|of:afrvr,cabg,valvesurg
levetiracetam|~|.2 .03|~|of:seizure,ich,brainmet
lactulose|~|.4 .05|k-.3 na+.3|of:hepaticenc
"""

# drug|chance at an admission|weight of severity|needs (as above)
_ROUTINE = """
acetaminophen|.62|.1|~
heparin|.52|.3|~
docusate|.4|.15|~
senna|.38|.15|~
sodium chloride|.75|.1|~
ondansetron|.4|.05|~
polyethylene glycol|.16|.1|~
bisacodyl|.2|.2|~
pantoprazole|.15|.3|~
famotidine|.06|.4|~
oxycodone|.2|.0|flag:S
hydromorphone|.22|.2|flag:S
morphine|.14|.15|~
lorazepam|.1|.1|~
diphenhydramine|.07|0|~
magnesium hydroxide|.07|0|~
simethicone|.08|0|~
aluminum hydroxide|.04|0|~
melatonin|.08|.05|~
prochlorperazine|.06|.05|~
metoclopramide|.04|.1|~
potassium chloride|.12|.25|~
magnesium sulfate|.1|.25|~
calcium gluconate|.03|.3|~
glucagon|.1|.05|~
dextrose|.12|.05|~
glucose|.1|.05|~
lactated ringers|.3|.1|flag:S
ketorolac|.25|0|flag:S
cefazolin|.35|0|flag:S
chlorhexidine|.5|.2|icu
multivitamin|.1|0|~
nicotine|.03|0|~
lidocaine|.12|0|~
5% dextrose|.2|.2|~
0.9% sodium chloride|.25|.2|~
labetalol|.05|.1|~
metoprolol|.08|.15|~
tramadol|.06|0|~
guaifenesin|.05|0|~
albuterol|.09|.1|~
ipratropium-albuterol|.06|.1|~
nystatin|.04|.1|~
"""

# drug|spellings|doses|unit|form|route|doses a day|kind (pill, iv, drip, flush, patch, scale, neb, base, bag: iv with a base)
_PRODUCTS = """
0.9% sodium chloride|0.9% Sodium Chloride;0.9% Sodium Chloride (Mini Bag Plus)|100;250;50|mL|BAG|IV|1|base
5% dextrose|5% Dextrose;D5W|250;100|mL|BAG|IV|1|base
acetaminophen|Acetaminophen;Acetaminophen ;Acetaminophen IV|650;1000;325-650|mg|TAB|PO/NG|3|pill
albumin|Albumin 25% (12.5g / 50mL);Albumin 5% (25g / 500mL)|25;12.5;50|g|BAG|IV|2|iv
albuterol|Albuterol 0.083% Neb Soln;Albuterol Inhaler;Albuterol Inhaler |1;2|NEB|NEB|IH|4|neb
amiodarone|Amiodarone;Amiodarone HCl|200;400;150|mg|TAB|PO/NG|1|pill
amlodipine|Amlodipine;amLODIPine|5;10;2.5|mg|TAB|PO/NG|1|pill
amoxicillin-clavulanic acid|Amoxicillin-Clavulanic Acid|500;875|mg|TAB|PO|2|pill
ampicillin-sulbactam|Ampicillin-Sulbactam|3;1.5|g|VIAL|IV|4|bag
aspirin|Aspirin;Aspirin EC;Aspirin (Buffered)|81;325|mg|TAB|PO/NG|1|pill
atorvastatin|Atorvastatin;Atorvastatin |80;40;20;10|mg|TAB|PO/NG|1|pill
azithromycin|Azithromycin;Azithromycin |500;250|mg|TAB|PO/NG|1|pill
bisacodyl|Bisacodyl|10|mg|SUPP|PR|1|pill
bupropion|BuPROPion (Sustained Release);BuPROPion XL (Once Daily)|150;300|mg|TAB|PO|1|pill
buspirone|BusPIRone|5;10;15|mg|TAB|PO/NG|2|pill
calcitriol|Calcitriol|0.25;0.5|mcg|CAP|PO|1|pill
calcium acetate|Calcium Acetate|667;1334|mg|CAP|PO/NG|3|pill
calcium carbonate|Calcium Carbonate|500;1000|mg|TAB|PO/NG|2|pill
calcium gluconate|Calcium Gluconate;Calcium Gluconate sliding scale (Critical Care-Ionized calcium)|2;1;4|g|BAG|IV|1|bag
carbidopa-levodopa|Carbidopa-Levodopa (25-100);Carbidopa-Levodopa CR (50-200)|1;2|TAB|TAB|PO/NG|3|pill
carvedilol|Carvedilol|3.125;6.25;12.5;25|mg|TAB|PO/NG|2|pill
cefazolin|CefazoLIN;CeFAZolin;Cefazolin|2;1|g|BAG|IV|3|bag
cefepime|CefePIME|2;1|g|VIAL|IV|2|bag
ceftriaxone|CefTRIAXone;CeftriaXONE|1;2|gm|BAG|IV|1|bag
chlorhexidine|Chlorhexidine Gluconate 0.12% Oral Rinse|15|mL|UDCUP|ORAL|2|pill
ciprofloxacin|Ciprofloxacin HCl;Ciprofloxacin IV|500;400;250|mg|TAB|PO/NG|2|pill
citalopram|Citalopram;Citalopram Hydrobromide|20;40;10|mg|TAB|PO/NG|1|pill
clonazepam|ClonazePAM;Clonazepam|0.5;1;0.5-1|mg|TAB|PO/NG|2|pill
clopidogrel|Clopidogrel;Clopidogrel Bisulfate|75;300|mg|TAB|PO/NG|1|pill
cyanocobalamin|Cyanocobalamin|1000;100|mcg|TAB|PO/NG|1|pill
dexamethasone|Dexamethasone;Dexamethasone Sod Phosphate|4;10;6|mg|TAB|PO/NG|2|pill
dexmedetomidine|Dexmedetomidine;Precedex|400|mcg|VIAL|IV DRIP|1|drip
dextrose|Dextrose 50%|12.5;25|gm|SYR|IV|.5|iv
diltiazem|Diltiazem;Diltiazem Extended-Release|30;60;120|mg|TAB|PO/NG|4|pill
diphenhydramine|DiphenhydrAMINE;Diphenhydramine|25;50;25-50|mg|CAP|PO/NG|.6|pill
docusate|Docusate Sodium;Docusate Sodium (Liquid)|100|mg|CAP|PO/NG|2|pill
enoxaparin|Enoxaparin Sodium;Enoxaparin (Prophylaxis)|40;30;80;60|mg|SYR|SC|1|iv
epoetin|Epoetin Alfa|10,000;4,000|UNIT|VIAL|SC|.3|iv
famotidine|Famotidine|20|mg|TAB|PO/NG|2|pill
fentanyl|Fentanyl Citrate;Fentanyl Patch|25-50;2.5;100|mcg|VIAL|IV DRIP|1|drip
ferrous sulfate|Ferrous Sulfate|325|mg|TAB|PO/NG|1|pill
folic acid|FoLIC Acid|1|mg|TAB|PO/NG|1|pill
furosemide|Furosemide;Furosemide |20;40;80;10|mg|VIAL|IV|1.5|iv
gabapentin|Gabapentin|300;100;600;400|mg|CAP|PO/NG|3|pill
glucagon|Glucagon|1|mg|VIAL|IM|.1|iv
glucose|Glucose Gel|15|g|TUBE|PO|.1|pill
guaifenesin|Guaifenesin;GuaiFENesin ER|10;600;5-10|mL|UDCUP|PO/NG|2|pill
haloperidol|Haloperidol|1;2.5;5;0.5-1|mg|VIAL|IV|1|iv
heparin|Heparin;Heparin Sodium;Heparin Flush (10 units/ml)|5000;25,000;2|UNIT|mL|SC|2.5|iv
hydralazine|HydrALAzine|10;25;50|mg|TAB|PO/NG|3|pill
hydrochlorothiazide|Hydrochlorothiazide|25;12.5|mg|TAB|PO/NG|1|pill
hydromorphone|HYDROmorphone (Dilaudid)|0.5;0.25-0.5;1;2-4|mg|SYR|IV|2|iv
ibuprofen|Ibuprofen;Ibuprofen Suspension|600;400|mg|TAB|PO|2|pill
insulin|Insulin;Insulin Human Regular;Insulin|0;10;2-14|UNIT|VIAL|SC|4|scale
ipratropium-albuterol|Ipratropium-Albuterol Neb|1|NEB|NEB|NEB|4|neb
ketorolac|Ketorolac|15;30|mg|VIAL|IV|3|iv
labetalol|Labetalol|100;200;10|mg|TAB|PO/NG|2|pill
lactated ringers|Lactated Ringers;LR|1000;500;250|mL|mL|IV|1|base
lactulose|Lactulose|30;15|mL|UDCUP|PO/NG|3|pill
levetiracetam|LevETIRAcetam;Levetiracetam|500;1000;750|mg|TAB|PO/NG|2|pill
levofloxacin|Levofloxacin|750;500|mg|TAB|PO/NG|1|pill
levothyroxine|Levothyroxine Sodium|75;50;100;25;125;88|mcg|TAB|PO/NG|1|pill
lidocaine|Lidocaine 5% Patch;Lidocaine 1%|1;2|PTCH|PTCH|TD|1|patch
lisinopril|Lisinopril|10;20;5;40;2.5|mg|TAB|PO/NG|1|pill
lorazepam|LORazepam;Lorazepam|0.5;1;0.5-1;2|mg|TAB|PO/NG|1|pill
losartan|Losartan Potassium|50;25;100|mg|TAB|PO/NG|1|pill
magnesium oxide|Magnesium Oxide|400|mg|TAB|PO/NG|1|pill
magnesium sulfate|Magnesium Sulfate;Magnesium Sulfate Replacement (Critical Care and Oncology)|2;4|gm|BAG|IV|1|iv
metformin|MetFORMIN (Glucophage);MetFORMIN XR (Glucophage XR)|500;1000;850|mg|TAB|PO|2|pill
methylprednisolone|MethylPREDNISolone Sodium Succ|125;60;40|mg|VIAL|IV|3|iv
metoprolol|Metoprolol Tartrate;Metoprolol Succinate XL|25;12.5;50;100|mg|TAB|PO/NG|2|pill
metronidazole|MetRONIDAZOLE (FLagyl);MetroNIDAZOLE|500|mg|BAG|IV|3|bag
midazolam|Midazolam|1-2;2;0.5-2|mg|VIAL|IV DRIP|1|drip
morphine|Morphine Sulfate;Morphine SR (MS Contin)|2;4;0.5-5;15|mg|VIAL|IV|1.5|iv
multivitamin|Multivitamins;Multivitamins W/minerals|1|TAB|TAB|PO/NG|1|pill
mycophenolate|Mycophenolate Mofetil;Mycophenolate Sodium DR|500;1000|mg|TAB|PO|2|pill
nicotine|Nicotine Patch|14;21;7|mg|PTCH|TD|1|patch
nitroglycerin|Nitroglycerin SL;Nitroglycerin|0.4;0.3|mg|TAB|SL|.3|pill
norepinephrine|NORepinephrine;Norepinephrine|8;16;4|mg|VIAL|IV DRIP|1|drip
omeprazole|Omeprazole|20;40|mg|CAP|PO|1|pill
ondansetron|Ondansetron;Ondansetron ODT|4;4-8;8|mg|VIAL|IV|1|iv
oxycodone|OxyCODONE (Immediate Release);OxycoDONE (Immediate Release) ;Oxycodone SR (OxyconTIN)|5;5-10;10|mg|TAB|PO/NG|2.5|pill
pantoprazole|Pantoprazole;Pantoprazole Sodium|40;80|mg|TAB|PO|1.5|pill
phenylephrine|PHENYLEPHrine;Phenylephrine|60;0.5|mg|VIAL|IV DRIP|1|drip
piperacillin-tazobactam|Piperacillin-Tazobactam;Piperacillin-Tazobactam Na|4.5;2.25|g|BAG|IV|3|bag
polyethylene glycol|Polyethylene Glycol|17|g|PKT|PO/NG|1|pill
potassium chloride|Potassium Chloride;Potassium Chloride Replacement (Critical Care and Oncology) |40;20;60|mEq|TAB|PO|1|pill
potassium phosphate|Potassium Phosphate;Neutra-Phos|15;30;2|mmol|BAG|IV|1|bag
prednisone|PredniSONE|10;20;40;60;5|mg|TAB|PO/NG|1|pill
propofol|Propofol|1000;5-50|mg|VIAL|IV DRIP|1|drip
quetiapine|QUEtiapine Fumarate;Quetiapine extended-release|25;50;100;12.5|mg|TAB|PO/NG|1.5|pill
rosuvastatin|Rosuvastatin Calcium|20;10;40|mg|TAB|PO/NG|1|pill
senna|Senna|8.6;17.2|mg|TAB|PO/NG|2|pill
sertraline|Sertraline|50;100;25|mg|TAB|PO/NG|1|pill
sevelamer|sevelamer CARBONATE;Sevelamer|800;1600|mg|TAB|PO/NG|3|pill
simvastatin|Simvastatin|20;40;10|mg|TAB|PO/NG|1|pill
sodium bicarbonate|Sodium Bicarbonate|650;50|mg|TAB|PO/NG|2|pill
sodium chloride|Sodium Chloride 0.9%  Flush;Sodium Chloride 0.9%;0.9% Sodium Chloride|3;10;1000|mL|SYR|IV|2.5|flush
spironolactone|Spironolactone|25;50;100|mg|TAB|PO/NG|1|pill
sulfamethoxazole-trimethoprim|Sulfameth/Trimethoprim DS;Sulfameth/Trimethoprim SS|1|TAB|TAB|PO/NG|1|pill
tacrolimus|Tacrolimus|1;2;0.5;3|mg|CAP|PO|2|pill
tamsulosin|Tamsulosin|0.4|mg|CAP|PO|1|pill
thiamine|Thiamine|100;200;500|mg|TAB|PO/NG|1|pill
tiotropium|Tiotropium Bromide|1|CAP|CAP|IH|1|neb
tramadol|TraMADol;TraMADOL (Ultram)|50;25-50|mg|TAB|PO|1.5|pill
trazodone|TraZODone|50;25;100|mg|TAB|PO/NG|1|pill
vancomycin|Vancomycin;Vancomycin Oral Liquid|1000;1250;1500;750;500|mg|BAG|IV|2|bag
vasopressin|Vasopressin|40|UNIT|VIAL|IV DRIP|1|drip
vitamin d|Vitamin D|1000;2000;50,000|UNIT|TAB|PO/NG|1|pill
warfarin|Warfarin|5;2.5;3;2;7.5|mg|TAB|PO/NG|1|pill
"""


@dataclass(frozen=True)
class Product:
    """How one drug is written in prescriptions and emar."""

    spellings: tuple[str, ...]
    doses: tuple[str, ...]
    unit: str
    form: str
    route: str
    per_day: float
    kind: str


@dataclass(frozen=True)
class Need:
    """What must hold for an order: a place, a least severity, a flag of the episode, or one of some reasons."""

    icu: bool
    severity: float
    flag: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """A treatment that reacts to the last results; `latent` is -1 where it does not look at them."""

    drug: str
    latent: int
    direction: int
    cut: float
    start: float
    stop: float
    effect: np.ndarray
    need: Need


@dataclass(frozen=True)
class Routine:
    """An order written at admission by habit."""

    drug: str
    chance: float
    severity: float
    need: Need


def parse_need(text: str) -> Need:
    """What a need in a table of text says: `icu s1.5 flag:S of:a,b`, or ~ for nothing."""
    words = text.split() if text != "~" else []
    severity = [float(word[1:]) for word in words if word[0] == "s"]
    flags = [word[5:] for word in words if word.startswith("flag:")]
    reasons = [tuple(word[3:].split(",")) for word in words if word.startswith("of:")]
    return Need("icu" in words, (severity or [0.0])[0], (flags or [""])[0], (reasons or [()])[0])


def _rule(line: str) -> Rule:
    drug, trigger, chances, effect, need = line.split("|")
    latent, sign, cut = trigger.split() if trigger != "~" else ("", "+", "0")
    start, stop = map(float, chances.split())
    return Rule(
        drug, LATENT_INDEX[latent] if latent else -1, 1 if sign == "+" else -1, float(cut), start, stop,
        effects(effect), parse_need(need),
    )  # fmt: skip


def _routine(line: str) -> Routine:
    drug, chance, severity, need = line.split("|")
    return Routine(drug, float(chance), float(severity), parse_need(need))


def _product(line: str) -> tuple[str, Product]:
    drug, spellings, doses, unit, form, route, per_day, kind = line.split("|")
    return drug, Product(
        tuple(spellings.split(";")), tuple(doses.split(";")), unit, form, route, float(per_day), kind
    )  # fmt: skip


def _default_product(drug: str) -> Product:
    """A tablet once or twice a day under the drug's own name; the doses follow from the name, always the same."""
    first = (1, 2, 5, 10, 25, 50, 100, 250)[zlib.crc32(drug.encode()) % 8]
    words = "-".join(part.capitalize() for part in drug.split("-"))
    name = " ".join(word[:1].upper() + word[1:] for word in words.split())
    return Product(
        (name,), (str(first), str(first * 2)), "mg", "TAB", "PO/NG", 1 + zlib.crc32(name.encode()) % 2, "pill"
    )


RULES: tuple[Rule, ...] = tuple(_rule(line) for line in _RULES.strip().splitlines())
ROUTINE: tuple[Routine, ...] = tuple(_routine(line) for line in _ROUTINE.strip().splitlines())
_WRITTEN = dict(_product(line) for line in _PRODUCTS.strip().splitlines())
PRODUCTS: tuple[Product, ...] = tuple(_WRITTEN.get(drug) or _default_product(drug) for drug in DRUGS)

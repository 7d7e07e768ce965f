"""The laboratory items of the synthetic cohort and the panels they are ordered in.

Item ids, labels, fluids, units and reference ranges are those of MIMIC-IV's common items. An item is either the reading
of a latent (`n`: mean + sd * x, `l`: median * exp(sd * x)), a function of other items (`d`, see labs.py), words chosen by
where a latent lies between cuts (`t`), or a remark (`c`). Two tables of text: ITEMS and PANELS.
"""

from dataclasses import dataclass

import numpy as np

# name|itemid|label|fluid|category|unit|low|high|panel|share of draws|kind|decimals
# kind n/l: location, sd, pull back per eight hours, noise of one reading (in sd); kind t: latent, cuts, words
_ITEMS = """
na|50983|Sodium|Blood|Chemistry|mEq/L|133|145|chem|.99|n 139 3.6 .25 .35|0
k|50971|Potassium|Blood|Chemistry|mEq/L|3.3|5.1|chem|.99|n 4.15 .48 .35 .45|1
cl|50902|Chloride|Blood|Chemistry|mEq/L|96|108|chem|.99|n 102.5 4.2 .25 .35|0
hco3|50882|Bicarbonate|Blood|Chemistry|mEq/L|22|32|chem|.98|n 25.4 3.2 .25 .35|0
bun|51006|Urea Nitrogen|Blood|Chemistry|mg/dL|6|20|chem|.99|l 14.5 .45 .1 .1|0
cr|50912|Creatinine|Blood|Chemistry|mg/dL|0.5|1.2|chem|.99|l .86 .28 .1 .12|1
glu|50931|Glucose|Blood|Chemistry|mg/dL|70|100|chem|.95|l 108 .25 .4 .5|0
ag|50868|Anion Gap|Blood|Chemistry|mEq/L|8|20|chem|.98|d|0
h|50934|H|Blood|Chemistry|U|0|40|index|.99|l 7 .9 .9 .9|0
i|50947|I|Blood|Chemistry|U|0|10|index|.99|l 1.2 .6 .3 .3|0
l|51678|L|Blood|Chemistry|U|0|60|index|.99|l 10 .6 .3 .4|0
egfr|50920|Estimated GFR (MDRD equation)|Blood|Chemistry||||egfr|.97|c|0
mg|50960|Magnesium|Blood|Chemistry|mg/dL|1.6|2.6|minerals|.99|n 2.0 .23 .3 .4|1
ca|50893|Calcium, Total|Blood|Chemistry|mg/dL|8.4|10.3|minerals|.97|n 9.0 .55 .2 .3|1
phos|50970|Phosphate|Blood|Chemistry|mg/dL|2.7|4.5|minerals|.96|n 3.5 .8 .3 .4|1
hct|51221|Hematocrit|Blood|Hematology|%|40|51|cbc|.99|d|1
hgb|51222|Hemoglobin|Blood|Hematology|g/dL|13.7|17.5|cbc|.98|n 12.6 1.6 .06 .15|1
wbc|51301|White Blood Cells|Blood|Hematology|K/uL|4|10|cbc|.98|l 7.6 .38 .2 .2|1
plt|51265|Platelet Count|Blood|Hematology|K/uL|150|400|cbc|.98|l 228 .35 .1 .1|0
rbc|51279|Red Blood Cells|Blood|Hematology|m/uL|4.6|6.1|cbc|.97|d|2
mcv|51250|MCV|Blood|Hematology|fL|82|98|cbc|.97|n 90.5 5.5 .03 .1|0
mch|51248|MCH|Blood|Hematology|pg|26|32|cbc|.97|d|1
mchc|51249|MCHC|Blood|Hematology|g/dL|32|37|cbc|.97|n 33.1 1.1 .1 .3|1
rdw|51277|RDW|Blood|Hematology|%|10.5|15.5|cbc|.97|l 13.9 .11 .03 .05|1
rdwsd|52172|RDW-SD|Blood|Hematology|fL|35.1|46.3|cbc|.55|d|1
pt|51274|PT|Blood|Hematology|sec|9.4|12.5|coag|.98|d|1
inr|51237|INR(PT)|Blood|Hematology||0.9|1.1|coag|.98|l 1.12 .14 .15 .15|1
ptt|51275|PTT|Blood|Hematology|sec|25|36.5|coag|.97|l 31 .18 .3 .3|1
alt|50861|Alanine Aminotransferase (ALT)|Blood|Chemistry|IU/L|0|40|lft|.99|l 23 .6 .12 .15|0
ast|50878|Asparate Aminotransferase (AST)|Blood|Chemistry|IU/L|0|40|lft|.99|l 25 .55 .15 .15|0
alp|50863|Alkaline Phosphatase|Blood|Chemistry|IU/L|40|130|lft|.97|l 78 .4 .06 .08|0
bili|50885|Bilirubin, Total|Blood|Chemistry|mg/dL|0|1.5|lft|.98|l .5 .6 .1 .15|1
alb|50862|Albumin|Blood|Chemistry|g/dL|3.5|5.2|lft|.5|n 4.0 .5 .06 .2|1
ldh|50954|Lactate Dehydrogenase (LD)|Blood|Chemistry|IU/L|94|250|lft|.45|l 205 .35 .15 .15|0
neut|51256|Neutrophils|Blood|Hematology|%|34|71|diff|.99|n 66 11 .2 .2|1
lymph|51244|Lymphocytes|Blood|Hematology|%|19|53|diff|.99|d|1
mono|51254|Monocytes|Blood|Hematology|%|5|13|diff|.99|n 7.6 2.6 .2 .3|1
eos|51200|Eosinophils|Blood|Hematology|%|1|7|diff|.99|l 1.6 .8 .15 .2|1
baso|51146|Basophils|Blood|Hematology|%|0|1|diff|.99|l .4 .5 .3 .5|1
ig|52135|Immature Granulocytes|Blood|Hematology|%|0|0.6|diff|.4|l .45 .6 .2 .3|1
aneut|52075|Absolute Neutrophil Count|Blood|Hematology|K/uL|1.6|6.1|diff|.6|d|2
alymph|51133|Absolute Lymphocyte Count|Blood|Hematology|K/uL|1.2|3.7|diff|.6|d|2
amono|52074|Absolute Monocyte Count|Blood|Hematology|K/uL|0.2|0.8|diff|.6|d|2
aeos|52073|Absolute Eosinophil Count|Blood|Hematology|K/uL|0.04|0.54|diff|.6|d|2
abaso|52069|Absolute Basophil Count|Blood|Hematology|K/uL|0.01|0.08|diff|.6|d|2
aniso|51137|Anisocytosis|Blood|Hematology|N/A|||smear|.97|t rdw .4,1.2,2.2 NORMAL,1+,2+,3+|0
poik|51267|Poikilocytosis|Blood|Hematology|N/A|||smear|.97|t rdw .6,1.6,2.6 NORMAL,1+,2+,3+|0
hypo|51233|Hypochromia|Blood|Hematology|N/A|||smear|.97|t mchc -2.5,-1.5,-.5 3+,2+,1+,NORMAL|0
macro|51246|Macrocytes|Blood|Hematology|N/A|||smear|.97|t mcv .6,1.5,2.3 NORMAL,1+,2+,3+|0
micro|51252|Microcytes|Blood|Hematology|N/A|||smear|.97|t mcv -2.3,-1.5,-.6 3+,2+,1+,NORMAL|0
smear|51266|Platelet Smear|Blood|Hematology|N/A|||smear|.97|t plt -3,-1.5,-.9,1.8 RARE,VERY LOW,LOW,NORMAL,HIGH|0
bands|51144|Bands|Blood|Hematology|%|0|5|smear|.9|l 1.2 1.1 .3 .5|0
gasart|52033|Specimen Type|Blood|Blood Gas||||gas|.98|t bias -.6 VEN.,ART.|0
ph|50820|pH|Blood|Blood Gas|units|7.35|7.45|gas|.98|n 7.385 .055 .35 .25|2
pco2|50818|pCO2|Blood|Blood Gas|mm Hg|35|45|gas|.97|l 41 .17 .25 .25|0
po2|50821|pO2|Blood|Blood Gas|mm Hg|85|105|gas|.97|l 92 .45 .5 .6|0
tco2|50804|Calculated Total CO2|Blood|Blood Gas|mEq/L|21|30|gas|.97|d|0
be|50802|Base Excess|Blood|Blood Gas|mEq/L|||gas|.97|d|0
fca|50808|Free Calcium|Blood|Blood Gas|mmol/L|1.12|1.32|gas|.6|d|2
kwb|50822|Potassium, Whole Blood|Blood|Blood Gas|mEq/L|3.3|5.1|gas|.4|d|1
nawb|50824|Sodium, Whole Blood|Blood|Blood Gas|mEq/L|133|145|gas|.2|d|0
gluwb|50809|Glucose|Blood|Blood Gas|mg/dL|70|105|gas|.35|d|0
hgbwb|50811|Hemoglobin|Blood|Blood Gas|g/dL|14|18|gas|.2|d|1
hctwb|50810|Hematocrit, Calculated|Blood|Blood Gas|%|||gas|.2|d|0
sao2|50817|Oxygen Saturation|Blood|Blood Gas|%|||gas|.28|d|0
intub|50812|Intubated|Blood|Blood Gas||||gas|.3|t bias .2 NOT INTUBATED,INTUBATED.|0
lac|50813|Lactate|Blood|Blood Gas|mmol/L|0.5|2|lactate|.99|l 1.4 .35 .3 .2|1
trop|51003|Troponin T|Blood|Chemistry|ng/mL|0|0.01|cardiac|.98|l .006 1.0 .12 .15|2
ck|50910|Creatine Kinase (CK)|Blood|Chemistry|IU/L|47|322|cardiac|.7|l 95 .7 .15 .15|0
ckmb|50911|Creatine Kinase, MB Isoenzyme|Blood|Chemistry|ng/mL|0|10|cardiac|.65|d|0
bnp|50963|NTproBNP|Blood|Chemistry|pg/mL|0|353|bnp|.99|l 330 1.2 .06 .15|0
fib|51214|Fibrinogen, Functional|Blood|Hematology|mg/dL|180|400|fibrinogen|.99|l 320 .35 .1 .15|0
lip|50956|Lipase|Blood|Chemistry|IU/L|0|60|lipase|.99|l 28 .55 .2 .2|0
uric|51007|Uric Acid|Blood|Chemistry|mg/dL|3.4|7|uric|.99|l 5.6 .32 .06 .1|1
vanc|51009|Vancomycin|Blood|Chemistry|ug/mL|10|20|vancomycin|.99|l 12.5 .45 .4 .4|1
tsh|50993|Thyroid Stimulating Hormone|Blood|Chemistry|uIU/mL|0.27|4.2|thyroid|.99|l 1.9 .7 .02 .2|1
ft4|50995|Thyroxine (T4), Free|Blood|Chemistry|ng/dL|0.93|1.7|thyroid|.35|n 1.25 .25 .02 .3|1
a1c|50852|% Hemoglobin A1c|Blood|Chemistry|%|4.8|5.9|a1c|.99|l 5.6 .09 .01 .1|1
eag|51613|eAG|Blood|Chemistry|mg/dL|91|123|a1c|.97|d|0
chol|50907|Cholesterol, Total|Blood|Chemistry|mg/dL|0|199|lipids|.99|n 178 40 .02 .25|0
hdl|50904|Cholesterol, HDL|Blood|Chemistry|mg/dL|||lipids|.97|l 51 .28 .02 .2|0
ldl|50905|Cholesterol, LDL, Calculated|Blood|Chemistry|mg/dL|0|129|lipids|.93|d|0
trig|51000|Triglycerides|Blood|Chemistry|mg/dL|0|149|lipids|.98|l 112 .5 .05 .3|0
ferr|50924|Ferritin|Blood|Chemistry|ng/mL|30|400|iron|.97|l 120 1.1 .03 .15|0
iron|50952|Iron|Blood|Chemistry|ug/dL|45|160|iron|.99|l 62 .55 .1 .3|0
tibc|50953|Iron Binding Capacity, Total|Blood|Chemistry|ug/dL|260|470|iron|.95|n 285 65 .03 .2|0
b12|51010|Vitamin B12|Blood|Chemistry|pg/mL|240|900|iron|.6|l 560 .55 .02 .2|0
fol|50925|Folate|Blood|Chemistry|ng/mL|2|20|iron|.4|l 12 .5 .03 .3|0
crp|50889|C-Reactive Protein|Blood|Chemistry|mg/L|0|5|crp|.99|l 8 1.3 .1 .15|1
tac|50986|tacroFK|Blood|Chemistry|ng/mL|5|20|tacrolimus|.99|l 7.8 .4 .3 .4|1
psa|50974|Prostate Specific Antigen|Blood|Chemistry|ng/mL|0|4|psa|.99|l 1.6 1.0 .01 .1|1
vitd|50853|25-OH Vitamin D|Blood|Chemistry|ng/mL|30|60|vitamin_d|.99|n 31 11 .02 .2|0
uapp|51506|Urine Appearance|Urine|Hematology|N/A|||urine|.99|t uwbc 1,1.9 Clear,Hazy,Cloudy|0
ucol|51508|Urine Color|Urine|Hematology|N/A|||urine|.99|t sg -.9,1.2 Straw,Yellow,Amber|0
uleu|51486|Leukocytes|Urine|Hematology|N/A|||urine|.99|t uwbc .5,1,1.6,2.2 NEG,TR,SM,MOD,LG|0
unit|51487|Nitrite|Urine|Hematology|N/A|||urine|.99|t uwbc 1.7 NEG,POS|0
ublo|51466|Blood|Urine|Hematology|N/A|||urine|.99|t urbc .3,.9,1.4,2 NEG,TR,SM,MOD,LG|0
uket|51484|Ketone|Urine|Hematology|mg/dL|||urine|.99|t ket 1.1,1.7,2.4 NEG,TR,40,150|0
uglu|51478|Glucose|Urine|Hematology|mg/dL|||urine|.99|t glu 1.6,2.4,3.2 NEG,TR,300,1000|0
ubil|51464|Bilirubin|Urine|Hematology|mg/dL|||urine|.99|t bili 2.2,3.2 NEG,SM,MOD|0
uuro|51514|Urobilinogen|Urine|Hematology|mg/dL|0.2|1|urine|.99|t bili 1.6,2.4 NEG,2,4|0
upro|51492|Protein|Urine|Hematology|mg/dL|||urine|.99|t uprot .2,.8,1.6,2.4 NEG,TR,30,100,300|0
uph|51491|pH|Urine|Hematology|units|5|8|urine|.99|n 6 .6 .4 .4|1
sg|51498|Specific Gravity|Urine|Hematology||1.001|1.035|urine|.99|n 1.016 .007 .4 .4|3
uwbc|51516|WBC|Urine|Hematology|#/hpf|0|5|urine|.78|l 2 1.3 .15 .2|0
urbc|51493|RBC|Urine|Hematology|#/hpf|0|2|urine|.78|l 2 1.3 .15 .3|0
uepi|51476|Epithelial Cells|Urine|Hematology|#/hpf|||urine|.75|l 1 .9 .8 .6|0
ubac|51463|Bacteria|Urine|Hematology|/hpf|||urine|.78|t uwbc .8,1.5,2.2 NONE,FEW,MOD,MANY|0
uyea|51519|Yeast|Urine|Hematology|/hpf|||urine|.78|t uepi 2.2 NONE,FEW|0
ucre|51082|Creatinine, Urine|Urine|Chemistry|mg/dL|||urine_chem|.99|l 80 .6 .3 .3|0
una|51100|Sodium, Urine|Urine|Chemistry|mEq/L|||urine_chem|.9|l 55 .7 .3 .3|0
utp|51102|Total Protein, Urine|Urine|Chemistry|mg/dL|||urine_chem|.4|d|0
green|50933|Green Top Hold (plasma)|Blood|Chemistry||||hold|.5|c|0
red|50979|Red Top Hold|Blood|Chemistry||||hold|.5|c|0
blue|50887|Blue Top Hold|Blood|Chemistry||||hold|.4|c|0
"""

# Latents that no item reads directly: ketones, protein in the urine, and a random choice.
_HIDDEN = {"ket": (0.2, 0.3), "uprot": (0.05, 0.3), "bias": (0.9, 0.9)}

# panel|specimen|log-odds at admission, on the ward in the morning, elsewhere on the ward, in the ICU, outpatient|
# per unit of severity|latent whose last result prompts it: log-odds per unit of |x| above 1|conditions or episodes that
# prompt it: log-odds
_PANELS = """
chem|chem|4.5 3.6 0.6 2.4 1.6|.2|k .8|~
minerals|chem|2.0 2.6 -.2 1.8 -.6|.4|mg .6|~
index|chem|.6 .5 -1.2 -.9 -.4|.0|~|~
egfr|chem|.9 -4 -5 -5 -1.2|.0|~|~
cbc|heme|4.5 3.2 -.4 1.2 1.5|.2|hgb .8|gibleed 1.5
coag|coag|.9 -.5 -1.8 -.4 -1.8|.5|inr .9|afib 1.2 pe 1.5 cirrhosis 1.5 valve 1.2 stroke 1 cabg 1
lft|chem|.4 -1.1 -2.6 -1.6 -.3|.4|alt .7|cirrhosis 1.5 hepc .8 pancreatitis 1.5 cholecystitis 2 overdose 2 livertx 2 chemo 1
diff|heme|1.2 -2.2 -3.4 -2.4 -.3|.1|wbc .5|chemo 3 febneut 4 leukemia 2 lymphoma 1.5 hiv 1
smear|heme|-3.6 -3.2 -4.5 -3.6 -4|.2|rdw .8|febneut 2 leukemia 1.5 anemia .8
gas|gas|-1.6 -4.2 -4 .1 -6|.7|pco2 .5|copdex 1 dka 2 cabg 1
lactate|gas|-1.2 -4 -3.6 -.6 -7|.8|lac 1|sepsis 1.5
cardiac|chem|-1.0 -3.6 -3.4 -2.8 -6|.3|trop .5|nstemi 3 stemi 3 chestpain 3 syncope 1.5 hfex 1.5
bnp|chem|-2.4 -5 -5.5 -5 -4|.1|~|hfex 2.5 chf 1.2 copdex 1
fibrinogen|coag|-4 -4 -5 -3.6 -7|.4|plt .6|leukemia 2 livertx 2 trauma 2
lipase|chem|-2 -5 -5.5 -5 -5|.0|lip .5|pancreatitis 4 cholecystitis 2
uric|chem|-3.6 -3.8 -6 -5 -4|.0|~|leukemia 3.5 lymphoma 3 gout 1.2
vancomycin|chem|-6 -4.2 -3.8 -4 -8|.1|~|sepsis 1.8 cellulitis 1.6 osteo 2.6 febneut 1.5
thyroid|chem|-2.6 -4.6 -6 -6 -1.9|.0|~|hypothyroid 1.4 afib .6
a1c|chem|-2.6 -4 -6 -6 -1.7|.0|~|dm2 2.0 dm2ckd 2 dm1 2.0 dka 1.5
lipids|chem|-2.8 -3.8 -6 -6 -1.4|.0|~|nstemi 2.5 stroke 2.5 stemi 2.5 tia 2.5 lipid .8
iron|chem|-2.8 -4 -6 -6 -2.6|.0|hgb .7|anemia 1.2 ckd3 .6 esrd 1.2
crp|chem|-2.8 -4.5 -6 -6 -2.9|.0|~|ibd 2 ra 1.6 osteo 2 covid 2.5
tacrolimus|chem|-9 -9 -10 -10 -9|.0|~|kidneytx 11 livertx 11
psa|chem|-8 -9 -10 -10 -5|.0|~|prostateca 4 bph 2
vitamin_d|chem|-5 -6 -9 -9 -2.6|.0|~|osteoporosis 1 esrd .8
urine|urine|.6 -4 -3.4 -3.4 -1.8|.1|~|uti 3 aki 1.5 sepsis 1 delivery 1 fall 1
urine_chem|urine|-2 -4 -4.4 -3.8 -2.9|.1|cr .5|aki 2.5 ckd3 .8 hyponatremia 2.5 dm2ckd 1
hold|chem|-1.0 -4 -4.5 -4.2 -4|.0|~|~
"""

# Standard deviations of an item a unit of its latent: patients of a hospital spread wider than healthy ones.
SPREAD = 0.8
CONTEXTS = ("admission", "morning", "ward", "icu", "outpatient")
SPECIMENS = ("chem", "heme", "coag", "gas", "urine")


@dataclass(frozen=True)
class LabItem:
    """One laboratory item; `kind` is n, l, d, t or c as told in the module's docstring."""

    name: str
    itemid: int
    label: str
    fluid: str
    category: str
    unit: str
    low: float
    high: float
    panel: str
    share: float
    kind: str
    numbers: tuple[float, ...]
    latent: str
    words: tuple[str, ...]
    decimals: int


@dataclass(frozen=True)
class Panel:
    """Items ordered together: log-odds of an order by context, severity, last result and reason."""

    name: str
    specimen: int
    base: tuple[float, ...]
    severity: float
    trigger: str
    trigger_weight: float
    reasons: dict[str, float]


def _item(line: str) -> LabItem:
    name, itemid, label, fluid, category, unit, low, high, panel, share, spec, decimals = line.split("|")
    kind, *rest = spec.split(" ", 2 if spec.startswith("t") else -1)
    numbers, latent, words = (), name, ()
    if kind in "nl":
        numbers = tuple(float(text) for text in rest)
    elif kind == "t":
        cuts, labels = rest[1].split(" ", 1)
        latent, numbers, words = rest[0], tuple(float(cut) for cut in cuts.split(",")), tuple(labels.split(","))
    limits = [float(text) if text else np.nan for text in (low, high)]
    return LabItem(
        name, int(itemid), label, fluid, category, unit, *limits, panel, float(share), kind, numbers, latent, words,
        int(decimals),
    )  # fmt: skip


def _panel(line: str) -> Panel:
    name, specimen, base, severity, trigger, reasons = line.split("|")
    latent, weight = trigger.split() if trigger != "~" else ("", "0")
    pairs = reasons.split() if reasons != "~" else []
    return Panel(
        name, SPECIMENS.index(specimen), tuple(float(text) for text in base.split()), float(severity), latent,
        float(weight), dict(zip(pairs[::2], map(float, pairs[1::2]), strict=True)),
    )  # fmt: skip


ITEMS: tuple[LabItem, ...] = tuple(_item(line) for line in _ITEMS.strip().splitlines())
PANELS: tuple[Panel, ...] = tuple(_panel(line) for line in _PANELS.strip().splitlines())
ITEM_INDEX: dict[str, int] = {item.name: number for number, item in enumerate(ITEMS)}

_DYNAMICS = {item.name: item.numbers[2:] for item in ITEMS if item.kind in "nl"} | _HIDDEN
LATENTS: tuple[str, ...] = tuple(_DYNAMICS)
LATENT_INDEX: dict[str, int] = {name: number for number, name in enumerate(LATENTS)}
PULL: np.ndarray = np.array([dynamics[0] for dynamics in _DYNAMICS.values()])
NOISE: np.ndarray = np.array([dynamics[1] for dynamics in _DYNAMICS.values()])


def effects(text: str) -> np.ndarray:
    """`cr+1 hgb-.5` as a vector over the latents; '~' is none. Raises KeyError on an unknown latent."""
    vector = np.zeros(len(LATENTS))
    for word in text.split() if text != "~" else []:
        cut = max(word.find("+"), word.find("-"))
        vector[LATENT_INDEX[word[:cut]]] += float(word[cut:])
    return vector

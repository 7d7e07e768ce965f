"""What providers order besides drugs, how often and for whom, and the further details of orders: tables of text.

In: nothing. Out: KINDS (an order's type and subtype, when it is written, how often, what it needs) and DETAILS (field and values
by kind). Rates were chosen by hand so that an admission has about as many orders of each type as in MIMIC-IV; a kind whose
name is misspelt in DETAILS raises KeyError on import.
"""

from dataclasses import dataclass

import numpy as np

from warehouse.synth.labitems import LATENT_INDEX
from warehouse.synth.treatments import RULES, Need, parse_need

# type/subtype|when|how often|weight of severity|needs (icu, s1.5, flag:S, of:...)|trigger|replaced by the next|stopped early
# When: first or last step of an admission, first step in intensive care (toicu) or after it (outicu), a change of ward (move): so
# many then; day: so many a day; drawn: so many a step in which blood is drawn.
# Trigger: the last result beyond a cut in standard deviations (hgb - 2), or a treatment that runs (on propofol).
_KINDS = """
Lab/~|first|4.2|.15|~|~|.03|.02
Lab/~|drawn|1.95|.15|~|~|.05|.03
General Care/Other|first|1.5|.1|~|~|.12|.05
General Care/Other|day|.61|.25|~|~|.2|.08
General Care/Tubes/Drains|first|.57|.2|flag:S|~|.3|.12
General Care/Tubes/Drains|day|.11|.3|~|~|.35|.15
General Care/Tubes/Drains|day|.82|.1|icu|~|.4|.12
General Care/Vitals/Monitoring|first|1.1|.05|~|~|.35|.06
General Care/Vitals/Monitoring|day|.18|.2|~|~|.45|.08
General Care/Telemetry|first|.49|.2|~|~|.4|.15
General Care/Telemetry|day|.28|.2|~|~|.55|.15
General Care/Activity|first|.82|0|~|~|.35|.05
General Care/Activity|day|.15|.1|~|~|.5|.07
General Care/Restraints|day|1.2|.25|icu s1.7|~|.1|.2
General Care/Code status|first|.5|.15|~|~|.3|.03
General Care/Code status|day|.016|.9|s1.2|~|.6|.02
General Care/Therapeutic devices/DVT/Prophylaxis|first|.37|.15|~|~|.2|.08
General Care/Wound Care|day|.082|.3|~|~|.3|.08
General Care/Precautions|first|.13|.2|~|~|.2|.06
General Care/Dialysis|first|.16|0|of:esrd,dialysis|~|.2|.05
ADT orders/Admit|first|1.45|0|~|~|.2|.06
ADT orders/Admit|toicu|.66|0|icu|~|.2|.06
ADT orders/Transfer|move|.85|0|~|~|.1|.06
ADT orders/Transfer|day|.098|.2|~|~|.2|.06
ADT orders/Postop|first|.8|0|flag:S|~|.1|.04
ADT orders/Discharge|last|1.85|0|~|~|.5|.03
ADT orders/Discharge|day|.11|-.6|~|~|.3|.2
Nutrition/Diet Order|first|1.1|-.1|~|~|.45|.08
Nutrition/Diet Order|day|.31|-.1|~|~|.55|.08
Nutrition/NPO/Diet for Procedure|first|.57|.1|flag:S|~|.4|.2
Nutrition/NPO/Diet for Procedure|day|.09|.3|~|~|.4|.2
Nutrition/Tubefeeding Order|day|.5|.15|icu s1.4|~|.6|.15
Nutrition/Nutrition consult|day|.074|.3|~|~|.05|.05
Nutrition/PO fluid restriction|day|.2|.1|~|na - 1.3|.5|.1
Nutrition/Calorie count|day|.049|.1|~|alb - 1.8|.2|.1
IV therapy/IV access|first|.98|0|~|~|.12|.2
IV therapy/IV access|day|.2|.15|~|~|.15|.25
IV therapy/IV access request|day|.066|.35|~|~|.05|.15
IV therapy/Radiology OK to use line|day|.082|.2|icu|~|.02|.1
Radiology/General Xray|first|.7|.25|~|~|.04|.06
Radiology/General Xray|day|.13|.35|~|~|.04|.06
Radiology/General Xray|day|.66|.1|icu|~|.05|.06
Radiology/CT Scan|first|.37|.25|~|~|.05|.08
Radiology/CT Scan|day|.082|.35|~|~|.05|.08
Radiology/MRI|first|.49|0|of:stroke,tia,seizure,ich,spine,osteo,backpainadm|~|.08|.12
Radiology/MRI|day|.025|.2|~|~|.08|.12
Radiology/Ultrasound|first|.49|0|of:cholecystitis,pancreatitis,hepaticenc,aki,delivery|~|.05|.08
Radiology/Ultrasound|day|.025|.2|~|~|.05|.08
Radiology/Interventional Radiology|day|.041|.5|~|~|.06|.12
Radiology/Noninvasive Vascular|first|.41|0|of:pe,dvthx,vascular,stroke,tia|~|.05|.08
Radiology/Noninvasive Vascular|day|.016|.2|~|~|.05|.08
Radiology/Angio|first|.49|0|of:ich,vascular|~|.05|.1
Radiology/Nuclear Med|first|.25|0|of:chestpain,gibleed|~|.05|.1
Respiratory/Mechanical Ventilation|day|1.9|0|icu|on propofol|.75|.06
Respiratory/Mechanical Ventilation|day|1.6|0|icu|on midazolam|.75|.06
Respiratory/Extubate|outicu|.35|.2|~|~|.02|.08
Respiratory/Oxygen Therapy|first|.13|.6|~|~|.3|.15
Respiratory/Oxygen Therapy|day|.25|.3|~|po2 - 1|.4|.15
Respiratory/BiPAP|first|.25|.4|of:copdex,pulmhtn|~|.2|.15
Respiratory/CPAP for OSA|first|.37|0|of:osa,obstsleep|~|.2|.1
Respiratory/Special Procedures|day|.025|.4|icu|~|.05|.1
Respiratory/Pulmonary Function Test|day|.0082|0|of:copd,ild,cf|~|.02|.1
Blood Bank/Blood tests|first|.57|.1|flag:S|~|.03|.03
Blood Bank/Blood tests|first|.25|.3|~|~|.03|.03
Blood Bank/Blood tests|day|.29|.1|~|hgb - 1.7|.04|.03
Blood Bank/Red Cell Product Order|day|.61|.15|~|hgb - 2.3|.04|.05
Blood Bank/Platelet Product Order|day|.5|.15|~|plt - 3|.04|.05
Blood Bank/Frozen Plasma Product Order|day|.5|.15|~|inr + 3|.04|.05
Blood Bank/Cryoprecipitate Product Order|day|.12|.3|icu|fib - 1.8|.04|.05
Cardiology/ECG|first|.28|.1|~|~|.02|.06
Cardiology/ECG|day|.025|.3|~|~|.02|.06
Cardiology/Echo|first|.49|.1|of:hfex,nstemi,stemi,afrvr,valvesurg,pe,stroke,syncope|~|.04|.08
Cardiology/Echo|day|.025|.5|~|~|.04|.08
Cardiology/Stress Echo|first|.098|0|of:chestpain|~|.02|.1
Cardiology/ETT (Non-Imaging)|first|.16|0|of:chestpain|~|.02|.1
Cardiology/Holter Monitor|last|.066|0|of:syncope,tia,afrvr|~|.02|.05
Critical Care/Hemodynamic monitoring|toicu|.74|.2|icu|~|.05|.1
Critical Care/Intra-cranial monitoring|toicu|.41|0|of:ich,trauma|~|.05|.1
Hemodialysis/Hemodialysis|day|.41|0|of:esrd,dialysis|~|.15|.03
TPN/Central TPN|day|2.5|.2|of:bowelobs,tumorsurg,pancreatitis|alb - .3|.15|.08
TPN/Premixed Central Standard|day|.15|.2|of:bowelobs,tumorsurg,pancreatitis|alb - .3|.1|.08
Neurology/EEG|first|.41|0|of:seizure,ich|~|.08|.2
Neurology/EEG|day|.016|.4|icu|~|.08|.2
Neurology/TCD|day|.16|0|of:ich|~|.05|.1
Consults/Physical Therapy|day|.12|.15|~|~|.05|.03
Consults/Occupational Therapy|day|.033|.2|~|~|.05|.03
Consults/Social Work|day|.057|.2|~|~|.04|.03
Consults/Discharge Followup Appointment|last|.2|0|~|~|.05|.03
Consults/Speech/Swallowing|first|.41|0|of:stroke,ich,dementia,parkinson|~|.04|.04
Consults/Speech/Swallowing|day|.016|.5|s1|~|.04|.04
Consults/Nursing|day|.016|.2|~|~|.04|.04
Consults/Diabetes Consult|day|.16|0|of:dka,dm1,insulinuse|glu + 1.2|.03|.03
Consults/Infectious Disease|day|.033|.3|flag:I|~|.03|.03
Consults/Palliative Care|day|.025|.9|s1.6|~|.03|.03
Consults/Nephrology|day|.15|.1|~|cr + 2.6|.03|.03
Consults/Cardiology (General)|first|.29|.1|of:nstemi,stemi,afrvr,hfex,cad|~|.03|.03
Consults/Gastroenterology|first|.45|.1|of:gibleed,hepaticenc,cholecystitis|~|.03|.03
Consults/Psychiatry|first|.45|0|of:overdose,alcwd,bipolar,schizo|~|.03|.03
Consults/Pulmonary|day|.025|.4|of:copdex,ild,covid|~|.03|.03
Consults/Spiritual Care/Chaplaincy|day|.0041|.6|~|~|.03|.03
"""

# ruff: noqa: E501 (a row of a table is one line)
# type/subtype|field|how often|values with weights, separated by semicolons; TIME: an hour or so after the order
_DETAILS = """
ADT orders/Admit|Admit category|.97|Admit to inpatient:65;Place in observation:35
ADT orders/Admit|Admit to|.96|Medicine:57;Surgery:16;ICU:6;ED - Observation:5;MICU - Green:3.5;MICU - Orange:3;Cardiology NP:3;Neuromed:3;MICU - Red:2;Psychiatry:1.5;GYN:.8;PACU Boarder:.2
ADT orders/Postop|Admit category|.97|Admit to inpatient:92;Place in observation:7;Place in PACU:1
ADT orders/Postop|Admit to|.97|Surgery:88;Medicine:6;Cardiology NP:4;Neuromed:2
ADT orders/Transfer|Admit category|.95|Admit to inpatient:96;Place in observation:4
ADT orders/Transfer|Transfer to|.98|Medicine:51;Surgery:29;Neuromed:6;ICU:6;MICU - Orange:3;Cardiology NP:2;MICU - Green:1.5;MICU - Blue:1;MICU - Red:.5;GYN:.5
ADT orders/Discharge|Admit category|.97|Admit to inpatient:92;Place in observation:8
ADT orders/Discharge|Discharge Planning|.99|Finalized:85;Anticipated:15
ADT orders/Discharge|Discharge When|.97|Discharge Now:90;Discharge at:10
General Care/Code status|Code status|.99|Resuscitate (Full code):60;Full code  (attempt resuscitation):16;Do not resuscitate (DNR/DNI):16;DNAR (DO NOT attempt resuscitation for cardiac arrest) :8
General Care/Tubes/Drains|Tubes & Drains type|.83|Indwelling urinary catheter (IUC) - Foley:83;Chest tube:5.5;NGT:3.2;Closed suction drain:2.4;Fecal Management System, Flexiseal:2.1;Indwelling urinary catheter (IUC) - Three way Foley:.9;Pericardial Drain:.6;OGT:.5;G-tube:.5;Suprapubic tube:.5;Intermittent straight cath:.2;Straight cath:.1;Post-pyloric tube:.1
IV therapy/IV access request|Indication|.4|Antibiotics:39;Hydration:37;TPN:11;Blood products- Red cells:9;Chemo:4
Consults/*|Consult Status|.8|Accepted:90;Requested:10
Consults/*|Consult Status Time|.8|TIME:1
Consults/*|Level of Urgency|.85|Routine (within 24 hours):94;Urgent (within 2 hours):6
"""
CONSULTED_BY_NAME = ("Infectious Disease", "Palliative Care", "Nephrology", "Cardiology (General)", "Gastroenterology")
CONSULTED_BY_NAME += ("Psychiatry", "Pulmonary", "Diabetes Consult")
WHEN = ("first", "last", "toicu", "outicu", "move", "day", "drawn")


@dataclass(frozen=True)
class Kind:
    """A kind of order: `label` indexes LABELS; `latent` or `treatment` is -1 where it does not look at it."""

    label: int
    when: str
    often: float
    severity: float
    need: Need
    latent: int
    direction: int
    cut: float
    treatment: int
    change: float
    stop: float


@dataclass(frozen=True)
class Detail:
    """A further field of the orders of one label; TIME stands for a time."""

    label: int
    field: str
    often: float
    values: tuple[str, ...]
    weights: np.ndarray


def _split(name: str) -> tuple[str, str]:
    kind, _, subtype = name.partition("/")
    return kind, subtype


def _kind(line: str) -> Kind:
    name, when, often, severity, need, trigger, change, stop = line.split("|")
    latent, treatment, direction, cut = -1, -1, 1, 0.0
    if trigger.startswith("on "):
        treatment = [rule.drug for rule in RULES].index(trigger[3:])
    elif trigger != "~":
        lab, sign, value = trigger.split()
        latent, direction, cut = LATENT_INDEX[lab], 1 if sign == "+" else -1, float(value)
    if when not in WHEN:
        raise ValueError(f"order {name!r}: {when!r} is none of {WHEN}")
    return Kind(
        LABELS.index(_split(name)), when, float(often), float(severity), parse_need(need),
        latent, direction, cut, treatment, float(change), float(stop),
    )  # fmt: skip


def _details(line: str) -> list[Detail]:
    name, field, often, values = line.split("|")
    pairs = [value.rpartition(":") for value in values.split(";")]
    weights = np.array([float(weight) for _, _, weight in pairs])
    kind, subtype = _split(name)
    subtypes = CONSULTED_BY_NAME if subtype == "*" else (subtype,)
    texts = tuple(text for text, _, _ in pairs)
    return [Detail(LABELS.index((kind, one)), field, float(often), texts, weights / weights.sum()) for one in subtypes]


_LINES = _KINDS.strip().splitlines()
# Type and subtype of every kind of order, drugs first; a subtype "~" is none.
LABELS: tuple[tuple[str, str], ...] = (
    ("Medications", "~"),
    ("IV therapy", "IV fluids"),
    *dict.fromkeys(_split(line.split("|")[0]) for line in _LINES),
)
KINDS: tuple[Kind, ...] = tuple(_kind(line) for line in _LINES)
DETAILS: tuple[Detail, ...] = tuple(detail for line in _DETAILS.strip().splitlines() for detail in _details(line))

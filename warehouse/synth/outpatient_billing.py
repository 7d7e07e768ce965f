"""Rows of hcpcsevents, what is billed for patients under observation, and the dictionary d_hcpcs.

In: a `World`. Out: `Rows` and dictionary columns. Only stays under observation are billed by HCPCS, for they count as outpatient
care: the hours of observation, the physician's care, and what was done for the reason of the stay. Codes of level II carry
their public text; those of CPT only the chapter they stand in, as in MIMIC-IV.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from warehouse.synth.columns import Rows, dates, ints, numbered, texts, words
from warehouse.synth.course import DAY, allowed
from warehouse.synth.patients import choose
from warehouse.synth.stays import TYPES
from warehouse.synth.treatments import Need, parse_need

if TYPE_CHECKING:
    from warehouse.synth.world import World

# code|chapter of CPT|chance in a stay under observation|needs
_CPT = """
99217|Hospital observation services|.03|~
99218|Hospital observation services|.1|~
99219|Hospital observation services|.22|~
99220|Hospital observation services|.08|~
99224|Hospital observation services|.01|~
99225|Hospital observation services|.015|~
99226|Hospital observation services|.006|~
99234|Hospital observation services|.02|~
99235|Hospital observation services|.02|~
99236|Hospital observation services|.01|~
99281|Emergency department services|.002|~
99283|Emergency department services|.006|~
99284|Emergency department services|.012|~
99285|Emergency department services|.015|~
99291|Critical care services|.008|s1.8
92920|Cardiovascular|.05|of:nstemi,stemi
92921|Cardiovascular|.02|of:nstemi,stemi
92950|Cardiovascular|.002|s2
92960|Cardiovascular|.14|of:afrvr
92980|Cardiovascular|.05|of:nstemi,stemi,chestpain
93005|Cardiovascular|.12|of:chestpain,syncope,afrvr,nstemi
93017|Cardiovascular|.16|of:chestpain
93225|Cardiovascular|.05|of:syncope,tia
93306|Cardiovascular|.12|of:syncope,tia,hfex,afrvr
93350|Cardiovascular|.08|of:chestpain
93454|Cardiovascular|.06|of:chestpain,nstemi
93455|Cardiovascular|.05|of:cabghx
93458|Cardiovascular|.06|of:chestpain,nstemi
93620|Cardiovascular|.05|of:afrvr
93653|Cardiovascular|.05|of:afrvr
93880|Non-invasive vascular diagnostic studies|.15|of:tia,syncope
93970|Non-invasive vascular diagnostic studies|.15|of:dvthx,cellulitis
95819|Neurology and neuromuscular procedures|.25|of:seizure,syncope
94640|Pulmonary|.3|of:asthmaex,copdex
94660|Pulmonary|.06|of:osa,copdex
96360|Hydration, therapeutic, prophylactic, and diagnostic injections and infusions|.012|~
96365|Hydration, therapeutic, prophylactic, and diagnostic injections and infusions|.016|~
96374|Hydration, therapeutic, prophylactic, and diagnostic injections and infusions|.012|~
90935|Dialysis|.5|of:esrd,dialysis
90834|Psychiatry|.3|of:overdose,depression
10060|Integumentary system|.15|of:cellulitis
11042|Integumentary system|.05|of:cellulitis
12001|Integumentary system|.25|of:fall
19301|Integumentary system|.1|of:breastca
19303|Integumentary system|.1|of:breastca
20610|Musculoskeletal system|.02|of:osteoarth
22551|Musculoskeletal system|.03|of:backpain
27235|Musculoskeletal system|.05|of:osteoporosis
29881|Musculoskeletal system|.02|of:osteoarth
31622|Respiratory system|.05|of:lungca,ild
31624|Respiratory system|.05|of:lungca,ild
32555|Respiratory system|.04|of:chf,lungca
33208|Cardiovascular system|.05|of:syncope
33249|Cardiovascular system|.03|of:chfsys
36252|Cardiovascular system|.005|~
36415|Cardiovascular system|.01|~
36556|Cardiovascular system|.01|s1.2
36569|Cardiovascular system|.008|~
36830|Cardiovascular system|.05|of:esrd
37225|Cardiovascular system|.04|of:pvd
38500|Hemic and lymphatic systems|.04|of:lymphoma
38221|Hemic and lymphatic systems|.05|of:leukemia,myeloma
43235|Digestive system|.12|of:gibleed,gerd
43237|Digestive system|.006|~
43239|Digestive system|.12|of:gibleed,gerd
43264|Digestive system|.08|of:gallstones,pancreatitis
43276|Digestive system|.03|of:gallstones,pancca
44970|Digestive system|.85|of:appendicitis
45378|Digestive system|.12|of:gibleed,ibd
45380|Digestive system|.1|of:gibleed,ibd,colonca
47562|Digestive system|.4|of:cholecystitis
49083|Digestive system|.25|of:ascites
49505|Digestive system|.01|~
50590|Urinary system|.02|of:uti
51702|Urinary system|.06|of:bph
52332|Urinary system|.06|of:uti
52601|Male genital system|.04|of:bph
58571|Female genital system|.004|~
59025|Maternity care and delivery|.3|of:delivery
60220|Endocrine system|.01|of:hyperthyroid
60500|Endocrine system|.15|of:hyperpara
61070|Nervous system|.01|of:brainmet
62270|Nervous system|.1|of:seizure,migraine
64415|Nervous system|.01|~
64483|Nervous system|.06|of:backpain
70450|Diagnostic radiology|.12|of:tia,fall,syncope,seizure
70551|Diagnostic radiology|.12|of:tia,seizure
71045|Diagnostic radiology|.015|~
71275|Diagnostic radiology|.06|of:chestpain,dvthx
74177|Diagnostic radiology|.08|of:gastroent,appendicitis
76705|Diagnostic ultrasound|.1|of:gallstones
78452|Nuclear medicine|.12|of:chestpain
80053|Organ or disease oriented panels|.006|~
84484|Chemistry|.02|of:chestpain
85025|Hematology and coagulation|.006|~
97161|Physical medicine and rehabilitation|.08|of:fall,backpainadm
"""

# code|short text|long text|chance|needs
_LEVEL_2 = """
G0378|Hospital observation per hr|Hospital observation service, per hour|.72|~
G0379|Direct refer hospital observ|Direct admission of patient for hospital observation care|.05|~
C9600|Perc drug-el cor stent sing|Percutaneous transcatheter placement of drug eluting intracoronary stent(s), with coronary angioplasty when performed; single major coronary artery or branch|.08|of:nstemi,stemi
C8929|Tte w or wo fol wcon,doppler|Transthoracic echocardiography with contrast, or without contrast followed by with contrast, real-time with image documentation (2d), includes m-mode recording, when performed, complete, with spectral doppler echocardiography, and with color flow doppler echocardiography|.03|of:hfex,chestpain
G0269|Occlusive device in vein art|Placement of occlusive device into either a venous or arterial access site, post surgical or interventional procedure (e.g., angioseal plug, vascular plug)|.03|of:nstemi,chestpain
G0260|Inj for sacroiliac jt anesth|Injection procedure for sacroiliac joint; provision of anesthetic, steroid and/or other therapeutic agent, with or without arthrography|.03|of:backpain
G0257|Unsched dialysis esrd pt hos|Unscheduled or emergency dialysis treatment for an esrd patient in a hospital outpatient department that is not certified as an esrd facility|.2|of:esrd,dialysis
G0463|Hospital outpt clinic visit|Hospital outpatient clinic visit for assessment and management of a patient|.006|~
G0008|Admin influenza virus vac|Administration of influenza virus vaccine|.006|~
J1885|Ketorolac tromethamine inj|Injection, ketorolac tromethamine, per 15 mg|.012|~
J2405|Ondansetron hcl injection|Injection, ondansetron hydrochloride, per 1 mg|.012|~
J1170|Hydromorphone injection|Injection, hydromorphone, up to 4 mg|.01|~
J2270|Morphine sulfate injection|Injection, morphine sulfate, up to 10 mg|.01|~
J1644|Inj heparin sodium per 1000u|Injection, heparin sodium, per 1000 units|.01|~
J1650|Inj enoxaparin sodium|Injection, enoxaparin sodium, 10 mg|.005|~
J0696|Ceftriaxone sodium injection|Injection, ceftriaxone sodium, per 250 mg|.006|~
J3370|Vancomycin hcl injection|Injection, vancomycin hcl, 500 mg|.05|of:cellulitis
J1940|Furosemide injection|Injection, furosemide, up to 20 mg|.06|of:chf,hfex
J2060|Lorazepam injection|Injection, lorazepam, 2 mg|.1|of:alcwd,seizure
J1815|Insulin injection|Injection, insulin, per 5 units|.02|of:dm1,insulinuse
J7030|Normal saline solution infus|Infusion, normal saline solution, 1000 cc|.01|~
P9016|Rbc leukocytes reduced|Red blood cells, leukocytes reduced, each unit|.08|of:anemia,gibleed
A9500|Tc99m sestamibi|Technetium tc-99m sestamibi, diagnostic, per study dose|.1|of:chestpain
Q9967|Locm 300-399mg/ml iodine,1ml|Low osmolar contrast material, 300-399 mg/ml iodine concentration, per ml|.012|~
"""  # noqa: E501
# Chance that a stay under observation is billed so, by kind of admission; the day of most codes is that of admission.
_BILLED = {
    "OBSERVATION ADMIT": 0.3,
    "EU OBSERVATION": 0.98,
    "DIRECT OBSERVATION": 0.98,
    "AMBULATORY OBSERVATION": 0.98,
}
_BILLED_SHARE = np.array([_BILLED.get(kind, 0.0) for kind in TYPES])
_LATER_DAY = 0.05


@dataclass(frozen=True)
class Code:
    """A billed code: `long` is None and `category` 1 for those of CPT."""

    code: str
    short: str
    long: str | None
    chance: float
    need: Need


def _cpt(line: str) -> Code:
    code, chapter, chance, need = line.split("|")
    return Code(code, chapter, None, float(chance), parse_need(need))


def _level_2(line: str) -> Code:
    code, short, long, chance, need = line.split("|")
    return Code(code, short, long, float(chance), parse_need(need))


CODES: tuple[Code, ...] = (
    *map(_level_2, _LEVEL_2.strip().splitlines()),
    *map(_cpt, _CPT.strip().splitlines()),
)


def hcpcs_rows(world: "World") -> Rows:
    """Rows of hcpcsevents."""
    rng, course, stays = world.stream("hcpcsevents"), world.course, world.stays
    stay = np.flatnonzero(rng.random(len(stays.kind)) < _BILLED_SHARE[stays.kind])
    episode, present, peak = course.episode[stay], course.present[stay], course.peak[stay]
    billed = np.empty((len(stay), len(CODES)), bool)
    for number, code in enumerate(CODES):
        suits = allowed(code.need, episode, present) & (peak >= code.need.severity)
        billed[:, number] = suits & (rng.random(len(stay)) < code.chance)
    # Every stay that is billed has at least its hours.
    billed[~billed.any(axis=1), 0] = True
    row, number = np.nonzero(billed)
    admission = stay[row]
    who = course.patient[admission]
    first, last = course.admit[admission] // DAY, course.disch[admission] // DAY
    later = choose(rng, np.array([1 - _LATER_DAY, _LATER_DAY]), len(row))
    columns = {
        "subject_id": ints(world.patients.subject_id[who]),
        "hadm_id": ints(stays.hadm[admission]),
        "chartdate": dates(np.minimum(first + later, last) + world.patients.shift_days[who]),
        "hcpcs_cd": words(number, [code.code for code in CODES]),
        "seq_num": ints(numbered(admission, number)),
        "short_description": words(number, [code.short for code in CODES]),
    }
    return Rows(who, columns)


def hcpcs() -> dict[str, pa.Array]:
    """Columns of d_hcpcs."""
    coded = sorted(CODES, key=lambda code: code.code)
    return {
        "code": texts([code.code for code in coded]),
        "category": ints(np.ones(len(coded)), np.array([code.long is not None for code in coded])),
        "long_description": texts([code.long for code in coded]),
        "short_description": texts([code.short for code in coded]),
    }

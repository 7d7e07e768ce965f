"""Why patients come to an emergency department: a table of reasons, and which reason each acute episode gives at the door.

A reason has the words it is told in, the symptom it is coded as, how often it brings patients who go home again, what it does to
vital signs, and the drugs it is met with. An episode without a line of its own is placed by words of its title, then by its
service. Coded symptoms carry short titles in capitals in ICD-9 and mixed case in ICD-10, as the emergency department's do.
"""

# ruff: noqa: E501 (a row of a table is one line)

from dataclasses import dataclass

import numpy as np

from warehouse.synth.conditions import CONDITION_INDEX, pairs
from warehouse.synth.episodes import EPISODES, Episode

VITALS = ("temp", "hr", "rr", "o2", "sbp", "dbp")

# key|words|ICD-9|title|ICD-10|title|weight of visits that end without admission|slope on age (log-odds per 20 years)|
# male (log-odds)|attracted by (log-odds)|severity of such a visit|usual pain|effect of a unit of severity on vital signs|
# drugs given (chance)
_REASONS = """
abdpain|Abd pain;Abd pain, N/V;RLQ abdominal pain;LLQ abdominal pain;RUQ abdominal pain;Epigastric pain;Abd pain, Diarrhea;Lower abdominal pain;Abdominal distention|78900|ABDOMINAL PAIN UNSPEC SITE|R109|Unspecified abdominal pain|12|-.3|-.4|ibd:.8 gallstones:.8 gerd:.3 divert:.4|.45|7|hr+4 sbp+4|ondansetron:.45 morphine:.32 ketorolac:.12 acetaminophen:.12 alumag:.14 famotidine:.06 barium:.25 hydromorphone:.1
chestpain|Chest pain;Chest pain, Dyspnea;CHEST PAIN;Chest pressure;L Chest pain;Chest pain, Palpitations|78650|CHEST PAIN NOS|R079|Chest pain, unspecified|7|.2|.1|cad:.8 anxiety:.3 htn:.3|.45|5|hr+4|aspirin:.5 nitroglycerin:.18 ketorolac:.08 morphine:.1 acetaminophen:.08 alumag:.12 heparin:.04
dyspnea|Dyspnea;SOB;SHORTNESS OF BREATH;Dyspnea, Cough;Dyspnea on exertion;Wheezing;Asthma exacerbation|78609|RESPIRATORY ABNORM NEC|R0600|Dyspnea, unspecified|4.5|.2|-.1|copd:1.1 asthma:1.2 chf:.9 homeoxygen:.8|.6|1|hr+6 rr+3 o2-2.2|albuterol:.45 ipratropium:.35 prednisone:.25 methylprednisolone:.12 furosemide:.14 azithromycin:.1 nitroglycerin:.05
cough|Cough;Cough, Fever;ILI;Productive cough;URI symptoms;Cough, Dyspnea|7862|COUGH|R05|Cough|3.2|-.4|-.1|asthma:.4 smoker:.3|.35|2|temp+1 hr+5 rr+1.5 o2-1|acetaminophen:.25 azithromycin:.15 albuterol:.22 ibuprofen:.12 benzonatate:.12
fever|Fever;FEVER;Fever, Chills;Fever, Cough;? INFECTION;Fever, N/V|78060|FEVER, UNSPECIFIED|R509|Fever, unspecified|2.2|-.3|0|hiv:.5 leukemia:.8 lymphoma:.6 kidneytx:.7|.6|3|temp+1.4 hr+8 rr+1.5 sbp-5|acetaminophen:.6 ceftriaxone:.2 vancomycin:.22 cefepime:.16 piptazo:.1 ibuprofen:.1
fall|s/p Fall;S/P FALL;s/p Fall, Head injury;s/p Fall, Hip pain;s/p Fall, R Wrist pain;s/p Fall, Back pain;s/p Fall, L Shoulder pain|E8889|UNSPECIFIED FALL|W1830XA|Fall on same level, unspecified, initial encounter|6|.9|-.3|falls:1 dementia:.7 osteoporosis:.4 alcdep:.4|.3|6|hr+2|acetaminophen:.35 oxycodone:.2 morphine:.14 ibuprofen:.12 tetanus:.1 lidocaine:.1
headinj|Head injury;Head injury, Neck pain;Head lac, s/p Fall;Facial injury|95901|HEAD INJURY UNSPECIFIED|S0990XA|Unspecified injury of head, initial encounter|2|0|.2|alcohol:.5 falls:.4|.3|5|~|acetaminophen:.35 ondansetron:.1 tetanus:.16 lidocaine:.15
mvc|MVC;Transfer, MVC;MVC, Neck pain;PEDESTRIAN STRUCK;Bicycle accident|E8199|TRAFFIC ACC NOS-PERS NOS|V892XXA|Person injured in unsp motor-vehicle accident, traffic, init|3|-.7|.2|~|.3|6|hr+4|acetaminophen:.28 ibuprofen:.28 cyclobenzaprine:.1 morphine:.12 oxycodone:.12
assault|Assault;s/p Assault, Facial injury;STAB WOUND;Assault, Head injury|E9689|ASSAULT NOS|Y09|Assault by unspecified means|1.2|-1.2|.8|homeless:.7 alcohol:.5|.3|7|hr+5|acetaminophen:.2 ibuprofen:.18 tetanus:.25 lidocaine:.2 oxycodone:.12
laceration|Hand laceration;Finger laceration;Laceration;Foot laceration;L Finger injury|8830|OPEN WOUND OF FINGER|S61219A|Laceration w/o fb of unsp finger w/o damage to nail, init|3.2|-.5|.5|~|.1|5|~|lidocaine:.5 tetanus:.5 acetaminophen:.12 ibuprofen:.12 cephalexin:.08
armpain|L Shoulder pain;R Hand pain;R Wrist injury;L Arm pain;Elbow pain;RIGHT HAND PAIN|7295|PAIN IN LIMB|M79609|Pain in unspecified limb|3|-.2|.1|osteoarth:.3|.12|6|~|ibuprofen:.28 acetaminophen:.25 oxycodone:.2
legpain|R Leg pain;L Knee pain;R Ankle pain;L Foot pain;Toe pain;L Hip pain;R Foot pain;LOWER EXTREMITY PAIN|71946|JOINT PAIN-L/LEG|M25569|Pain in unspecified knee|5|.1|-.1|gout:.8 osteoarth:.4 pvd:.5 dm2ckd:.4|.2|6|~|ibuprofen:.25 acetaminophen:.28 oxycodone:.25 ketorolac:.1
legswell|B Leg swelling;L Leg swelling;R Leg pain, R Leg swelling;Edema;L Leg DVT|7823|EDEMA|R600|Localized edema|1.6|.5|0|chf:.9 dvthx:.9 cirrhosis:.6|.35|3|o2-.6|furosemide:.25 enoxaparin:.2 oxycodone:.1
backpain|Lower back pain;Back pain;Back pain, L Leg pain;Upper back pain|7242|LUMBAGO|M545|Low back pain|4|-.1|.1|backpain:1.2 chronicpain:.9|.2|8|hr+2 sbp+4|ketorolac:.3 oxycodone:.3 diazepam:.25 lidopatch:.2 cyclobenzaprine:.15 morphine:.14 acetaminophen:.25
neckpain|Neck pain;Neck pain, Headache;L Neck pain|7231|CERVICALGIA|M542|Cervicalgia|1|-.3|-.1|backpain:.5|.15|6|~|ibuprofen:.25 diazepam:.15 lidopatch:.15 ketorolac:.15
headache|Headache;HEADACHE;Headache, N/V;Migraine;Headache, Photophobia|7840|HEADACHE|R51|Headache|4.2|-.7|-.6|migraine:1.5 htn:.1|.3|7|sbp+8|metoclopramide:.3 ketorolac:.25 acetaminophen:.3 diphenhydramine:.22 prochlorperazine:.18 ondansetron:.1
dizzy|Dizziness;Dizziness, Weakness;Vertigo;Lightheaded;Presyncope|7804|DIZZINESS AND GIDDINESS|R42|Dizziness and giddiness|3.2|.4|-.3|afib:.2 anemia:.3|.35|1|sbp-3|meclizine:.3 ondansetron:.2 diazepam:.08
syncope|Syncope;Syncope, Head injury;SYNCOPE;Presyncope, Weakness|7802|SYNCOPE AND COLLAPSE|R55|Syncope and collapse|2|.4|0|afib:.3 pacer:.4 valve:.4|.45|1|sbp-6 hr-2|acetaminophen:.08 ondansetron:.08 aspirin:.08
weakness|Weakness;Weakness, Fatigue;Fatigue;Lethargy;FTT;Failure to thrive;Dehydration, Fatigue|78079|OTHER MALAISE AND FATIGUE|R531|Weakness|2.4|.8|-.1|dementia:.5 anemia:.3 livermet:.6 pancca:.5|.6|1|hr+3 sbp-4|ondansetron:.1 potassium:.12 ceftriaxone:.1 magnesium:.06
ams|Altered mental status;Confusion;ALTERED MENTAL STATUS;Lethargy, Altered mental status;Unresponsive|78097|ALTERED MENTAL STATUS|R4182|Altered mental status, unspecified|1|.9|.1|dementia:1 cirrhosis:.7 alcdep:.6 epilepsy:.4|.9|0|hr+5 rr+1.5 sbp-4 temp+.3|haloperidol:.1 lorazepam:.14 ceftriaxone:.14 naloxone:.06 lactulose:.1 vancomycin:.08
seizure|Seizure;SEIZURE;Seizure, Altered mental status|78039|OTHER CONVULSIONS|R569|Unspecified convulsions|1.2|-.4|.2|epilepsy:2.4 alcdep:.9 brainmet:1|.6|1|hr+8 temp+.2|lorazepam:.4 levetiracetam:.5 acetaminophen:.1
stroke|L Weakness;Facial droop;FACIAL DROOP;R Weakness, Slurred speech;CVA;Facial numbness;Unsteady gait;Diplopia|43491|CRBL ART OCL NOS W INFRC|I639|Cerebral infarction, unspecified|.9|.9|0|strokehx:.7 afib:.5 htn:.4|.8|1|sbp+14 hr+1|aspirin:.3 labetalol:.12 acetaminophen:.1
ich|Head bleed;HEAD BLEED;ICH;Headache, SAH, Transfer;SDH;SDH/SAH|431|INTRACEREBRAL HEMORRHAGE|I619|Nontraumatic intracerebral hemorrhage, unspecified|0|.8|.1|~|1.8|3|sbp+12 hr+2|nicardipine:.35 levetiracetam:.5 fentanyl:.15 propofol:.15 labetalol:.15 kcentra:.1
nausea|N/V;n/v/d;Vomiting;N/V, Abd pain;VOMITING;Decreased PO intake|78701|NAUSEA WITH VOMITING|R112|Nausea with vomiting, unspecified|3|-.5|-.4|dm1:.5 ibd:.4|.45|4|hr+6 sbp-3|ondansetron:.7 metoclopramide:.2 famotidine:.14 prochlorperazine:.1 lorazepam:.08
diarrhea|Diarrhea;n/v/d;Diarrhea, Hypotension;DIARRHEA,FEVER|78791|DIARRHEA|R197|Diarrhea, unspecified|1.2|-.1|-.1|ibd:1 uc:1 kidneytx:.5|.5|3|hr+5 sbp-5 temp+.3|ondansetron:.3 metronidazole:.1 potassium:.12
flank|R Flank pain;L Flank pain;Flank pain, Hematuria;Hematuria|7880|RENAL COLIC|N23|Unspecified renal colic|2.4|-.2|.4|~|.35|8|hr+4 sbp+6|ketorolac:.5 morphine:.3 ondansetron:.35 tamsulosin:.25
dysuria|Dysuria;Urinary frequency;Dysuria, Flank pain;UTI;Suprapubic pain|5990|URIN TRACT INFECTION NOS|N390|Urinary tract infection, site not specified|1.8|.1|-1|incont:.7 kidneytx:.6|.3|4|temp+.7 hr+4|ceftriaxone:.3 ciprofloxacin:.22 nitrofurantoin:.22 phenazopyridine:.15 acetaminophen:.12
urinret|Urinary retention;Clogged foley;Foley eval;Urinary retention, Lower abdominal pain|78820|RETENTION URINE NOS|R339|Retention of urine, unspecified|1|1.1|1.6|bph:1 paraplegia:1|.25|5|~|lidojelly:.6 ciprofloxacin:.12 tamsulosin:.1
rectbleed|BRBPR;Rectal bleeding;Melena;GI bleed;Coffee ground emesis;Hematemesis|5789|GASTROINTEST HEMORR NOS|K922|Gastrointestinal hemorrhage, unspecified|1.4|.4|.1|anticoag:.6 cirrhosis:.7 divert:.7 ibd:.6|.6|2|hr+8 sbp-9|pantoprazole:.5 octreotide:.14 ondansetron:.14
anemia|Anemia;Abnormal labs, Anemia;LOW HCT|2859|ANEMIA NOS|D649|Anemia, unspecified|.5|.7|-.1|anemia:1 myeloma:.8 leukemia:1|.6|0|hr+4|acetaminophen:.1 diphenhydramine:.1
labs|Abnormal labs;ABNORMAL LAB VALUES;Hyperkalemia;ELEVATED INR;Hyponatremia|79099|OTHER NONSPEC BLOOD FINDINGS|R799|Abnormal finding of blood chemistry, unspecified|1.2|.6|.1|ckd4:.9 esrd:.8 anticoag:.4|.5|0|~|calciumgluc:.14 insulin:.16 dextrose:.14 kayexalate:.1 potassium:.14
hyperglyc|Hyperglycemia;HYPERGLYCEMIA;N/V, Hyperglycemia;DKA|25080|DIABETES W OTH SPEC MANIF TYPE II|E1165|Type 2 diabetes mellitus with hyperglycemia|.8|.1|.2|dm1:1.6 dm2:1.4 insulinuse:1|.5|1|hr+6 rr+1.5|insulin:.7 potassium:.2
hypoglyc|Hypoglycemia;HYPOGLYCEMIA;Altered mental status, Hypoglycemia|2512|HYPOGLYCEMIA NOS|E162|Hypoglycemia, unspecified|.4|.3|0|dm1:1.6 insulinuse:1.4|.5|0|hr+2|dextrose:.6
palpit|Palpitations;Tachycardia;Afib;Atrial fibrillation;Rapid heart rate|7851|PALPITATIONS|R002|Palpitations|1.6|.2|-.1|afib:1.5 hyperthyroid:.8 anxiety:.4|.5|1|hr+28 sbp-3|diltiazem:.3 metoprolol:.35 aspirin:.1 magnesium:.1
hypertens|Hypertension;HYPERTENSION;Headache, Hypertension|4019|HYPERTENSION NOS|I10|Essential (primary) hypertension|1|.6|-.1|htn:1|.3|1|sbp+35|amlodipine:.2 labetalol:.25 metoprolol:.12
hypotens|Hypotension;Hypotension, Weakness;Weakness, Hypotension;Hypotension, Fever|4589|HYPOTENSION NOS|I959|Hypotension, unspecified|.15|.6|.1|cirrhosis:.4|1.2|1|sbp-16 hr+8|norepinephrine:.25 vancomycin:.4 piptazo:.3 cefepime:.25
si|SI;Depression;Psych eval;Psychiatric hold;SI, Depression;Suicidal ideation;SW|V6284|SUICIDAL IDEATION|R45851|Suicidal ideations|3.2|-.7|.1|depression:1.2 bipolar:1.4 ptsd:1.1 schizo:1|.15|0|~|lorazepam:.3 nicotine:.2 olanzapine:.12 trazodone:.1 acetaminophen:.1 quetiapine:.1
psych|Psych eval;Hallucinations;Agitation;Paranoia;Psychiatric hold, Agitation|2989|PSYCHOSIS NOS|F29|Unsp psychosis not due to a substance or known physiol cond|1|-.6|.4|schizo:2.6 bipolar:1.3|.2|0|hr+6|haloperidol:.3 lorazepam:.4 olanzapine:.3 ziprasidone:.15 risperidone:.1
anxiety|Anxiety;Panic attack;Anxiety, Chest pain|30000|ANXIETY STATE NOS|F419|Anxiety disorder, unspecified|1.4|-.6|-.3|anxiety:1.4|.15|1|hr+8|lorazepam:.45 hydroxyzine:.15
etoh|ETOH;ETOH, Fall;INTOX;ETOH, SI;Withdrawal|30500|ALCOHOL ABUSE-UNSPEC|F10129|Alcohol abuse with intoxication, unspecified|2.2|-.5|.9|alcdep:2.2 alcohol:1.8 homeless:1|.3|0|hr+8|diazepam:.3 thiamine:.3 folicacid:.2 multivitamin:.25 ondansetron:.1 acetaminophen:.1
overdose|Overdose;Heroin OD;Ingestion;OD|9779|POISON-MEDICINAL AGT NOS|T50901A|Poisoning by unsp drugs, meds and biol substances, acc, init|.8|-1|.3|opioid:2 depression:.6|.6|0|rr-2 hr+4 o2-1|naloxone:.3 ondansetron:.15 acetylcysteine:.1
skin|R Leg cellulitis;Cellulitis;Abscess;L Leg redness;R FOOT ULCER/CELLULITIS;Wound infection|6829|CELLULITIS NOS|L0390|Cellulitis, unspecified|2|-.2|.2|obesity:.4 dm2:.4 opioid:.9 pvd:.5|.3|6|temp+.6 hr+4|vancomycin:.3 cephalexin:.22 cefazolin:.15 oxycodone:.2 lidocaine:.2 bactrim:.14
wound|Wound eval;L Foot pain, Wound eval;Wound check;Post-op complication|V5889|OTH SPECIFIED AFTERCARE|Z4889|Encounter for other specified surgical aftercare|1.6|.2|.1|pvd:.5 dm2ckd:.6|.25|4|temp+.3|oxycodone:.18 vancomycin:.12 acetaminophen:.14
device|PICC EVAL;G TUBE EVAL;Dislodged tube;Foley eval;Tube eval|V5889|OTH SPECIFIED AFTERCARE|Z4689|Encounter for fitting and adjustment of oth devices|.6|.5|.2|gastrostomy:3 dialysis:.6|.2|2|~|lidojelly:.1
allergy|Allergic reaction;Rash;Hives;Rash, Pruritus|9953|ALLERGY, UNSPECIFIED|T7840XA|Allergy, unspecified, initial encounter|2|-.7|-.3|asthma:.4|.25|1|hr+5|diphenhydramine:.5 prednisone:.35 famotidine:.35 epinephrine:.07
eye|Eye pain;EYE EVAL;L Eye pain;Visual changes;R Eye redness|37991|PAIN IN OR AROUND EYE|H5710|Ocular pain, unspecified eye|1.6|0|0|glaucoma:.9|.1|4|~|eyedrops:.5 acetaminophen:.08
ent|Sore throat;Ear pain;R Ear pain;Throat pain;Epistaxis|462|ACUTE PHARYNGITIS|J029|Acute pharyngitis, unspecified|2.2|-.6|0|~|.1|5|temp+.8 hr+3|ibuprofen:.25 acetaminophen:.2 dexamethasone:.15 oxymetazoline:.1
dental|Dental pain;Toothache;Facial swelling, Dental pain|5259|DENTAL DISORDER NOS|K0889|Other specified disorders of teeth and supporting structures|.9|-.9|.1|opioid:.6|.1|8|~|ibuprofen:.4 oxycodone:.2 penicillin:.25 acetaminophen:.2
preg|Vaginal bleeding;Pregnant, Abd pain;Vaginal bleeding, Pregnant;Pelvic pain|64093|HEM EARLY PREG NOS-ANTEPARTUM|O209|Hemorrhage in early pregnancy, unspecified|6|0|-30|~|.25|5|hr+3|acetaminophen:.3 ondansetron:.14
refill|Med refill;Medication request;NEEDLE STICK;Exposure;Medical clearance|V681|ISSUE REPEAT PRESCRIPT|Z760|Encounter for issue of repeat prescription|1|-.5|.1|opioid:.5 homeless:.6|.05|1|~|~
transfer|Transfer;Transfer, Abnormal CT;Abnormal CT;Transfer, Abnormal EKG;Abnormal MRI|7999|UNKN CAUSE MORB/MORT NEC|R69|Illness, unspecified|.3|.4|.1|~|.7|2|hr+2|ondansetron:.1 morphine:.1 heparin:.06
arrest|s/p cardiac arrest;RESP ARREST;Cardiac arrest, Transfer|4275|CARDIAC ARREST|I469|Cardiac arrest, cause unspecified|0|.3|.3|~|3|0|sbp-14 hr+8 o2-3|propofol:.5 fentanyl:.5 midazolam:.4 norepinephrine:.5 amiodarone:.3
trauma|MVC/INTUBATED TRAUMA;FALL FROM HEIGHT;Trauma, Transfer;CAR VS POLE;s/p Fall, Rib fractures|95919|TRUNK INJURY-SITES NEC|S299XXA|Unspecified injury of thorax, initial encounter|0|-.4|.6|~|1.3|8|hr+8 sbp-6 rr+2|morphine:.4 hydromorphone:.3 fentanyl:.3 tetanus:.3 cefazolin:.2 ondansetron:.2
hipfx|s/p Fall, Hip fracture;LEFT HIP FX;R Hip pain, s/p Fall;Hip fracture, Transfer|8208|FX NECK OF FEMUR NOS-CL|S72009A|Fracture of unsp part of neck of unsp femur, init|0|1.6|-.5|~|1|7|hr+3|morphine:.55 oxycodone:.15 ondansetron:.14 acetaminophen:.3
"""

# episode|reasons by weight
_EPISODE_REASONS = """
hfex|dyspnea:7 legswell:2 chestpain:1 weakness:.7
copdex|dyspnea:9 cough:2
asthmaex|dyspnea:9 cough:1
pneumonia|dyspnea:4 cough:4 fever:4 weakness:1
sepsis|fever:5 hypotens:4 ams:3 weakness:2 abdpain:1
uti|dysuria:3 fever:3 weakness:3 ams:2
cellulitis|skin:9 legswell:1
osteo|skin:4 wound:4 legpain:2
aki|labs:5 weakness:4 nausea:1
dka|hyperglyc:7 nausea:3
hypoglyc|hypoglyc:8 ams:2
hyponatremia|labs:5 weakness:3 ams:1
gibleed|rectbleed:9 anemia:1
pancreatitis|abdpain:9 nausea:1
hepaticenc|ams:6 abdpain:2 labs:1
bowelobs|abdpain:7 nausea:3
appendicitis|abdpain:10
cholecystitis|abdpain:9 fever:1
diverticulitis|abdpain:9 fever:1
gastroent|diarrhea:4 nausea:4 abdpain:2
nstemi|chestpain:8 dyspnea:2
stemi|chestpain:8 arrest:.7 transfer:1
chestpain|chestpain:10
syncope|syncope:9 dizzy:1
afrvr|palpit:8 dyspnea:1 chestpain:1
stroke|stroke:9 ams:1
tia|stroke:9 dizzy:1
ich|ich:8 headache:1 ams:1
seizure|seizure:9 ams:1
pe|dyspnea:5 chestpain:4 legswell:1
hipfx|hipfx:10
trauma|trauma:8 mvc:2 assault:1
fall|fall:8 headinj:2
alcwd|etoh:9 seizure:1
overdose|overdose:10
depress|si:9 anxiety:1
psychosis|psych:9 si:1
febneut|fever:10
chemo|weakness:1 fever:1
vascular|legpain:6 wound:3
backpainadm|backpain:10
sicklecrisis|backpain:4 legpain:4 chestpain:2
covid|dyspnea:5 fever:4 cough:3
delivery|preg:10
cesarean|preg:10
"""
# Where an episode has no line above: the first word found in its title, else its service.
_TITLE_REASONS = """
fracture|fall:6 trauma:3 legpain:1
injury|trauma:6 fall:4
wound|laceration:5 wound:4
poison|overdose:10
hemorrhage|rectbleed:6 anemia:2 hypotens:1
headache|headache:10
migraine|headache:10
dizziness|dizzy:10
vertigo|dizzy:10
calculus of kidney|flank:10
ureter|flank:10
pyelonephritis|dysuria:5 flank:3 fever:3
urin|dysuria:6 urinret:3
hepat|abdpain:4 labs:4
cholangitis|abdpain:5 fever:5
colitis|diarrhea:6 abdpain:4
abscess|skin:6 abdpain:2 fever:2
infect|fever:7 weakness:2
mening|fever:5 headache:5
endocarditis|fever:8 weakness:2
pneumo|dyspnea:8 fever:2
respiratory|dyspnea:9 ams:1
asthma|dyspnea:10
heart|dyspnea:5 chestpain:5
cardi|chestpain:6 dyspnea:4
coronary|chestpain:10
aneurysm|abdpain:4 chestpain:4
embol|dyspnea:5 legswell:5
thromb|legswell:8 legpain:2
ischemi|abdpain:4 legpain:4
obstruct|abdpain:7 nausea:3
nausea|nausea:10
anemia|anemia:7 weakness:3
neutropeni|fever:10
leukemi|weakness:4 fever:4 labs:3
neoplasm|weakness:4 abdpain:3 transfer:2
kidney|labs:6 weakness:4
hypertens|hypertens:8 headache:2
diabet|hyperglyc:7 skin:2
hyper|labs:6 weakness:4
hypo|labs:6 weakness:4
pregnan|preg:10
deliver|preg:10
suicid|si:10
depress|si:10
bipolar|psych:7 si:3
schizo|psych:10
psycho|psych:10
alcohol|etoh:10
opioid|overdose:8 refill:1
delirium|ams:10
encephal|ams:10
convuls|seizure:10
epilep|seizure:10
pain|abdpain:4 backpain:2 chestpain:2
"""
_SERVICE_REASONS = """
MED|weakness:3 dyspnea:2 abdpain:2 fever:2 ams:1
CMED|chestpain:5 dyspnea:4 palpit:2 syncope:1
SURG|abdpain:8 nausea:1 transfer:1
OMED|fever:4 weakness:4 anemia:2
NSURG|ich:4 headache:3 backpain:2 transfer:2
CSURG|chestpain:6 dyspnea:3 transfer:2
VSURG|legpain:6 wound:3
TRAUM|trauma:5 fall:4 mvc:2
NMED|stroke:4 ams:3 seizure:2 headache:1
ORTHO|fall:5 legpain:4 backpain:2
PSYCH|si:6 psych:3 anxiety:1
OBS|preg:10
TSURG|dyspnea:6 chestpain:4
GYN|preg:4 abdpain:6
"""


@dataclass(frozen=True)
class Reason:
    """One reason to come; see the module's docstring."""

    key: str
    words: tuple[str, ...]
    icd9: str
    title9: str
    icd10: str
    title10: str
    weight: float
    age: float
    male: float
    attracted_by: dict[str, float]
    severity: float
    pain: float
    vitals: np.ndarray
    drugs: dict[str, float]


def _effects(text: str) -> np.ndarray:
    vector = np.zeros(len(VITALS))
    for word in text.split() if text != "~" else []:
        cut = max(word.find("+"), word.find("-"))
        vector[VITALS.index(word[:cut])] += float(word[cut:])
    return vector


def _reason(line: str) -> Reason:
    key, told, icd9, title9, icd10, title10, weight, age, male, attracted, severity, pain, vitals, drugs = line.split(
        "|"
    )
    return Reason(
        key, tuple(told.split(";")), icd9, title9, icd10, title10, float(weight), float(age), float(male), pairs(attracted),
        float(severity), float(pain), _effects(vitals), pairs(drugs),
    )  # fmt: skip


def _weights(text: str) -> dict[str, np.ndarray]:
    """Lines `name|reason:weight ...` as weights over REASONS, by name."""
    table = {}
    for line in text.strip().splitlines():
        name, reasons = line.split("|")
        table[name] = np.zeros(len(REASONS))
        for key, weight in pairs(reasons).items():
            table[name][REASON_INDEX[key]] = weight
    return table


REASONS: tuple[Reason, ...] = tuple(_reason(line) for line in _REASONS.strip().splitlines())
REASON_INDEX: dict[str, int] = {reason.key: number for number, reason in enumerate(REASONS)}
_BY_EPISODE, _BY_TITLE, _BY_SERVICE = (_weights(text) for text in (_EPISODE_REASONS, _TITLE_REASONS, _SERVICE_REASONS))


def reasons_of(episode: Episode) -> np.ndarray:
    """Weights of REASONS at the door for an acute episode."""
    if episode.key in _BY_EPISODE:
        return _BY_EPISODE[episode.key]
    title = episode.title.lower()
    found = [weights for word, weights in _BY_TITLE.items() if word in title]
    return found[0] if found else _BY_SERVICE.get(episode.service, _BY_SERVICE["MED"])


EPISODE_REASONS: np.ndarray = np.array([reasons_of(episode) for episode in EPISODES])
# What attracts visits that end without admission: log-odds by condition, (conditions, reasons).
ATTRACTION: np.ndarray = np.zeros((len(CONDITION_INDEX), len(REASONS)))
for _number, _reason_ in enumerate(REASONS):
    for _key, _value in _reason_.attracted_by.items():
        ATTRACTION[CONDITION_INDEX[_key], _number] = _value

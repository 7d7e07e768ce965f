"""Acute episodes that bring patients into the hospital, what complicates them and what is done: three tables of text.

An episode has a weight, is attracted by conditions, starts with a severity that decays, moves the latents of labitems.py
in proportion to that severity, and brings drugs, procedures, a service, a DRG and, at times, a lasting condition.
"""

# ruff: noqa: E501 (a row of a table is one line)

from dataclasses import dataclass

import numpy as np

from warehouse.synth.conditions import CONDITION_INDEX, CONDITIONS, pairs
from warehouse.synth.labitems import effects
from warehouse.synth.tail import episode_lines, procedure_lines

# key|ICD-9|ICD-10|title|weight|slope on age (log-odds per 20 years)|male (log-odds)|attracted by (log-odds)|
# severity at the start|recovery per eight hours|effect of a unit of severity on the latents|service|
# flags (S surgical, I infection, C intensive care after surgery, E elective, D delivery, P psychiatric, O often observed)|
# drugs|procedures|DRG codes with MCC, CC, neither|DRG title|APR code|APR title|leaves behind (probability)
_EPISODES = """
hfex|42823|I5023|Acute on chronic systolic (congestive) heart failure|2.2|.5|0|chf:1.9 chfsys:2 chfdia:1.8 cad:.5 afib:.4|1.5|.10|bnp+1 na-.5 bun+.5 cr+.4 lac+.3|CMED|~|furosemide:.95 metolazone:.12 nitroglycerin:.2 metoprolol:.4|cath:.08 tte:.2|291 292 293|HEART FAILURE & SHOCK|194|HEART FAILURE|chf:.6 chfsys:.3
copdex|49121|J441|Chronic obstructive pulmonary disease with (acute) exacerbation|1.6|.3|0|copd:2.3 homeoxygen:1 smoker:.6|1.3|.10|pco2+1 hco3+.5 ph-.5 wbc+.6|MED|~|prednisone:.8 methylprednisolone:.4 azithromycin:.6 ipratropium-albuterol:.9 albuterol:.8 guaifenesin:.3|niv:.2|190 191 192|CHRONIC OBSTRUCTIVE PULMONARY DISEASE|140|CHRONIC OBSTRUCTIVE PULMONARY DISEASE|copd:.7
asthmaex|49392|J45901|Unspecified asthma with (acute) exacerbation|.7|-.7|-.5|asthma:2|1.0|.16|eos+.3 po2-.3 lac+.3|MED|O|albuterol:.9 prednisone:.85 ipratropium-albuterol:.8 magnesium_sulfate:.3|~|202 203 203|BRONCHITIS & ASTHMA|141|ASTHMA|asthma:.5
pneumonia|486|J189|Pneumonia, unspecified organism|2.6|.5|.1|copd:.7 dementia:.5 hiv:.6 lungca:.6|1.5|.10|wbc+1.1 neut+.7 crp+1.2 po2-.5 na-.3 lac+.2|MED|I|levofloxacin:.3 ceftriaxone:.45 azithromycin:.45 vancomycin:.4 cefepime:.3 guaifenesin:.3 benzonatate:.2|bronch:.05|193 194 195|SIMPLE PNEUMONIA & PLEURISY|139|OTHER PNEUMONIA|~
sepsis|0389|A419|Sepsis, unspecified organism|2.6|.5|.1|esrd:.8 cirrhosis:.7 paraplegia:.8 leukemia:.7 dm2ckd:.4 gastrostomy:.6|2.3|.08|wbc+1.2 neut+.9 lac+1 plt-.4 cr+.7 crp+1.3 hco3-.6 alb-.5 bands+.8|MED|I|vancomycin:.8 piperacillin-tazobactam:.45 cefepime:.45 metronidazole:.3 meropenem:.15|cvc:.3|871 871 872|SEPTICEMIA OR SEVERE SEPSIS W/O MV >96 HOURS|720|SEPTICEMIA & DISSEMINATED INFECTIONS|~
uti|5990|N390|Urinary tract infection, site not specified|1.5|.8|-.9|incont:1 dementia:.8 kidneytx:.8 paraplegia:1|.9|.13|wbc+.7 uwbc+1.4 urbc+.7|MED|IO|ceftriaxone:.65 ciprofloxacin:.35 nitrofurantoin:.1 phenazopyridine:.1|~|689 690 690|KIDNEY & URINARY TRACT INFECTIONS|463|KIDNEY & URINARY TRACT INFECTIONS|~
cellulitis|6826|L03116|Cellulitis of left lower limb|1.3|-.1|.3|obesity:.6 dm2:.5 pvd:.6 opioid:.8|.9|.12|wbc+.7 crp+1|MED|IO|vancomycin:.7 cefazolin:.3 cephalexin:.3 sulfamethoxazole-trimethoprim:.2 clindamycin:.15|debride:.06|602 603 603|CELLULITIS|383|CELLULITIS & OTHER SKIN INFECTIONS|~
osteo|73027|M869|Osteomyelitis, unspecified|.5|0|.6|dm2:1.2 dm2ckd:1.2 pvd:1.1 opioid:.6|1.2|.06|wbc+.5 crp+1.5 plt+.5 hgb-.3|VSURG|IS|vancomycin:.8 cefepime:.4 metronidazole:.4 ertapenem:.15 oxacillin:.12|amput:.3 picc:.5 debride:.4|539 540 541|OSTEOMYELITIS|344|OSTEOMYELITIS, SEPTIC ARTHRITIS & OTHER MUSCULOSKELETAL INFECTIONS|pvd:.3
aki|5849|N179|Acute kidney failure, unspecified|1.4|.6|.2|ckd3:1.2 ckd4:1.3 chf:.5 cirrhosis:.6 dm2ckd:.9|1.3|.09|cr+1.9 bun+1.5 k+.6 phos+.6 hco3-.6|MED|~|sodium_bicarbonate:.25 sodium_chloride:.5|hd:.1|682 683 684|RENAL FAILURE|460|RENAL FAILURE|ckd3:.3
dka|25013|E1010|Type 1 diabetes mellitus with ketoacidosis without coma|.5|-.8|0|dm1:3.4 dm2:.5 insulinuse:.7|1.9|.18|glu+2 ket+1.8 hco3-1.6 ph-1.2 k+.5 phos-.3|MED|~|insulin:1 potassium_chloride:.9 sodium_chloride:.9|~|637 638 639|DIABETES|420|DIABETES|dm1:.6
hypoglyc|2510|E162|Hypoglycemia, unspecified|.35|.2|0|dm2:1.2 insulinuse:1.4 dm1:1.4|.8|.2|glu-1.6|MED|O|dextrose:.8 glucagon:.2|~|640 641 641|MISC DISORDERS OF NUTRITION,METABOLISM,FLUIDS/ELECTROLYTES|424|OTHER ENDOCRINE DISORDERS|~
hyponatremia|2761|E871|Hypo-osmolality and hyponatremia|.5|.8|-.3|chf:.4 alcdep:.5 lungca:.7|1.0|.12|na-2.4 cl-1.8|MED|~|sodium_chloride:.7 tolvaptan:.08|~|640 641 641|MISC DISORDERS OF NUTRITION,METABOLISM,FLUIDS/ELECTROLYTES|425|ELECTROLYTE DISORDERS EXCEPT HYPOVOLEMIA RELATED|~
gibleed|5789|K922|Gastrointestinal hemorrhage, unspecified|1.6|.6|.2|cirrhosis:.9 anticoag:.8 varices:1.3 alcdep:.5 afib:.3|1.5|.12|hgb-1.3 bun+.8 lac+.3 rdw+.2|MED|~|pantoprazole:.95 octreotide:.25 ferrous_sulfate:.2 sucralfate:.1|egd:.7 colo:.3|377 378 379|G.I. HEMORRHAGE|241|PEPTIC ULCER & GASTRITIS|anemia:.4 irondef:.2
pancreatitis|5770|K8590|Acute pancreatitis without necrosis or infection, unspecified|.9|-.2|.2|alcdep:1.3 alcohol:.9 gallstones:1.2|1.4|.11|lip+2.6 alt+.6 ca-.6 wbc+.7 trig+.5|SURG|~|hydromorphone:.8 morphine:.3 ondansetron:.5|ercp:.2|438 439 440|DISORDERS OF PANCREAS EXCEPT MALIGNANCY|282|DISORDERS OF PANCREAS EXCEPT MALIGNANCY|~
hepaticenc|5722|K7290|Hepatic failure, unspecified without coma|.8|0|.3|cirrhosis:2.8 alccirr:2.8 ascites:1.2|1.6|.08|bili+.9 inr+.7 alb-.5 na-.7 cr+.5 plt-.2|MED|~|lactulose:.95 rifaximin:.7 albumin:.6 ceftriaxone:.4 octreotide:.2 midodrine:.3|para:.55|441 442 443|DISORDERS OF LIVER EXCEPT MALIG,CIRR,ALC HEPA|279|HEPATIC COMA & OTHER MAJOR ACUTE LIVER DISORDERS|ascites:.3 varices:.2
bowelobs|5609|K56609|Unspecified intestinal obstruction, unspecified as to partial versus complete obstruction|1|.4|0|ibd:.9 colonca:.9 ileostomy:.8|1.1|.11|bun+.4 k-.4 lac+.3 wbc+.4|SURG|S|morphine:.5 ondansetron:.5 hydromorphone:.4|lysis:.2 tpn:.1|388 389 390|G.I. OBSTRUCTION|247|INTESTINAL OBSTRUCTION|~
appendicitis|5409|K3580|Unspecified acute appendicitis|.6|-.9|.2|~|.9|.2|wbc+1.2 neut+.7|SURG|SIO|ciprofloxacin:.4 metronidazole:.6 ceftriaxone:.3|appy:.9|338 342 343|APPENDECTOMY W/O COMPLICATED PRINCIPAL DIAG|225|APPENDECTOMY|~
cholecystitis|57400|K8000|Calculus of gallbladder with acute cholecystitis without obstruction|.9|0|-.4|gallstones:1.8 obesity:.3|1.1|.15|wbc+1 bili+.8 alt+.9 alp+.6|SURG|SI|piperacillin-tazobactam:.3 ampicillin-sulbactam:.4 hydromorphone:.4|chole:.7 ercp:.2|417 418 419|LAPAROSCOPIC CHOLECYSTECTOMY W/O C.D.E.|263|LAPAROSCOPIC CHOLECYSTECTOMY|~
diverticulitis|56211|K5732|Diverticulitis of large intestine without perforation or abscess without bleeding|.8|.1|0|divert:1.6|.9|.14|wbc+1 crp+.8|SURG|I|ciprofloxacin:.6 metronidazole:.8|colect:.15|391 392 392|ESOPHAGITIS, GASTROENT & MISC DIGEST DISORDERS|244|DIVERTICULITIS & DIVERTICULOSIS|divert:.6
gastroent|5589|K529|Noninfective gastroenteritis and colitis, unspecified|1|-.4|-.2|ibd:1 uc:1 hiv:.3|.8|.18|k-.6 hco3-.4 bun+.3 wbc+.3|MED|O|ondansetron:.7 metronidazole:.3 ciprofloxacin:.2 loperamide:.1|~|391 392 392|ESOPHAGITIS, GASTROENT & MISC DIGEST DISORDERS|249|OTHER GASTROENTERITIS, NAUSEA & VOMITING|~
nstemi|41071|I214|Non-ST elevation (NSTEMI) myocardial infarction|1.6|.8|.6|cad:1.2 oldmi:.7 dm2:.4 smoker:.4|1.5|.11|trop+2.6 ck+1.2 wbc+.3 glu+.3|CMED|~|heparin:.9 aspirin:.95 clopidogrel:.5 metoprolol:.8 atorvastatin:.9 nitroglycerin:.5 eptifibatide:.1|cath:.75 pci:.4 angio:.6|280 281 282|ACUTE MYOCARDIAL INFARCTION, DISCHARGED ALIVE|190|ACUTE MYOCARDIAL INFARCTION|cad:.95 oldmi:.6 stent:.4 aspirinuse:.5
stemi|41011|I2109|ST elevation (STEMI) myocardial infarction involving other coronary artery of anterior wall|.5|.5|.9|cad:.5 smoker:.8|2.1|.12|trop+3 ck+2 lac+.5 wbc+.5 bnp+.5|CMED|~|heparin:.9 aspirin:.95 ticagrelor:.4 clopidogrel:.4 metoprolol:.8 atorvastatin:.9 lisinopril:.5 eptifibatide:.3|cath:.95 pci:.85 angio:.9|246 247 247|PERC CARDIOVASC PROC W DRUG-ELUTING STENT|174|PERCUTANEOUS CORONARY INTERVENTION W AMI|cad:.98 oldmi:.7 stent:.85 chfsys:.2
chestpain|78650|R079|Chest pain, unspecified|2.6|.1|.1|cad:.8 anxiety:.3 stent:.5|.3|.3|trop+.2|CMED|O|aspirin:.7 nitroglycerin:.3|stress:.1|313 313 313|CHEST PAIN|203|CHEST PAIN|~
syncope|7802|R55|Syncope and collapse|1.3|.7|0|afib:.4 pacer:.3 valve:.5|.4|.25|bun+.2|MED|O|sodium_chloride:.4|~|312 312 312|SYNCOPE & COLLAPSE|204|SYNCOPE & COLLAPSE|~
afrvr|42731|I480|Paroxysmal atrial fibrillation|1.2|.7|.2|afib:1.7 valve:.4 hyperthyroid:.8|.9|.15|bnp+.6 tsh-.2|CMED|O|metoprolol:.8 diltiazem:.5 amiodarone:.25 heparin:.3 apixaban:.25 warfarin:.3 digoxin:.12 sotalol:.06 flecainide:.04|cardiovert:.25 ablation:.15|308 309 310|CARDIAC ARRHYTHMIA & CONDUCTION DISORDERS|201|CARDIAC ARRHYTHMIA & CONDUCTION DISORDERS|afib:.8 anticoag:.4
cabg|41401|I25110|Atherosclerotic heart disease of native coronary artery with unstable angina pectoris|.7|.5|1|cad:2|1.7|.11|hgb-1.2 plt-.8 glu+.5 wbc+.8 inr+.4 lac+.6|CSURG|SCE|cefazolin:.9 metoprolol:.9 aspirin:.95 furosemide:.85 propofol:.8 phenylephrine:.6 insulin:.8 oxycodone:.6 potassium_chloride:.9 amiodarone:.25 protamine:.2|cabg:.95 ecc:.9 angio:.5 lima:.8|233 235 236|CORONARY BYPASS W/O CARDIAC CATH|166|CORONARY BYPASS W/O AMI OR COMPLEX PDX|cabghx:.97 cad:.9
valvesurg|4241|I350|Nonrheumatic aortic (valve) stenosis|.5|.7|.4|valve:2.8 mitral:1.2|1.7|.11|hgb-1.2 plt-.9 wbc+.8 inr+.5 lac+.6|CSURG|SCE|cefazolin:.9 metoprolol:.8 furosemide:.9 propofol:.8 warfarin:.4 phenylephrine:.6 amiodarone:.3|avr:.9 ecc:.9 cath:.2|219 220 221|CARDIAC VALVE & OTH MAJ CARDIOTHORACIC PROC W/O CARD CATH|163|CARDIAC VALVE PROCEDURES W/O AMI OR COMPLEX PDX|anticoag:.3
stroke|43491|I639|Cerebral infarction, unspecified|1.3|.9|.1|afib:.7 htn:.5 strokehx:.7|1.5|.07|glu+.2 wbc+.2|NMED|~|aspirin:.8 atorvastatin:.85 clopidogrel:.3 heparin:.6 alteplase:.1 labetalol:.3|tpa:.1 mri:.3|064 065 066|INTRACRANIAL HEMORRHAGE OR CEREBRAL INFARCTION|045|CVA & PRECEREBRAL OCCLUSIONS W INFARCT|strokehx:.95
tia|4359|G459|Transient cerebral ischemic attack, unspecified|.6|.8|0|afib:.4 strokehx:.6|.4|.3|~|NMED|O|aspirin:.8 atorvastatin:.7 clopidogrel:.3|mri:.3|069 069 069|TRANSIENT ISCHEMIA|047|TRANSIENT ISCHEMIA|strokehx:.9
ich|431|I619|Nontraumatic intracerebral hemorrhage, unspecified|.5|.8|.2|htn:.4 anticoag:.7|2.3|.06|glu+.4 wbc+.4 na-.2|NSURG|~|nicardipine:.6 levetiracetam:.6 mannitol:.25 labetalol:.4 phytonadione:.15 nimodipine:.15|cranio:.2 vent:.3|064 065 066|INTRACRANIAL HEMORRHAGE OR CEREBRAL INFARCTION|044|INTRACRANIAL HEMORRHAGE|strokehx:.6
seizure|78039|R569|Unspecified convulsions|.8|-.3|.2|epilepsy:2.3 alcdep:.7 brainmet:1.3|1.0|.16|lac+1 wbc+.4 ck+.4|NMED|~|levetiracetam:.85 lorazepam:.7 phenytoin:.2 fosphenytoin:.15 lacosamide:.15|eeg:.5|100 101 101|SEIZURES|053|SEIZURE|epilepsy:.5
pe|41519|I2699|Other pulmonary embolism without acute cor pulmonale|.8|.3|.1|lungca:.8 pancca:1 dvthx:1.2|1.3|.12|trop+.6 bnp+.7 po2-.5 ldh+.3|MED|~|heparin:.8 enoxaparin:.4 warfarin:.4 rivaroxaban:.2 apixaban:.25 alteplase:.05|~|175 175 176|PULMONARY EMBOLISM|134|PULMONARY EMBOLISM|dvthx:.9 anticoag:.7
hipfx|82021|S72141A|Displaced intertrochanteric fracture of right femur, initial encounter for closed fracture|.9|1.8|-.6|osteoporosis:1.2 falls:.9 dementia:.6|1.2|.09|hgb-1 ck+.4 wbc+.4|ORTHO|S|enoxaparin:.7 oxycodone:.7 morphine:.5 cefazolin:.8 calcium_carbonate:.3 vitamin_d:.3|hipfix:.9 transf:.25|480 481 482|HIP & FEMUR PROCEDURES EXCEPT MAJOR JOINT|308|HIP & FEMUR PROCEDURES FOR TRAUMA EXCEPT JOINT REPLACEMENT|osteoporosis:.4 falls:.5
kneereplace|71536|M1711|Unilateral primary osteoarthritis, right knee|1.4|.7|-.3|osteoarth:1.4 obesity:.5|.8|.16|hgb-.9 wbc+.5|ORTHO|SE|cefazolin:.95 oxycodone:.9 enoxaparin:.6 acetaminophen:.9 ketorolac:.4 celecoxib:.15|tka:.97|469 470 470|MAJOR JOINT REPLACEMENT OR REATTACHMENT OF LOWER EXTREMITY|302|KNEE JOINT REPLACEMENT|kneerepl:.97
spine|72402|M48061|Spinal stenosis, lumbar region without neurogenic claudication|.8|.3|.1|backpain:1.5 chronicpain:.8|.9|.13|hgb-.8 wbc+.6|ORTHO|SE|cefazolin:.9 oxycodone:.9 diazepam:.4 hydromorphone:.6 gabapentin:.3 methocarbamol:.1|fusion:.8|459 460 460|SPINAL FUSION EXCEPT CERVICAL|304|DORSAL & LUMBAR FUSION PROC EXCEPT FOR CURVATURE OF BACK|~
trauma|8600|S270XXA|Traumatic pneumothorax, initial encounter|.8|-.5|.8|alcohol:.6 homeless:.5|1.7|.09|hgb-1 lac+.7 wbc+.8 ck+.8|TRAUM|S|morphine:.6 hydromorphone:.6 cefazolin:.5 oxycodone:.5|chestt:.5 transf:.2|963 964 965|OTHER MULTIPLE SIGNIFICANT TRAUMA|135|MAJOR CHEST & RESPIRATORY TRAUMA|~
fall|8730|S0100XA|Unspecified open wound of scalp, initial encounter|1|1|-.2|falls:1.2 dementia:.8 alcdep:.5|.5|.2|ck+.3 hgb-.2|TRAUM|O|acetaminophen:.8|~|604 605 605|TRAUMA TO THE SKIN, SUBCUT TISS & BREAST|384|CONTUSION, OPEN WOUND & OTHER TRAUMA TO SKIN & SUBCUTANEOUS TISSUE|falls:.4
alcwd|29181|F10239|Alcohol dependence with withdrawal, unspecified|1.2|-.4|.9|alcdep:3 alcohol:1.6 alccirr:.7|1.1|.13|mg-.8 phos-.6 k-.5 ast+.5 plt-.3|MED|O|diazepam:.75 lorazepam:.4 thiamine:.9 folic_acid:.9 multivitamin:.8 phenobarbital:.15|detox:.5|896 897 897|ALCOHOL/DRUG ABUSE OR DEPENDENCE|775|ALCOHOL ABUSE & DEPENDENCE|alcdep:.7
overdose|9654|T391X2A|Poisoning by 4-Aminophenol derivatives, intentional self-harm, initial encounter|.6|-.9|-.3|depression:1.1 bipolar:1 opioid:1|1.3|.14|alt+1.4 ast+1.4 inr+.6 lac+.5|MED|~|acetylcysteine:.6 naloxone:.2 ondansetron:.4|~|917 917 918|POISONING & TOXIC EFFECTS OF DRUGS|812|POISONING OF MEDICINAL AGENTS|depression:.5
depress|29633|F332|Major depressive disorder, recurrent severe without psychotic features|1.2|-.5|-.2|depression:1.5 bipolar:1.4 ptsd:1 anxiety:.6|.5|.03|~|PSYCH|P|sertraline:.3 quetiapine:.35 trazodone:.4 lorazepam:.4 hydroxyzine:.3 olanzapine:.2 mirtazapine:.15 lithium:.1|ect:.1|885 885 885|PSYCHOSES|751|MAJOR DEPRESSIVE DISORDERS & OTHER/UNSPECIFIED PSYCHOSES|depression:.7
psychosis|2989|F29|Unspecified psychosis not due to a substance or known physiological condition|.5|-.6|.3|schizo:2.6 bipolar:1|.6|.03|~|PSYCH|P|olanzapine:.45 risperidone:.35 haloperidol:.4 lorazepam:.5 benztropine:.3 ziprasidone:.1 chlorpromazine:.1|~|885 885 885|PSYCHOSES|750|SCHIZOPHRENIA|schizo:.4
chemo|V5811|Z5111|Encounter for antineoplastic chemotherapy|1|0|.1|leukemia:2.6 lymphoma:2.3 myeloma:1.2 lungca:.5|.7|.07|wbc-1 neut-.9 plt-.9 hgb-.5 uric+.4|OMED|E|ondansetron:.9 dexamethasone:.6 allopurinol:.4 cytarabine:.25 doxorubicin:.2 vincristine:.2 cyclophosphamide:.25 etoposide:.2 rituximab:.2 methotrexate:.15 leucovorin:.15 prochlorperazine:.4 aprepitant:.3 cisplatin:.1|chemo:.9 picc:.3|846 847 848|CHEMOTHERAPY W/O ACUTE LEUKEMIA AS SECONDARY DIAGNOSIS|693|CHEMOTHERAPY|~
febneut|28803|D709|Neutropenia, unspecified|.5|0|0|leukemia:2.6 lymphoma:1.8 bmt:1.6 breastca:.8 myeloma:1|1.4|.09|wbc-1.8 neut-1.8 plt-.9 hgb-.5 crp+1|OMED|I|cefepime:.9 vancomycin:.6 filgrastim:.5 acyclovir:.5 fluconazole:.4 micafungin:.2 voriconazole:.1|transf:.3|808 809 810|MAJOR HEMATOL/IMMUN DIAG EXC SICKLE CELL CRISIS & COAGUL|660|MAJOR HEMATOLOGIC/IMMUNOLOGIC DIAG EXC SICKLE CELL CRISIS & COAGUL|~
tumorsurg|1539|C189|Malignant neoplasm of colon, unspecified|.8|.5|.1|colonca:2.2 breastca:.6 pancca:1.2|1.1|.11|hgb-.8 wbc+.6 alb-.4|SURG|SE|cefazolin:.7 metronidazole:.5 hydromorphone:.8 ketorolac:.3 oxycodone:.6|colect:.7|329 330 331|MAJOR SMALL & LARGE BOWEL PROCEDURES|221|MAJOR SMALL & LARGE BOWEL PROCEDURES|colonca:.6
vascular|44022|I70222|Atherosclerosis of native arteries of extremities with rest pain, left leg|.5|.5|.5|pvd:2.4 smoker:.6 dm2ckd:.5|1.1|.1|hgb-.6 wbc+.4|VSURG|S|heparin:.8 aspirin:.8 oxycodone:.6 cefazolin:.7 clopidogrel:.3|bypass:.6 angiopl:.5|252 253 254|OTHER VASCULAR PROCEDURES|181|LOWER EXTREMITY ARTERIAL PROCEDURES|pvd:.9
delivery|650|O80|Encounter for full-term uncomplicated delivery|2.6|-9|-30|~|.3|.15|hgb-.7 wbc+.8 alb-.7 fib+.8|OBS|D|oxytocin:.8 ibuprofen:.85 acetaminophen:.7 docusate:.7 misoprostol:.1|deliv:.9 perineal:.4|774 774 775|VAGINAL DELIVERY|560|VAGINAL DELIVERY|~
cesarean|66971|O82|Encounter for cesarean delivery without indication|1.4|-9|-30|~|.6|.13|hgb-1.2 wbc+.9 alb-.8 fib+.8|OBS|DS|oxytocin:.9 ibuprofen:.8 ketorolac:.7 cefazolin:.9 oxycodone:.7 morphine:.4 methylergonovine:.05|csect:.97|765 765 766|CESAREAN SECTION|540|CESAREAN DELIVERY|~
bariatricop|27801|E6601|Morbid (severe) obesity due to excess calories|.5|-.9|-.9|morbid:2.8|.7|.18|wbc+.6 hgb-.4|SURG|SE|cefazolin:.9 hydromorphone:.7 ondansetron:.8 oxycodone:.6 ursodiol:.3|sleeve:.95|619 620 621|O.R. PROCEDURES FOR OBESITY|403|PROCEDURES FOR OBESITY|bariatric:.97
backpainadm|7242|M545|Low back pain|.6|.1|0|backpain:1.7 chronicpain:1|.4|.18|~|MED|O|oxycodone:.6 diazepam:.3 ketorolac:.3 lidocaine:.5 cyclobenzaprine:.3|~|551 552 552|MEDICAL BACK PROBLEMS|347|OTHER BACK & NECK DISORDERS, FRACTURES & INJURIES|~
sicklecrisis|28262|D5700|Hb-SS disease with crisis, unspecified|.04|-.8|0|sickle:6.5|1.1|.1|hgb-.5 ldh+1 bili+.7|OMED|~|hydromorphone:.8 morphine:.4 ketorolac:.5 hydroxyurea:.5|transf:.2|811 811 812|RED BLOOD CELL DISORDERS|662|SICKLE CELL ANEMIA CRISIS|~
covid|07989|U071|COVID-19|1.6|.6|.2|obesity:.4 dm2:.3 dementia:.4|1.8|.07|crp+1.4 ldh+1 ferr+1 po2-.8 alt+.3 fib+.8|MED|I|dexamethasone:.6 enoxaparin:.6 azithromycin:.3 ceftriaxone:.4 benzonatate:.4 guaifenesin:.4|vent:.05|177 178 179|RESPIRATORY INFECTIONS & INFLAMMATIONS|137|MAJOR RESPIRATORY INFECTIONS & INFLAMMATIONS|~
"""

# key|ICD-9|ICD-10|title|how it is found: `lab latent direction cut` (worst result beyond it) or `sev log-odds slope`
# (peak severity) or `icu log-odds slope`|share coded where found|weight in the DRG (1 CC, 2 MCC)
_COMPLICATIONS = """
c_aki|5849|N179|Acute kidney failure, unspecified|lab cr + 2.3|.55|1
c_hyponat|2761|E871|Hypo-osmolality and hyponatremia|lab na - -2.2|.6|1
c_hypernat|2760|E870|Hyperosmolality and hypernatremia|lab na + 2.3|.6|1
c_hypok|2768|E876|Hypokalemia|lab k - -1.9|.4|0
c_hyperk|2767|E875|Hyperkalemia|lab k + 2.6|.5|0
c_acidosis|2762|E872|Acidosis|lab hco3 - -2.3|.55|1
c_hypomg|2752|E8342|Hypomagnesemia|lab mg - -2.2|.35|0
c_hypophos|2753|E8339|Other disorders of phosphorus metabolism|lab phos - -2|.35|0
c_hypocalc|27541|E8351|Hypocalcemia|lab ca - -2.4|.3|0
c_bloodloss|2851|D62|Acute posthemorrhagic anemia|lab hgb - -2.6|.5|1
c_thrombo|2874|D6959|Other secondary thrombocytopenia|lab plt - -2.4|.4|1
c_leuko|28860|D72829|Elevated white blood cell count, unspecified|lab wbc + 2.4|.25|0
c_coagul|2869|D689|Coagulation defect, unspecified|lab inr + 3.8|.3|1
c_hypergly|79029|R739|Hyperglycemia, unspecified|lab glu + 3.2|.25|0
c_malnut|2639|E46|Unspecified protein-calorie malnutrition|lab alb - -2.6|.45|1
c_respfail|51881|J9601|Acute respiratory failure with hypoxia|sev -5.6 2.0|.85|2
c_shock|78552|R6521|Severe sepsis with septic shock|icu -5 1.4|.85|2
c_hypotens|4589|I959|Hypotension, unspecified|sev -3.4 .7|.6|0
c_enceph|34831|G9341|Metabolic encephalopathy|sev -5 1.0|.8|2
c_delirium|2930|F05|Delirium due to known physiological condition|sev -4.6 .8|.75|1
c_uti|5990|N390|Urinary tract infection, site not specified|sev -3.6 .5|.8|1
c_pna|486|J189|Pneumonia, unspecified organism|sev -5 .9|.85|2
c_afib|42731|I4891|Unspecified atrial fibrillation|sev -4.9 .7|.8|1
c_cdiff|00845|A047|Enterocolitis due to Clostridium difficile|sev -5.4 .7|.9|1
c_pressure|70703|L89159|Pressure ulcer of sacral region, unspecified stage|sev -5.2 .9|.8|1
c_dehyd|27651|E860|Dehydration|sev -2.9 .2|.5|0
c_nausea|78701|R112|Nausea with vomiting, unspecified|sev -3.4 0|.6|0
c_fever|78060|R509|Fever, unspecified|sev -3.8 .3|.5|0
c_retention|78820|R339|Retention of urine, unspecified|sev -3.8 .2|.6|0
c_vte|45340|I82409|Acute embolism and thrombosis of unspecified deep veins of unspecified lower extremity|sev -5.6 .6|.9|1
c_ileus|5601|K567|Ileus, unspecified|sev -4.8 .4|.8|1
c_palliative|V667|Z515|Encounter for palliative care|sev -7 1.4|.9|0
c_arrest|4275|I469|Cardiac arrest, cause unspecified|icu -6.4 1.1|.9|2
c_fallhome|E8889|W1830XA|Fall on same level, unspecified, initial encounter|sev -3.6 0|.6|0
"""

# key|ICD-9|ICD-10|title
_PROCEDURES = """
cath|3722|4A023N7|Measurement of cardiac sampling and pressure, left heart, percutaneous approach
angio|8856|B2111ZZ|Fluoroscopy of multiple coronary arteries using low osmolar contrast
pci|0066|027034Z|Dilation of coronary artery, one artery with drug-eluting intraluminal device, percutaneous approach
tte|8872|B245ZZZ|Ultrasonography of left heart
niv|9390|5A09357|Assistance with respiratory ventilation, less than 24 consecutive hours, continuous positive airway pressure
bronch|3324|0B9B8ZX|Drainage of left lower lobe bronchus, via natural or artificial opening endoscopic, diagnostic
cvc|3897|02HV33Z|Insertion of infusion device into superior vena cava, percutaneous approach
picc|3893|02H633Z|Insertion of infusion device into right atrium, percutaneous approach
art|3891|02HW32Z|Insertion of monitoring device into thoracic aorta, descending, percutaneous approach
intub|9604|0BH17EZ|Insertion of endotracheal airway into trachea, via natural or artificial opening
vent|9671|5A1945Z|Respiratory ventilation, 24-96 consecutive hours
ventlong|9672|5A1955Z|Respiratory ventilation, greater than 96 consecutive hours
feed|966|3E0G76Z|Introduction of nutritional substance into upper GI, via natural or artificial opening
tpn|9915|3E0436Z|Introduction of nutritional substance into central vein, percutaneous approach
hd|3995|5A1D70Z|Performance of urinary filtration, intermittent, less than 6 hours per day
transf|9904|30233N1|Transfusion of nonautologous red blood cells into peripheral vein, percutaneous approach
debride|8622|0JBN0ZZ|Excision of right lower leg subcutaneous tissue and fascia, open approach
amput|8411|0Y6Q0Z0|Detachment at left 1st toe, complete, open approach
egd|4513|0DJ08ZZ|Inspection of upper intestinal tract, via natural or artificial opening endoscopic
colo|4523|0DJD8ZZ|Inspection of lower intestinal tract, via natural or artificial opening endoscopic
ercp|5185|0F798DZ|Dilation of common bile duct with intraluminal device, via natural or artificial opening endoscopic
para|5491|0W9G3ZX|Drainage of peritoneal cavity, percutaneous approach, diagnostic
lysis|5459|0DN80ZZ|Release small intestine, open approach
appy|4701|0DTJ4ZZ|Resection of appendix, percutaneous endoscopic approach
chole|5123|0FT44ZZ|Resection of gallbladder, percutaneous endoscopic approach
colect|4573|0DTF0ZZ|Resection of right large intestine, open approach
stress|8944|4A12XM4|Monitoring of cardiac stress, external approach
cardiovert|9961|5A2204Z|Restoration of cardiac rhythm, single
ablation|3734|02583ZZ|Destruction of conduction mechanism, percutaneous approach
cabg|3612|021109W|Bypass coronary artery, two arteries from aorta with autologous venous tissue, open approach
lima|3615|02100Z9|Bypass coronary artery, one artery from left internal mammary, open approach
ecc|3961|5A1221Z|Performance of cardiac output, continuous
avr|3521|02RF08Z|Replacement of aortic valve with zooplastic tissue, open approach
tpa|9910|3E03317|Introduction of other thrombolytic into peripheral vein, percutaneous approach
mri|8891|B030ZZZ|Magnetic resonance imaging (MRI) of brain
cranio|0124|00C00ZZ|Extirpation of matter from brain, open approach
eeg|8914|4A10X4Z|Monitoring of central nervous electrical activity, external approach
hipfix|7935|0QS636Z|Reposition right upper femur with intramedullary internal fixation device, percutaneous approach
tka|8154|0SRC0J9|Replacement of right knee joint with synthetic substitute, cemented, open approach
fusion|8108|0SG00AJ|Fusion of lumbar vertebral joint with interbody fusion device, posterior approach, anterior column, open approach
chestt|3404|0W9930Z|Drainage of right pleural cavity with drainage device, percutaneous approach
detox|9462|HZ2ZZZZ|Detoxification services for substance abuse treatment
ect|9427|GZB2ZZZ|Electroconvulsive therapy, bilateral-single seizure
chemo|9925|3E04305|Introduction of other antineoplastic into central vein, percutaneous approach
bypass|3929|041L09L|Bypass left femoral artery to popliteal artery with autologous venous tissue, open approach
angiopl|3950|047L3ZZ|Dilation of left femoral artery, percutaneous approach
deliv|7359|10E0XZZ|Delivery of products of conception, external approach
perineal|7569|0KQM0ZZ|Repair perineum muscle, open approach
csect|741|10D00Z1|Extraction of products of conception, low, open approach
sleeve|4382|0DB64Z3|Excision of stomach, percutaneous endoscopic approach, vertical
"""


@dataclass(frozen=True)
class Episode:
    """One kind of acute episode; see the comment above its table."""

    key: str
    icd9: str
    icd10: str
    title: str
    weight: float
    age: float
    male: float
    attracted_by: dict[str, float]
    severity: float
    recovery: float
    lab_effects: np.ndarray
    service: str
    flags: str
    drugs: dict[str, float]
    procedures: dict[str, float]
    drg_codes: tuple[str, str, str]
    drg_title: str
    apr_code: str
    apr_title: str
    leaves: dict[str, float]


@dataclass(frozen=True)
class Complication:
    """One diagnosis that an admission may add, with the rule that finds it."""

    key: str
    icd9: str
    icd10: str
    title: str
    rule: tuple[str, ...]
    coded: float
    weight: int


@dataclass(frozen=True)
class Procedure:
    """One procedure with its code in both classifications."""

    key: str
    icd9: str
    icd10: str
    title: str


def _episode(line: str) -> Episode:
    f = line.split("|")
    mcc, cc, neither = f[15].split()
    return Episode(
        f[0], f[1], f[2], f[3], float(f[4]), float(f[5]), float(f[6]), pairs(f[7]), float(f[8]), float(f[9]),
        effects(f[10]), f[11], f[12].strip("~"), pairs(f[13]), pairs(f[14]), (mcc, cc, neither), f[16], f[17], f[18],
        pairs(f[19]),
    )  # fmt: skip


def _complication(line: str) -> Complication:
    key, icd9, icd10, title, rule, coded, weight = line.split("|")
    return Complication(key, icd9, icd10, title, tuple(rule.split()), float(coded), int(weight))


_WRITTEN = tuple(_EPISODES.strip().splitlines())
_TAKEN = frozenset(code for line in (*_WRITTEN, *_COMPLICATIONS.strip().splitlines()) for code in line.split("|")[1:3])
_TAKEN |= {code for one in CONDITIONS for code in (one.icd9, one.icd10)}
_TAIL = episode_lines(_WRITTEN, tuple(CONDITION_INDEX), _TAKEN)
EPISODES: tuple[Episode, ...] = tuple(_episode(line) for line in (*_WRITTEN, *_TAIL))
EPISODE_INDEX: dict[str, int] = {episode.key: number for number, episode in enumerate(EPISODES)}
COMPLICATIONS: tuple[Complication, ...] = tuple(_complication(line) for line in _COMPLICATIONS.strip().splitlines())
_ALL_PROCEDURES = (*_PROCEDURES.strip().splitlines(), *procedure_lines())
PROCEDURES: tuple[Procedure, ...] = tuple(Procedure(*line.split("|")) for line in _ALL_PROCEDURES)
PROCEDURE_INDEX: dict[str, int] = {procedure.key: number for number, procedure in enumerate(PROCEDURES)}

"""Chronic conditions and status codes of the synthetic cohort: how common, in whom, what they do and what treats them.

One line a condition: key | ICD-9 | ICD-10 | title | share of patients of 60 years in percent | slope on age (log-odds per
20 years) | male (log-odds) | loadings on the factors that make conditions cluster | effects on the latents of labitems.py
in standard deviations | home drugs with their probability | share of admissions that code it. The common
ones are written here; tail.py makes the long tail that follows them, in the same form.
"""

# ruff: noqa: E501 (a row of a table is one line)

from dataclasses import dataclass

import numpy as np

from warehouse.synth.labitems import effects
from warehouse.synth.tail import condition_lines

# cardiometabolic, pulmonary, renal, liver, oncology, psychiatric, neurological, musculoskeletal, immune, substance use
FACTORS = ("cm", "pu", "re", "li", "on", "ps", "ne", "ms", "im", "su")

_CONDITIONS = """
htn|4019|I10|Essential (primary) hypertension|44|.9|.1|cm1 re.4|~|lisinopril:.4 amlodipine:.35 metoprolol:.3 hydrochlorothiazide:.2 losartan:.2 atenolol:.1|.62
lipid|2724|E785|Hyperlipidemia, unspecified|37|.7|.2|cm1|chol+.5|atorvastatin:.45 simvastatin:.25 rosuvastatin:.15 pravastatin:.15|.62
dm2|25000|E119|Type 2 diabetes mellitus without complications|17|.5|.2|cm1.2|glu+1.2 a1c+2 trig+.4|insulin:.6 metformin:.5 glipizide:.2 glimepiride:.1 sitagliptin:.1|.7
dm2ckd|25040|E1122|Type 2 diabetes mellitus with diabetic chronic kidney disease|3|.6|.3|cm1 re1.4|glu+1.3 a1c+2 cr+1.8 bun+1 uprot+1.5 hgb-.7|insulin:.85 lisinopril:.3 calcitriol:.2|.8
dm1|25001|E109|Type 1 diabetes mellitus without complications|1.2|-.6|0|im.4 cm.3|glu+2 a1c+2.6 ket+.5|insulin:.97|.9
insulinuse|V5867|Z794|Long term (current) use of insulin|4|.3|.1|cm1.2|a1c+.8 glu+.5|insulin:.95|.75
obesity|27800|E669|Obesity, unspecified|15|-.2|-.1|cm.8|trig+.3 hdl-.5|~|.5
morbid|27801|E6601|Morbid (severe) obesity due to excess calories|5|-.4|-.3|cm.9 pu.3|trig+.4 hco3+.3|~|.6
osa|32723|G4733|Obstructive sleep apnea (adult) (pediatric)|9|.1|.6|cm.8 pu.5|hco3+.4|~|.65
cad|41401|I2510|Atherosclerotic heart disease of native coronary artery without angina pectoris|16|1.0|.8|cm1.3|trop+.3|aspirin:.8 metoprolol:.6 atorvastatin:.6 clopidogrel:.25 nitroglycerin:.25 isosorbide_mononitrate:.12|.75
stent|V4582|Z955|Presence of coronary angioplasty implant and graft|5|.7|.9|cm1.3|~|aspirin:.9 clopidogrel:.6 ticagrelor:.1 prasugrel:.05 atorvastatin:.6|.7
cabghx|V4581|Z951|Presence of aortocoronary bypass graft|4|.9|1|cm1.2|~|aspirin:.85 metoprolol:.7 atorvastatin:.6|.7
oldmi|412|I252|Old myocardial infarction|6|.8|.8|cm1.2|bnp+.5|aspirin:.8 metoprolol:.7 lisinopril:.4|.6
afib|42731|I4891|Unspecified atrial fibrillation|10|1.5|.4|cm.8|bnp+.7|metoprolol:.6 warfarin:.4 apixaban:.25 diltiazem:.2 digoxin:.12 amiodarone:.12 rivaroxaban:.1|.7
anticoag|V5861|Z7901|Long term (current) use of anticoagulants|6|1.1|.2|cm.8|inr+1.6|warfarin:.6 apixaban:.3|.7
chf|4280|I509|Heart failure, unspecified|8|1.3|.2|cm1.2 re.5 pu.3|bnp+1.8 bun+.7 na-.4 alb-.3|furosemide:.75 metoprolol:.5 lisinopril:.35 carvedilol:.3 spironolactone:.25 torsemide:.12 sacubitril-valsartan:.05|.75
chfsys|42822|I5022|Chronic systolic (congestive) heart failure|3|1.1|.7|cm1.2 re.4|bnp+2.2 bun+.8 na-.6|furosemide:.8 carvedilol:.45 metoprolol:.4 spironolactone:.4 digoxin:.15 hydralazine:.1|.75
chfdia|42832|I5032|Chronic diastolic (congestive) heart failure|3|1.5|-.4|cm1.1 re.4|bnp+1.5 bun+.6|furosemide:.75 metoprolol:.4|.75
valve|4241|I350|Nonrheumatic aortic (valve) stenosis|3|1.7|.2|cm.6|bnp+1|furosemide:.3|.6
mitral|4240|I340|Nonrheumatic mitral (valve) insufficiency|3|1.1|0|cm.6|bnp+.8|~|.4
pacer|V4501|Z950|Presence of cardiac pacemaker|3|1.7|.3|cm.7|~|~|.7
icd|V4502|Z95810|Presence of automatic (implantable) cardiac defibrillator|1.5|.8|1|cm1|bnp+1|amiodarone:.3 carvedilol:.4|.7
pvd|4439|I739|Peripheral vascular disease, unspecified|4|1|.4|cm1.1|crp+.3|aspirin:.7 cilostazol:.15|.55
aaa|4414|I714|Abdominal aortic aneurysm, without rupture|1.2|1.5|1.3|cm.8 pu.5|~|~|.6
pulmhtn|4168|I2720|Pulmonary hypertension, unspecified|2|.9|-.2|cm.6 pu.9|bnp+1.4|sildenafil:.2 furosemide:.5|.5
strokehx|V1254|Z8673|Personal history of transient ischemic attack (TIA), and cerebral infarction without residual deficits|6|1.1|.1|cm.9 ne.4|~|aspirin:.6 atorvastatin:.5 clopidogrel:.2|.55
ckd3|5853|N183|Chronic kidney disease, stage 3 (moderate)|7|1.4|.2|re1.5 cm.6|cr+1.9 bun+1.4 hgb-.6 uric+.6 phos+.2 uprot+.4|calcitriol:.1 sevelamer:.05|.65
ckd4|5854|N184|Chronic kidney disease, stage 4 (severe)|1.6|1.2|.2|re1.7 cm.6|cr+3.4 bun+2.2 hgb-1.2 phos+.8 k+.5 hco3-.7 uprot+.8|calcitriol:.3 sevelamer:.2 sodium_bicarbonate:.2 epoetin:.15|.7
hypckd|40390|I129|Hypertensive chronic kidney disease with stage 1 through stage 4 chronic kidney disease, or unspecified chronic kidney disease|5|1.2|.2|re1.5 cm.8|cr+1.4 bun+1|amlodipine:.4 labetalol:.15 hydralazine:.15|.7
esrd|5856|N186|End stage renal disease|1.8|.2|.4|re2 cm.5|cr+6.5 bun+2 hgb-1.6 phos+2 k+.7 ca-.3|sevelamer:.6 calcium_acetate:.35 cinacalcet:.25 epoetin:.3 calcitriol:.3|.95
dialysis|V4511|Z992|Dependence on renal dialysis|1.4|.2|.4|re2|cr+2.4 phos+.8|sevelamer:.5 epoetin:.3|.9
kidneytx|V420|Z940|Kidney transplant status|.8|-.4|.3|re1.4 im.8|cr+1.2 wbc-.3|tacrolimus:.8 mycophenolate:.75 prednisone:.7 sulfamethoxazole-trimethoprim:.4|.95
anemia|2859|D649|Anemia, unspecified|12|.5|-.3|re.5 on.5|hgb-1.3 rdw+.8|ferrous_sulfate:.3 cyanocobalamin:.15|.5
irondef|2809|D509|Iron deficiency anemia, unspecified|5|0|-.8|ms.3 li.3|hgb-1.2 mcv-1.5 rdw+1.5 ferr-1.6 iron-1.2|ferrous_sulfate:.6|.5
thrombocyt|2875|D696|Thrombocytopenia, unspecified|4|.4|.3|li.8 on.6|plt-1.8|~|.5
gerd|53081|K219|Gastro-esophageal reflux disease without esophagitis|24|.3|-.1|ms.4 ps.3|~|omeprazole:.4 pantoprazole:.35 famotidine:.15 ranitidine:.12 lansoprazole:.06|.6
hypothyroid|2449|E039|Hypothyroidism, unspecified|11|.5|-1|im.4 ps.2|tsh+.5|levothyroxine:.9|.75
depression|311|F329|Major depressive disorder, single episode, unspecified|17|-.2|-.5|ps1.4 su.4|~|sertraline:.25 citalopram:.2 bupropion:.15 fluoxetine:.12 trazodone:.2 escitalopram:.12 mirtazapine:.1 venlafaxine:.1 duloxetine:.08|.6
anxiety|30000|F419|Anxiety disorder, unspecified|13|-.4|-.5|ps1.4 su.4|~|lorazepam:.3 clonazepam:.2 buspirone:.08 hydroxyzine:.1 alprazolam:.08|.6
bipolar|29680|F319|Bipolar disorder, unspecified|2.5|-.7|-.1|ps1.3 su.7|~|quetiapine:.4 lithium:.25 lamotrigine:.25 divalproex:.25 olanzapine:.15|.8
schizo|29590|F209|Schizophrenia, unspecified|1|-.4|.4|ps1.2 su.6|~|risperidone:.3 olanzapine:.3 haloperidol:.15 clozapine:.15 benztropine:.25 aripiprazole:.15|.85
ptsd|30981|F4310|Post-traumatic stress disorder, unspecified|1.8|-.7|-.2|ps1.4 su.6|~|prazosin:.3 sertraline:.25 trazodone:.2|.6
smoker|3051|F17210|Nicotine dependence, cigarettes, uncomplicated|13|-.5|.3|pu1 su1|wbc+.4 hgb+.3|nicotine:.6|.6
exsmoker|V1582|Z87891|Personal history of nicotine dependence|23|.5|.4|pu.8 cm.3|~|~|.6
alcohol|30500|F1010|Alcohol abuse, uncomplicated|5|-.5|.8|su1.3 li.7|mcv+.7 ast+.6 mg-.4|thiamine:.7 folic_acid:.7 multivitamin:.6|.65
alcdep|30390|F1020|Alcohol dependence, uncomplicated|3|-.4|.9|su1.5 li1|mcv+1 ast+1 mg-.7 plt-.5|thiamine:.8 folic_acid:.8 multivitamin:.7 diazepam:.2|.75
opioid|30400|F1120|Opioid dependence, uncomplicated|2|-1.1|.4|su1.6 ps.5|~|methadone:.4 buprenorphine:.3 clonidine:.15|.8
cocaine|30560|F1410|Cocaine abuse, uncomplicated|1.5|-.9|.6|su1.6|~|~|.6
copd|496|J449|Chronic obstructive pulmonary disease, unspecified|9|1|.1|pu1.6|hco3+.7 pco2+.8 hgb+.2|albuterol:.6 tiotropium:.45 fluticasone:.4 ipratropium-albuterol:.3 prednisone:.15|.75
homeoxygen|V462|Z9981|Dependence on supplemental oxygen|1.4|.9|0|pu1.8|hco3+1.1 pco2+1.3|ipratropium-albuterol:.4|.7
asthma|49390|J45909|Unspecified asthma, uncomplicated|9|-.3|-.5|pu.7 im.5|eos+.6|albuterol:.75 fluticasone:.4 montelukast:.2 budesonide:.1|.65
ild|5163|J84112|Idiopathic pulmonary fibrosis|.5|.9|.5|pu1.1 im.3|ldh+.5|prednisone:.3|.7
cirrhosis|5715|K7460|Unspecified cirrhosis of liver|2.2|.1|.5|li2|bili+1.5 alb-1.6 plt-1.5 inr+1.3 na-.7 ast+.9|lactulose:.6 furosemide:.4 spironolactone:.5 rifaximin:.35 nadolol:.3|.85
alccirr|5712|K7030|Alcoholic cirrhosis of liver without ascites|1.3|-.1|.7|li1.8 su.9|bili+1.8 alb-1.6 plt-1.5 inr+1.4 mcv+.9 na-.8|lactulose:.6 spironolactone:.5 furosemide:.4 thiamine:.5|.85
ascites|78959|R188|Other ascites|1.2|.2|.3|li2 on.4|alb-1 na-.7|spironolactone:.5 furosemide:.5 albumin:.2|.7
varices|45621|I8510|Secondary esophageal varices without bleeding|.8|0|.4|li2|plt-.8|nadolol:.6|.7
hepc|07054|B1920|Unspecified viral hepatitis C without hepatic coma|2.6|-.1|.6|li1.2 su1|alt+1 ast+.9|~|.7
hepb|07032|B181|Chronic viral hepatitis B without delta-agent|.6|-.2|.4|li1|alt+.6|entecavir:.4 tenofovir:.3|.7
livertx|V427|Z944|Liver transplant status|.35|0|.3|li1.6 im.6|cr+.6 wbc-.3|tacrolimus:.85 mycophenolate:.6 prednisone:.4 ursodiol:.4|.95
nash|5718|K7581|Nonalcoholic steatohepatitis (NASH)|1|0|-.2|li1 cm.7|alt+.8|~|.5
hiv|042|B20|Human immunodeficiency virus [HIV] disease|.9|-.5|1.1|im.9 su.7|wbc-.4 plt-.3|emtricitabine-tenofovir:.6 dolutegravir:.3 raltegravir:.2 darunavir:.2 ritonavir:.2 abacavir:.15 lamivudine:.2|.95
gout|2749|M109|Gout, unspecified|5|.7|1|cm.5 re.8|uric+1.2|allopurinol:.65 colchicine:.25 febuxostat:.05|.6
osteoarth|71590|M1990|Unspecified osteoarthritis, unspecified site|9|.9|-.4|ms1|~|acetaminophen:.4 tramadol:.15 ibuprofen:.1 celecoxib:.06|.45
backpain|7242|M545|Low back pain|6|.1|-.1|ms1.1 ps.5|~|oxycodone:.25 gabapentin:.3 cyclobenzaprine:.15 lidocaine:.2|.4
chronicpain|33829|G8929|Other chronic pain|5|0|-.2|ms1.1 ps.7 su.5|~|oxycodone:.4 gabapentin:.35 morphine:.15 pregabalin:.1 methadone:.08|.5
osteoporosis|73300|M810|Age-related osteoporosis without current pathological fracture|6|1.5|-1.8|ms.8|vitd-.3|alendronate:.35 vitamin_d:.6 calcium_carbonate:.5|.5
ra|7140|M069|Rheumatoid arthritis, unspecified|2|.2|-1|im1.3|crp+1 hgb-.4|prednisone:.4 methotrexate:.3 hydroxychloroquine:.25 folic_acid:.3 leflunomide:.08|.7
lupus|7100|M329|Systemic lupus erythematosus, unspecified|.8|-.7|-1.8|im1.5 re.5|wbc-.5 uprot+.6|hydroxychloroquine:.65 prednisone:.5 mycophenolate:.25|.8
ibd|5559|K5090|Crohn's disease, unspecified, without complications|1|-.6|0|im1.1|crp+1 plt+.5 iron-.6|mesalamine:.3 prednisone:.3 azathioprine:.2 infliximab:.08|.8
uc|5569|K5190|Ulcerative colitis, unspecified, without complications|1|-.4|.1|im1.1|crp+.8|mesalamine:.5 prednisone:.3|.8
psoriasis|6961|L409|Psoriasis, unspecified|1.5|0|.2|im.9|~|clobetasol:.3 triamcinolone:.2|.4
bph|60000|N400|Benign prostatic hyperplasia without lower urinary tract symptoms|6|1.6|7|ms.2|psa+.6|tamsulosin:.65 finasteride:.35 doxazosin:.08|.6
incont|78830|R32|Unspecified urinary incontinence|2|1|-.8|ne.6|~|oxybutynin:.3 tolterodine:.1|.4
dementia|29420|F0390|Unspecified dementia without behavioral disturbance|3|2.6|-.2|ne1.4|~|donepezil:.5 memantine:.25 quetiapine:.15|.75
parkinson|3320|G20|Parkinson's disease|1|1.6|.4|ne1.3|~|carbidopa-levodopa:.9 pramipexole:.1 ropinirole:.1|.9
epilepsy|34590|G40909|Epilepsy, unspecified, not intractable, without status epilepticus|2.4|-.2|.1|ne1.2 su.3|~|levetiracetam:.55 lamotrigine:.2 phenytoin:.2 divalproex:.15 lacosamide:.15 carbamazepine:.08|.8
migraine|34690|G43909|Migraine, unspecified, not intractable, without status migrainosus|4|-.7|-1.3|ne.5 ps.5|~|sumatriptan:.25 topiramate:.2 amitriptyline:.12|.45
neuropathy|3569|G629|Polyneuropathy, unspecified|3|.6|.2|ne.7 cm.5|b12-.3|gabapentin:.5 duloxetine:.1 nortriptyline:.1|.5
ms|340|G35|Multiple sclerosis|.7|-.4|-1|ne1 im.7|~|baclofen:.4 gabapentin:.25|.85
insomnia|78052|G4700|Insomnia, unspecified|4|.2|-.2|ps1|~|trazodone:.3 zolpidem:.3 melatonin:.15 temazepam:.05|.4
breastca|1749|C50919|Malignant neoplasm of unspecified site of unspecified female breast|1.4|.3|-5|on1.2|~|letrozole:.15 tamoxifen:.12 anastrozole:.15|.8
breasthx|V103|Z853|Personal history of malignant neoplasm of breast|2.4|.8|-4.5|on.6|~|anastrozole:.15|.5
prostateca|185|C61|Malignant neoplasm of prostate|1.5|1|7|on.9|psa+2.2|leuprolide:.1 bicalutamide:.1|.7
prostatehx|V1046|Z8546|Personal history of malignant neoplasm of prostate|1.8|1.5|7|on.5|~|~|.5
lungca|1629|C3490|Malignant neoplasm of unspecified part of unspecified bronchus or lung|1.6|.7|.1|on1.2 pu.9|ca+.3 na-.5 alb-.6|dexamethasone:.25 prochlorperazine:.2|.85
colonca|1539|C189|Malignant neoplasm of colon, unspecified|.9|.6|.1|on1.2|hgb-.7 iron-.6|prochlorperazine:.2|.85
pancca|1579|C259|Malignant neoplasm of pancreas, unspecified|.6|.7|.1|on1.2|bili+.9 alp+1.2 alb-.8|oxycodone:.4 insulin:.2|.9
livermet|1977|C787|Secondary malignant neoplasm of liver and intrahepatic bile duct|1.1|.4|0|on1.9|alp+1.4 ast+.8 alb-.9 ldh+.8|oxycodone:.4 morphine:.3|.75
bonemet|1985|C7951|Secondary malignant neoplasm of bone|1.2|.5|.1|on1.9|alp+1.2 ca+.4 hgb-.6|oxycodone:.5 zoledronic_acid:.1 dexamethasone:.25|.75
brainmet|1983|C7931|Secondary malignant neoplasm of brain|.7|.3|0|on1.9 ne.4|wbc+.3|dexamethasone:.7 levetiracetam:.5|.8
lymphoma|20280|C8590|Non-Hodgkin lymphoma, unspecified, unspecified site|.9|.4|.3|on1.3 im.4|ldh+.7 hgb-.6|acyclovir:.4 allopurinol:.3 sulfamethoxazole-trimethoprim:.3|.9
myeloma|20300|C9000|Multiple myeloma not having achieved remission|.5|.8|.3|on1.2 re.5|hgb-1.2 ca+.5 cr+.6|dexamethasone:.4 bortezomib:.2 acyclovir:.5|.9
leukemia|20500|C9200|Acute myeloblastic leukemia, not having achieved remission|.35|.3|.2|on1.2|plt-2.4 hgb-1.8 neut-1.5 uric+.5|acyclovir:.7 fluconazole:.4 allopurinol:.5|.95
cll|20410|C9110|Chronic lymphocytic leukemia of B-cell type not having achieved remission|.5|1.3|.5|on1|wbc+2.2 neut-3|acyclovir:.2|.85
obstsleep|78057|G4730|Sleep apnea, unspecified|2|.1|.6|cm.7 pu.4|~|~|.4
divert|56210|K5730|Diverticulosis of large intestine without perforation or abscess without bleeding|4|1.1|0|ms.5|~|~|.35
hiatal|5533|K449|Diaphragmatic hernia without obstruction or gangrene|2.5|.8|-.4|ms.5|~|omeprazole:.4|.35
gallstones|57420|K8020|Calculus of gallbladder without cholecystitis without obstruction|1.6|.2|-.5|li.4|~|~|.4
constip|56400|K5900|Constipation, unspecified|5|.5|-.3|ms.5 ps.4|~|docusate:.6 senna:.6 polyethylene_glycol:.4 lactulose:.1|.4
vitdef|2689|E559|Vitamin D deficiency, unspecified|4|.1|-.3|ms.4 im.3|vitd-1.4|vitamin_d:.75|.45
b12def|2811|E538|Deficiency of other specified B group vitamins|1.5|.8|0|ne.4|b12-1.6 mcv+.9|cyanocobalamin:.7|.5
glaucoma|3659|H409|Unspecified glaucoma|2.6|1.3|0|ne.3|~|latanoprost:.55 timolol:.3 dorzolamide:.3 brimonidine:.2|.5
bariatric|V4586|Z9884|Bariatric surgery status|1.8|-.6|-1.2|cm.4 ps.3|iron-.5 b12-.5|multivitamin:.5 vitamin_d:.3 cyanocobalamin:.3|.6
aspirinuse|V5866|Z7982|Long term (current) use of aspirin|9|1|.3|cm1|~|aspirin:.9|.5
steroiduse|V5865|Z7952|Long term (current) use of systemic steroids|2|.2|-.2|im1.3 pu.6|glu+.7 wbc+.5 eos-.5|prednisone:.9|.5
falls|V1588|Z9181|History of falling|3|1.9|-.2|ne.8|~|~|.45
dnr|V4986|Z66|Do not resuscitate|2|2.2|-.1|on.6 ne.6|~|~|.7
homeless|V600|Z590|Homelessness|1.2|-.9|1|su1.5 ps.8|~|~|.7
kneerepl|V4365|Z96659|Presence of unspecified artificial knee joint|3|1.2|-.2|ms1|~|~|.5
hiprepl|V4364|Z96649|Presence of unspecified artificial hip joint|2.2|1.4|-.1|ms.9|~|~|.5
penallergy|V140|Z880|Allergy status to penicillin|7|.1|-.6|im.3|~|~|.4
sulfaallergy|V142|Z882|Allergy status to sulfonamides status|3|.2|-.8|im.3|~|~|.35
dvthx|V1251|Z86718|Personal history of other venous thrombosis and embolism|3|.4|0|on.4 im.3|inr+.4|warfarin:.35 rivaroxaban:.15|.5
ileostomy|V442|Z932|Ileostomy status|.5|.1|0|im.7 on.5|mg-.6 hco3-.5|loperamide:.5|.7
gastrostomy|V441|Z931|Gastrostomy status|.5|.6|.2|ne1.2|alb-.5|lansoprazole:.4|.7
sickle|28260|D571|Sickle-cell disease without crisis|.2|-1.2|0|im.2|hgb-2.4 bili+1.2 ldh+1|hydroxyurea:.6 folic_acid:.7 hydromorphone:.5|.95
cf|27700|E840|Cystic fibrosis with pulmonary manifestations|.12|-1.8|0|pu.6|glu+.4|azithromycin:.6 tobramycin:.4|.95
sarcoid|135|D869|Sarcoidosis, unspecified|.5|-.1|-.2|im1 pu.4|ca+.4|prednisone:.5|.7
myasthenia|35800|G7000|Myasthenia gravis without (acute) exacerbation|.25|.4|0|im.9 ne.5|~|prednisone:.5 azathioprine:.2 mycophenolate:.3|.85
scleroderma|7101|M349|Systemic sclerosis, unspecified|.2|0|-1.5|im1.1 re.4|~|omeprazole:.6 nifedipine:.4|.8
hemophilia|2860|D66|Hereditary factor VIII deficiency|.06|-.6|4|im.1|ptt+3|~|.95
addison|25541|E271|Primary adrenocortical insufficiency|.25|0|-.3|im.8|na-.9 k+.7|hydrocortisone:.6 fludrocortisone:.5 prednisone:.3|.85
hyperthyroid|24290|E0590|Thyrotoxicosis, unspecified without thyrotoxic crisis or storm|.7|-.1|-1|im.6|tsh-2.6 ft4+1.6|methimazole:.6 propranolol:.3|.7
hyperpara|25200|E213|Hyperparathyroidism, unspecified|.8|.6|-.7|re.5|ca+1.5 phos-.6|cinacalcet:.2|.5
paraplegia|3441|G8220|Paraplegia, unspecified|.4|-.4|.8|ne1|~|baclofen:.6 oxybutynin:.3|.8
adhd|31401|F909|Attention-deficit hyperactivity disorder, unspecified type|1|-1.3|.2|ps1|~|methylphenidate:.5|.5
eatingdis|30750|F509|Eating disorder, unspecified|.2|-1.5|-2.2|ps1.3|k-1 phos-.7|~|.7
rls|33394|G2581|Restless legs syndrome|1.2|.4|-.5|ne.6 re.4|ferr-.5|ropinirole:.4 pramipexole:.4|.45
fibro|7291|M797|Fibromyalgia|1.8|-.2|-2|ms.8 ps1|~|duloxetine:.25 pregabalin:.2 gabapentin:.3|.5
lungtx|V426|Z942|Lung transplant status|.06|0|.1|pu1.2 im.6|wbc-.3 cr+.8|tacrolimus:.9 mycophenolate:.7 prednisone:.9 valganciclovir:.4 voriconazole:.3|.95
bmt|V4281|Z9481|Bone marrow transplant status|.2|-.1|.2|on1.4 im.4|plt-.8|acyclovir:.7 tacrolimus:.4 atovaquone:.3|.9
tb|01190|A159|Respiratory tuberculosis unspecified|.08|0|.4|im.5 su.5|~|isoniazid:.7 rifampin:.7 pyrazinamide:.5 ethambutol:.5 pyridoxine:.6|.9
metsyn|2777|E8881|Metabolic syndrome|.6|0|0|cm1.3|trig+.6|~|.4
"""


@dataclass(frozen=True)
class Condition:
    """One chronic condition or status; see the module's docstring."""

    key: str
    icd9: str
    icd10: str
    title: str
    share: float
    age: float
    male: float
    loadings: tuple[float, ...]
    lab_effects: np.ndarray
    drugs: dict[str, float]
    coded: float


def pairs(text: str) -> dict[str, float]:
    """`a:.4 b:1` as a dict, '_' in names standing for a blank; '~' is empty."""
    words = [word.split(":") for word in text.split()] if text != "~" else []
    return {name.replace("_", " "): float(number) for name, number in words}


def _condition(line: str) -> Condition:
    key, icd9, icd10, title, share, age, male, factors, labs, drugs, coded = line.split("|")
    loading = {word[:2]: float(word[2:]) for word in factors.split()}
    return Condition(
        key, icd9, icd10, title, float(share) / 100, float(age), float(male),
        tuple(loading.get(factor, 0.0) for factor in FACTORS), effects(labs), pairs(drugs), float(coded),
    )  # fmt: skip


_WRITTEN = _CONDITIONS.strip().splitlines()
_TAKEN = frozenset(code for line in _WRITTEN for code in line.split("|")[1:3])
CONDITIONS: tuple[Condition, ...] = tuple(_condition(line) for line in (*_WRITTEN, *condition_lines(_TAKEN)))
CONDITION_INDEX: dict[str, int] = {condition.key: number for number, condition in enumerate(CONDITIONS)}

"""Classes of drugs as the emergency department lists what patients take at home, and the drugs of its dispensing cabinet.

CLASSES_OF gives each drug of treatments.py its enhanced therapeutic classes (code and words), found by the longest beginning of its
ATC code; some drugs have several, and each is a row of medrecon. CABINET lists what is dispensed in the department: names as the
cabinet spells them and their generic sequence numbers; a drug of several numbers is several rows of pyxis.
"""

# ruff: noqa: E501 (a row of a table is one line)

from dataclasses import dataclass

from warehouse.synth.treatments import DRUG_ATC, DRUG_INDEX, DRUGS

# ATC code or its beginning|class code|class|...
_CLASSES = """
A|00001059|Alternative Therapy - Unclassified
A01|00000923|Mouth and Throat - Saliva Stimulants
A02A|00000430|Antacid - Calcium
A02BA|00000443|Gastric Acid Secretion Reducers - Histamine H2-Receptor Antagonists
A02BC|00000445|Gastric Acid Secretion Reducing Agents - Proton Pump Inhibitors (PPIs)
A02BX02|00002547|Peptic Ulcer - Gastric Lumen Adherent Cytoprotectives
A03AX|00003011|Gastrointestinal Antiflatulents
A03|00000420|Antidiarrheal - Antiperistaltic Agents
A04AA|00000457|Antiemetic - Selective Serotonin 5-HT3 Antagonists
A05AA02|00002889|Laxative - Saline/Osmotic Mixtures
A06AA|00000414|Laxative - Surfactant
A06AB|00000411|Laxative - Stimulant
A06AD|00000409|Laxative - Saline and Osmotic
A06AD11|00000409|Laxative - Saline and Osmotic|00000478|Colonic Acidifier (Ammonia Inhibitor)
A07AA02|00003284|Dermatological - Antifungal Amphoteric Polyene Macrolides
A07AA11|00005844|Rifamycins and Related Derivative Antibiotics
A07DA|00000420|Antidiarrheal - Antiperistaltic Agents
A10AB|00006089|Insulin Analogs - Rapid Acting
A10BA|00000156|Insulin Response Enhancers - Biguanides
A10BB|00002578|Antihyperglycemic - Sulfonylurea Derivatives
A10BH|00005977|Antihyperglycemic - Dipeptidyl Peptidase-4 (DPP-4) Inhibitors
A11BA|00000701|Multivitamins
A11CC|00000670|Vitamins - D Derivatives
A11CC04|00000670|Vitamins - D Derivatives|00005885|Hyperparathyroid Treatment Agents - Vitamin D Analog-Type
A11DA|00000659|Vitamins - B-1, Thiamine and Derivatives
A11GA|00000667|Vitamins - C, Ascorbic Acid and Derivatives
A11HA|00000690|B-Complex Vitamin Combinations
A12AA|00000430|Antacid - Calcium|00000733|Minerals and Electrolytes - Calcium Replacement
A12BA|00005733|Minerals and Electrolytes - Potassium, Oral
B01AA|00000806|Anticoagulants - Coumarin
B01AB|00000804|Heparins
B01AB05|00000805|Low Molecular Weight Heparins
B01AC|00005795|Platelet Aggregation Inhibitors - Thienopyridine Agents
B01AC06|00000575|Salicylate Analgesics|00005843|Platelet Aggregation Inhibitors - Salicylates
B01AE|00002760|Thrombin Inhibitor - Selective Direct and Reversible
B01AF|00006182|Direct Factor Xa Inhibitors
B03AA|00000785|Minerals and Electrolytes - Iron
B03BA|00000781|Vitamins - B-12, Cyanocobalamin and derivatives
B03BB|00000784|Vitamins - Folic Acid and Derivatives
B03XA|00000788|Erythropoietins
B05|00000754|Minerals and Electrolytes - Parenteral Electrolyte Combinations
C|00003064|Cardiovascular Sympathomimetics
C01AA|00000203|Digitalis Glycosides
C01B|00002734|Antiarrhythmic - Class III
C01CA24|00003065|Cardiovascular Sympathomimetic - Anaphylaxis Therapy Single Agents
C01DA|00000206|Antianginal - Coronary Vasodilators (Nitrates)
C02AC|00002718|Central Alpha-2 Receptor Agonists
C02CA|00000230|Peripheral Alpha-1 Receptor Blockers
C02D|00002722|Direct Acting Vasodilators
C03AA|00000254|Diuretic - Thiazides and Related
C03BA|00000254|Diuretic - Thiazides and Related
C03CA|00000250|Diuretic - Loop
C03DA|00005658|Diuretic - Aldosterone Receptor Antagonist, Non-selective|00006043|Aldosterone Receptor Antagonists
C07AA|00002529|Beta Blockers Non-Cardiac Selective
C07AB|00002530|Beta Blockers Cardiac Selective
C07AG|00000214|Alpha-Beta Blockers
C08CA|00004609|Calcium Channel Blockers - Dihydropyridines
C08D|00004610|Calcium Channel Blockers - Benzothiazepines
C09AA|00000224|ACE Inhibitors
C09CA|00000225|Angiotensin II Receptor Blockers (ARBs)
C09DX|00000242|Angiotensin II Receptor Blocker (ARB)-Diuretic Combinations
C10AA|00002747|Antihyperlipidemic - HMG CoA Reductase Inhibitors (statins)
C10AB|00000265|Antihyperlipidemic - Fibric Acid Derivatives
C10AD02|00000661|Vitamins - B-3, Niacin and Derivatives
C10|00003466|Antihyperlipidemic Agents - Dietary Source
C10AX09|00005678|Antihyperlipidemic - Selective Cholesterol Absorption Inhibitor
D|00000947|Dermatological - Antifungal Imidazole and Related Agents
D07|00003326|Dermatological - Glucocorticoid
G03C|00002752|Estrogens
G03D|00000145|Contraceptive Oral - Monophasic
G04BD|00002550|Urinary Antispasmodic - Antimuscarinics
G04BE|00005889|Pulmonary Arterial Hypertension Agents-Selective cGMP-PDE5 Inhibitors
G04BX06|00000512|Urinary Analgesics
G04CA|00000521|Prostatic Hypertrophy Agent - alpha-1-Adrenoceptor Antagonists
G04CB|00005680|Prostatic Hypertrophy Agent - Type II 5-alpha Reductase Inhibitors
H|00002750|Glucocorticoids
H02AB|00002750|Glucocorticoids
H02AB08|00003326|Dermatological - Glucocorticoid
H03AA|00006081|Thyroid Hormones - Synthetic T4 (Thyroxine)
H03BB|00006080|Antithyroid Agents, Thionamides - Imidazole Derivatives
H04AA|00002758|Agents to treat Hypoglycemia (Hyperglycemics)
H05BX|00005797|Calcimimetic, Parathyroid Calcium Receptor Sensitivity Enhancer
J01AA|00002741|Tetracycline Antibiotics
J01CA|00000003|Aminopenicillin Antibiotic
J01CR|00002623|Aminopenicillin Antibiotic - Beta-lactamase Inhibitor Combinations
J01DB|00000011|Cephalosporin Antibiotics - 1st Generation
J01DD|00000013|Cephalosporin Antibiotics - 3rd Generation
J01DE|00000014|Cephalosporin Antibiotics - 4th Generation
J01EE|00002656|Antibacterial Folate Antagonist - Other Combinations
J01FA|00002737|Macrolide Antibiotics
J01FF|00000020|Lincosamide Antibiotics
J01MA|00002740|Fluoroquinolone Antibiotics
J01XA|00002515|Glycopeptide Antibiotics
J01XD|00005878|Antiprotozoal-Antibacterial 1st Generation 2-methyl-5-nitroimidazole
J01XE|00002836|Misc Anti-Infective
J01XX08|00002835|Oxazolidinone Antibiotics
J01|00002836|Misc Anti-Infective
J02|00000043|Antifungal - Triazoles
J04|00005844|Rifamycins and Related Derivative Antibiotics
J05AB|00000056|Herpes Antiviral Agent - Purine Analogs
J05AE|00005891|Protease Inhibitors (Peptidic) Antiretroviral
J05AJ|00006072|Antiretroviral - HIV-1 Integrase Strand Transfer Inhibitors
J05|00005849|Antiretroviral - Nucleoside and Nucleotide Analog RTIs Combinations
L01E|00004508|Antineoplastic - Protein-Tyrosine Kinase Inhibitors
L01|00002849|Antineoplastic - Antimetabolite - Urea Derivatives
L02|00000105|Antineoplastic - Selective Estrogen Receptor Modulators (SERMs)
L04AB|00000601|DMARD - Anti-inflammatory Tumor Necrosis Factor Inhibiting Agents|00005707|Anti-inflammatory Tumor Necrosis Factor Inhibiting Agnts,Non-SeIective
L|00000607|Immunosuppressives
M01|00003925|NSAID Analgesics (COX Non-Specific) - Propionic Acid Derivatives
M03B|00000649|Skeletal Muscle Relaxant - Central Muscle Relaxants
M04AA|00002602|Hyperuricemia Therapy - Xanthine Oxidase Inhibitors
M04AC|00002601|Gout Acute Therapy - Antimitotics
M05BA|00000176|Bone Resorption Inhibitors - Bisphosphonates
N01BB|00003932|Dermatological - Topical Local Anesthetic Amides
N02A|00000583|Analgesic Opioid Agonists
N02BE|00000577|Analgesic or Antipyretic Non-Opioid
N02CC|00003725|Migraine Therapy - Carboxylic Acid Derivatives
N03AE01|00000523|Antianxiety Agent - Benzodiazepines|00002683|Anticonvulsant - Benzodiazepines|00006615|Benzodiazepines
N03AF|00002687|Anticonvulsant - Iminostilbene Derivatives|00006125|Bipolar Therapy Agents -  Anticonvulsant Type
N03AG|00000631|Anticonvulsant - Carboxylic Acid Derivatives|00006125|Bipolar Therapy Agents -  Anticonvulsant Type
N03AX09|00002686|Anticonvulsant - Phenyltriazine Derivatives|00006125|Bipolar Therapy Agents -  Anticonvulsant Type
N03AX11|00002684|Anticonvulsant - Monosaccharide Derivatives
N03AX12|00006030|Anticonvulsant - GABA Analogs
N03AX14|00006027|Anticonvulsant - Pyrrolidine Derivatives
N03AX16|00006030|Anticonvulsant - GABA Analogs|00006502|Fibromyalgia Agents - GABA Analogs
N03A|00006027|Anticonvulsant - Pyrrolidine Derivatives
N04|00002691|Antiparkinson Therapy - Non-ergot Dopamine Agonist Agents
N05AA|00002596|Antipsychotic - Phenothiazines, Aliphatic
N05AB|00002597|Antipsychotic - Phenothiazines, Piperazine|00004544|Antiemetic - Phenothiazines
N05AD|00002595|Antipsychotic - Butyrophenone Derivatives
N05AE|00003961|Antipsychotic - Atypical Dopamine-Serotonin Antag- Benzisothiazolones|00006126|Bipolar Therapy Agents - Atypical Antipsychotics
N05AH03|00003709|Antipsychotic -Atypical Dopamine-Serotonin Antag-Thienobenzodiazepines|00006126|Bipolar Therapy Agents - Atypical Antipsychotics
N05AH|00003707|Antipsychotic -Atypical Dopamine-Serotonin Antag-Dibenzothiazepine Der|00006126|Bipolar Therapy Agents - Atypical Antipsychotics
N05AN|00002590|Bipolar Therapy Agents - Lithium
N05AX|00002592|Antipsychotic - Atypical Dopamine-Serotonin Antag- Benzisoxazole Deriv|00006126|Bipolar Therapy Agents - Atypical Antipsychotics
N05BA|00000523|Antianxiety Agent - Benzodiazepines|00006615|Benzodiazepines
N05BB|00002541|Antianxiety Agent - Antihistamine Type
N05BE|00002539|Antianxiety Agent - Non-Benzodiazepine
N05CD|00000523|Antianxiety Agent - Benzodiazepines|00006615|Benzodiazepines
N05CF|00000545|Sedative-Hypnotic - GABA-Receptor Modulators
N05CH|00001095|Alternative Therapy - Pineal Hormone Agents|00005900|Hypnotics - Melatonin - Single Agents
N06AA|00002589|Antidepressant-Tricyclics and Related (Non-Select Reuptake Inhibitors)
N06AB|00000530|Antidepressant - Selective Serotonin Reuptake Inhibitors (SSRIs)
N06AX05|00002812|Antidepressant - Serotonin-2 Antagonist-Reuptake Inhibitors (SARIs)
N06AX11|00000527|Antidepressant - Alpha-2 Receptor Antagonists (NaSSA)
N06AX12|00002811|Antidepressant-Norepinephrine and Dopamine Reuptake Inhibitors (NDRIs)
N06AX16|00002587|Antidepressant - Serotonin-Norepinephrine Reuptake Inhibitors (SNRIs)
N06AX21|00002587|Antidepressant - Serotonin-Norepinephrine Reuptake Inhibitors (SNRIs)|00006204|Fibromyalgia Agents - Serotonin-Norepinephrine Reuptake-Inhib (SNRIs)
N06BA04|00000561|Attention Deficit-Hyperactivity (ADHD) Therapy, Stimulant-Type|00005859|Narcolepsy Therapy Agents - Stimulant-Type, Piperadine Derivative
N06D|00002693|Alzheimer's Disease Therapy - Cholinesterase Inhibitors
N07BA|00005604|Smoking Deterrents - Nicotine-Type
N07BC|00000583|Analgesic Opioid Agonists
N|00000523|Antianxiety Agent - Benzodiazepines
P|00002736|Antimalarials
R01|00000301|Nasal Corticosteroids
R03AC|00005970|Asthma/COPD Therapy - Beta 2-Adrenergic Agents, Inhaled, Short Acting
R03AL|00003179|Asthma/COPD Therapy - Beta Adrenergic-Glucocorticoid Combinations
R03BA|00000371|Asthma Therapy - Inhaled Corticosteroids (Glucocorticoids)|00000301|Nasal Corticosteroids
R03BB01|00006460|Asthma/COPD - Anticholinergic Agents, Inhaled Short Acting
R03BB04|00006461|Asthma/COPD - Anticholinergic Agents, Inhaled Long Acting
R03DC|00000372|Asthma Therapy - Leukotriene Receptor Antagonists
R05CA|00000321|Expectorants - Single Agents, General
R05DA|00000587|Analgesic Opioid Codeine Combinations
R05DB|00000320|Antitussives - Non-Opioid
R06AA|00000286|Antihistamine - 1st Generation - Ethanolamines|00003152|Antihistamines - 1st Generation
R06AX|00000290|Antihistamines - 2nd Generation|00003948|Antihistamines - 2nd Generation - Piperidines
R06A|00000290|Antihistamines - 2nd Generation
S01EA|00000865|Ophthalmic-Intraocular Press. Reducing, Sel. Alpha Adrenergic Agonists
S01|00000853|Ophthalmic - Anti-inflammatory, Glucocorticoids
V03AE|00000483|Phosphate Binders
V03|00000704|Multivitamin and Mineral Combinations
"""
# drug|names at home beside its own, the first the likeliest
_NAMES = """
acetaminophen|Tylenol;acetaminophen [Mapap (acetaminophen)]
albuterol|albuterol sulfate;albuterol sulfate [ProAir HFA];ProAir HFA
alprazolam|Xanax
aspirin|aspirin [Adult Low Dose Aspirin];Aspir-81;aspirin [Ecotrin]
atorvastatin|Lipitor;atorvastatin [Lipitor]
bupropion|bupropion HCl;Wellbutrin SR
calcium carbonate|calcium;Calcium 500 + D;calcium carbonate-vitamin D3
carvedilol|Coreg
citalopram|Celexa
clonazepam|Klonopin;clonazepam [Klonopin]
clopidogrel|Plavix;clopidogrel [Plavix]
cyanocobalamin|cyanocobalamin (vitamin B-12) [Vitamin B-12];Vitamin B-12
divalproex|divalproex [Depakote];Depakote
docusate|docusate sodium [Colace];Colace
enoxaparin|Lovenox
escitalopram|Lexapro
famotidine|Pepcid
ferrous sulfate|iron
fluticasone|Flovent HFA;Flonase
furosemide|Lasix;furosemide [Lasix]
gabapentin|Neurontin
hydrocodone|hydrocodone-acetaminophen;Norco
hydromorphone|Dilaudid
ibuprofen|Motrin;Advil
insulin|insulin lispro [Humalog];Lantus;insulin glargine;Humalog
ipratropium-albuterol|Combivent
levetiracetam|Keppra
levothyroxine|Synthroid;Levoxyl
lidocaine|Lidoderm
lorazepam|Ativan;lorazepam [Ativan]
losartan|Cozaar
metformin|metformin [Glucophage]
metoprolol|metoprolol succinate;metoprolol tartrate;Toprol XL
montelukast|Singulair
multivitamin|One Daily Multivitamin;Multiple Vitamins
nicotine|Nicorette
nitroglycerin|Nitrostat
olanzapine|Zyprexa
omeprazole|Prilosec
ondansetron|Zofran
oxycodone|oxycodone-acetaminophen [Percocet];OxyContin
pantoprazole|Protonix
polyethylene glycol|polyethylene glycol 3350 [Miralax]
pregabalin|Lyrica
quetiapine|Seroquel;quetiapine [Seroquel]
rosuvastatin|Crestor
senna|sennosides;sennosides [senna]
sertraline|Zoloft
simvastatin|Zocor;Simvastatin
spironolactone|spironolactone [Aldactone]
sulfamethoxazole-trimethoprim|Bactrim DS
tiotropium|Spiriva with HandiHaler;tiotropium bromide [Spiriva with HandiHaler]
trazodone|trazodone HCl
vitamin d|Vitamin D3;cholecalciferol (vitamin D3);ergocalciferol (vitamin D2)
warfarin|Coumadin
"""
# What is listed beside drugs: name, class code, class; the last have no code at all.
_SUPPLIES = """
blood sugar diagnostic [OneTouch Ultra Test]|00003510|Medical Supplies and DME - Blood Glucose Tests|00005904|Medical Supply, FDB Superset
lancets|00001158|Medical Supplies and DME - Glucose Monitoring Test Supplies|00005904|Medical Supply, FDB Superset
insulin syringe-needle U-100 [BD Insulin Syringe]|00001157|Medical Supplies and DME - Insulin Needles-Syringes and Admin Supplies|00005904|Medical Supply, FDB Superset
"""
UNMAPPED = ("*nutrient drink ", "*iron liquid ", "*herbal tea", "*eye vitamin", "*pt unsure of meds", "*chinese herbs")

# key|name;other name|generic sequence numbers, blank-separated (none: unmapped)|drug of treatments.py where it has one
_CABINET = """
acetaminophen|Acetaminophen 500mg TAB;Acetaminophen;Acetaminophen 325mg TAB|004490|acetaminophen
acetylcysteine|Acetylcysteine (IV)|001403|acetylcysteine
acyclovir|Acyclovir|016408|acyclovir
albuterol|Albuterol 0.083% Neb Soln|005039|albuterol
alumag|Aluminum-Magnesium Hy 30mL UDCUP;Aluminum-Magnesium Hydrox.-Simet|002701 002716|aluminum hydroxide
amiodarone|Amiodarone|000266 026543|amiodarone
amlodipine|Amlodipine 5mg TAB;Amlodipine|016926|amlodipine
aspirin|Aspirin 81mg TAB;Aspirin;Aspirin 325mg TAB|004380|aspirin
atorvastatin|Atorvastatin 20mg TAB|029968|atorvastatin
azithromycin|Azithromycin 250mg TAB;Azithromycin|026721|azithromycin
bactrim|Sulfameth/Trimeth DS|009395 009396|sulfamethoxazole-trimethoprim
barium|Readi-Cat 2  (Barium S 450mL BTL;Readi-Cat 2  (Barium Sul 2%)*|019661 077720|~
benzonatate|Benzonatate 100mg CAP|000401|benzonatate
calciumgluc|Calcium Gluconate;Calcium Gluco 2g/100mL 100mL BAG|001356 041717 066576|calcium gluconate
cefazolin|CefazoLIN 2g/50mL 50mL BAG|009069 059723|cefazolin
cefepime|CefePIME;CefePIME 2g VIAL|024095 027470|cefepime
ceftriaxone|CefTRIAXone;CeftriaXONE;CefTRIAXone 1gm/100mL 100mL Bag|009162 059424|ceftriaxone
cephalexin|Cephalexin 500mg CAP|009043|cephalexin
ciprofloxacin|Ciprofloxacin IV;Ciprofloxacin;Ciprofloxa 400mg/200mL 200mL BAG|015921|ciprofloxacin
cyclobenzaprine|Cyclobenzaprine 10mg TAB|004681|cyclobenzaprine
dexamethasone|Dexamethasone 10mg/1mL 1mL VIAL|006787 006789|dexamethasone
dextrose|Dextrose 50% 25gm/50mL 50mL SYR;Dextrose 50%|001989|dextrose
diazepam|Diazepam 10mg TAB;Diazepam;Diazepam 10mg/2mL 2mL SYR|003766|diazepam
diltiazem|Diltiazem;Diltiazem 25mg/5mL 5mL VIAL|000574 016424|diltiazem
diphenhydramine|DiphenhydrAMINE;DiphenhydrAM 50mg/1mL 1mL VIAL|011582 011590|diphenhydramine
docusate|Docusate Sodium 100mg CAP|003009|docusate
enoxaparin|Enoxaparin Sodium|039482 042066|enoxaparin
epinephrine|EPINEPHrine (EpiPEN) 0.3mg 0.3mL SYR;EPINEPHrine (for dilution)|004931 062006|epinephrine
eyedrops|Proparacaine 0.5% Ophth Soln;Fluorescein Ophth Strip|007853|~
famotidine|Famotidine 20mg/50mL 50mL BAG;Famotidine 20mg TAB|011676|famotidine
fentanyl|Fentanyl Citrate;Fentanyl 100mcg/2mL 2mL AMP;Fentanyl 2.5mg 50mL Bag|041384 041385|fentanyl
folicacid|FoLIC Acid 1mg TAB;FoLIC Acid|002366|folic acid
furosemide|Furosemide 40mg/4mL 4mL VIAL;Furosemide|008205|furosemide
gabapentin|Gabapentin 300mg CAP;Gabapentin|021414|gabapentin
haloperidol|Haloperidol;Haloperidol 5mg/1mL 1mL VIAL|003968 003970|haloperidol
heparin|Hepari 25000UNIT/250mL 250mL BAG;Heparin Sodium|006522 060301|heparin
hydralazine|HydrALAzine|000089 000091|hydralazine
hydromorphone|HYDROmorphone (D 1mg/1mL 1mL SYR;HYDROmorphone (Dilaudid)|062823|hydromorphone
hydroxyzine|HydrOXYzine 25mg TAB|003728|hydroxyzine
ibuprofen|Ibuprofen 600mg TAB;Ibuprofen|008349|ibuprofen
insulin|Insulin Human Regular|001723|insulin
ipratropium|Ipratropium Bromide Neb|021700|ipratropium-albuterol
kayexalate|Kayexalate 15g/60mL 60mL BTL|001267 022402|sodium polystyrene sulfonate
kcentra|Kcentra 591Units VIAL|070978|~
ketorolac|Ketorolac 15mg/1mL 1mL VIAL;Ketorolac 30mg/1mL 1mL VIAL;Ketorolac|023190 039499|ketorolac
labetalol|Labetalol|005097 005098|labetalol
lactulose|Lactulose|003067 009336 068217|lactulose
levetiracetam|LeVETirace 500mg/100mL 100mL MBP;LevETIRAcetam|~|levetiracetam
levofloxacin|Levofloxacin|046770|levofloxacin
levothyroxine|Levothyroxine Sodium 25mcg TAB|006648|levothyroxine
lidocaine|Lidocaine 1% 10mL VIAL;Lidocaine Viscous 2% 15mL UDCUP|003376 003411|~
lidojelly|Lidocaine Jelly 2% (Urojet)|003407 038861|~
lidopatch|Lidocaine 5% Patch|043256|lidocaine
lisinopril|Lisinopril 10mg TAB|000389|lisinopril
lorazepam|LORazepam 2mg/1mL 1mL SYR;Lorazepam|003753 072143 078733|lorazepam
losartan|Losartan Potassium 25mg TAB|023381|losartan
magnesium|Magnesium Sulf 2gm/50mL 50mL BAG|063340|magnesium sulfate
meclizine|Meclizine 25mg TAB|004733|meclizine
meropenem|Meropenem|026488 058804|meropenem
methadone|Methadone|004239 004240|methadone
methylprednisolone|MethylPREDNISolone Sodium Succ|006730 036808 065978|methylprednisolone
metoclopramide|Metoclopramide 10mg/2mL 2mL VIAL|005224 064714|metoclopramide
metoprolol|Metoprolol Tartrate;Metoprolol 5mg/5mL 5mL VIAL;Metoprolol Succinate 25mg XL TAB|005132 050631|metoprolol
metronidazole|MetRONIDAZOLE (Flagyl);MetroNIDAZ 500mg/100mL 100mL BAG|009588|metronidazole
midazolam|Midazolam;Midazolam 5mg/1mL 1mL Vial|003779 051279|midazolam
morphine|Morphine Sulfat 4mg/1mL 1mL VIAL;Morphine|074851|morphine
multivitamin|Multivitamins 1TAB TAB;Multivitamins|002475 002524 002532|multivitamin
naloxone|Naloxone 0.4mg/1mL 1mL VIAL|004513 065840|naloxone
nicardipine|NiCARdipine IV;NiCARdipine 40mg/200mL 200mL BAG|021600 064353|nicardipine
nicotine|Nicotine Patch 21mg|016426|nicotine
nitrofurantoin|Nitrofurantoin Monohy (MacroBID);Nitrofurantoin Monohy 100mg CAP|016598|nitrofurantoin
nitroglycerin|Nitroglycerin SL 0.4mg BTL;Nitroglyce 100mg/250mL 250mL BTL|000475 015361|nitroglycerin
norepinephrine|NORepinephri 8mg/250mL 250mL BAG;Norepinephrine|066419|norepinephrine
octreotide|Octreotide Acetate|006585 036484|octreotide
olanzapine|OLANZapine 5mg TAB|027960 040473|olanzapine
omeprazole|Omeprazole|033530|omeprazole
ondansetron|Ondansetron 4mg/2mL 2mL VIAL;Ondansetron|015869 061716|ondansetron
oxycodone|OxyCODONE (Immediate Rel 5mg TAB;OxyCODONE (Immediate Release);Oxycodone-Acetaminophen|004225|oxycodone
oxymetazoline|Oxymetazoline Nasal Spray|007682|~
pantoprazole|Pantoprazole Sodium;Pantoprazole Sodium 40mg VIAL|047635 052194|pantoprazole
penicillin|Penicillin V Potassium 500mg TAB|008877|penicillin g
phenazopyridine|Phenazopyridine 100mg TAB|009446|phenazopyridine
phenylephrine|PHENYLEPHrine|005066 005068|phenylephrine
piptazo|Piperacillin-Tazobactam Na;Piperacilli 4.5g/100mL 100mL Bag|021187 040819|piperacillin-tazobactam
potassium|Potassium Chloride 10mEq TAB;Potassium Chloride|001248 001275|potassium chloride
prednisone|PredniSONE 20mg TAB;PredniSONE|006749 006751|prednisone
prochlorperazine|Prochlorpe 10mg/2mL 2mL VIAL|014770|prochlorperazine
propofol|Propofol 1000mg/100mL 100mL VIAL;Propofol|016796 065888|propofol
quetiapine|QUEtiapine Fumarate|034187 034188|quetiapine
risperidone|RisperiDONE 1mg TAB|021154|risperidone
sertraline|Sertraline 50mg TAB|046229|sertraline
tamsulosin|Tamsulosin 0.4mg CAP|027546|tamsulosin
tetanus|Tetanus-DiphTox-Acellular Pertuss|059079 059082 063698|~
thiamine|Thiamine 100mg TAB;Thiamine|002451 016981|thiamine
trazodone|TraZODone 50mg TAB|046241|trazodone
vancomycin|Vancomycin;Vancomyci 1000mg/200mL 200mL BAG|009329 043952|vancomycin
ziprasidone|ZIPRASidone 20mg CAP;ZIPRASidone|047563|ziprasidone
"""


@dataclass(frozen=True)
class Stock:
    """A drug of the dispensing cabinet; `drug` is its number in DRUGS, -1 where it has none."""

    key: str
    names: tuple[str, ...]
    gsns: tuple[str, ...]
    drug: int


# A class: code and words.
Class = tuple[str, str]


def _classes(parts: list[str]) -> tuple[Class, ...]:
    return tuple(zip(parts[::2], parts[1::2], strict=True))


_CLASS_TABLE = {line.split("|")[0]: _classes(line.split("|")[1:]) for line in _CLASSES.strip().splitlines()}


def _of_code(code: str) -> tuple[Class, ...]:
    """The classes of the longest beginning of an ATC code that has any."""
    found = [code[:length] for length in range(len(code), 0, -1) if code[:length] in _CLASS_TABLE]
    return _CLASS_TABLE[found[0]] if found else ()


def _stock(line: str) -> Stock:
    key, names, gsns, drug = line.split("|")
    return Stock(
        key,
        tuple(names.split(";")),
        tuple(gsns.split()) if gsns != "~" else (),
        DRUG_INDEX[drug] if drug != "~" else -1,
    )


CLASSES_OF: tuple[tuple[Class, ...], ...] = tuple(_of_code(code) for code in DRUG_ATC)
_WRITTEN = {line.split("|")[0]: tuple(line.split("|")[1].split(";")) for line in _NAMES.strip().splitlines()}
NAMES_OF: tuple[tuple[str, ...], ...] = tuple((drug, *_WRITTEN.get(drug, ())) for drug in DRUGS)
SUPPLIES: tuple[tuple[str, tuple[Class, ...]], ...] = tuple(
    (line.split("|")[0], _classes(line.split("|")[1:])) for line in _SUPPLIES.strip().splitlines()
)
CABINET: tuple[Stock, ...] = tuple(_stock(line) for line in _CABINET.strip().splitlines())
CABINET_INDEX: dict[str, int] = {stock.key: number for number, stock in enumerate(CABINET)}

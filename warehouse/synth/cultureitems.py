"""What the microbiology laboratory knows: specimens and the tests done on them, organisms by site, and antibiotics tried.

Item ids, names and remarks are those of MIMIC-IV. An organism grows at sites in proportion to its weights and is resistant to each
antibiotic of its panel with the chance given; which patient it is resistant in is cultures.py's matter. Tables of text.
"""

# ruff: noqa: E501 (a row of a table is one line)

from dataclasses import dataclass

from warehouse.synth.conditions import pairs

# Where organisms grow, as far as weights differ.
SITES = ("urine", "blood", "resp", "wound", "abd", "anaer", "fungal", "mrsa", "vre", "cdiff", "staph", "virus")

# test|itemid|name|hours until the result|site it grows at (~: none)|remarks where nothing grows, the likeliest first
_TESTS = """
bc|90201|Blood Culture, Routine|128|blood|NO GROWTH.  
aer|90203|Aerobic Bottle Gram Stain|18|~|
ana|90204|Anaerobic Bottle Gram Stain|18|~|
uc|90039|URINE CULTURE|36|urine|NO GROWTH.  ;MIXED BACTERIAL FLORA ( >= 3 COLONY TYPES), CONSISTENT WITH SKIN AND/OR GENITAL CONTAMINATION.  ;<10,000 organisms/ml.  ;< 10,000 CFU/mL.  ;NO GROWTH, <1000 CFU/ml.  ;MIXED BACTERIAL FLORA ( >= 3 COLONY TYPES), CONSISTENT WITH FECAL CONTAMINATION.  
mrsa|90189|MRSA SCREEN|52|mrsa|No MRSA isolated.  
vre|90115|R/O VANCOMYCIN RESISTANT ENTEROCOCCUS|56|vre|No VRE isolated.  
staph|90198|Staph aureus Screen|44|staph|NO STAPHYLOCOCCUS AUREUS ISOLATED.  
gram|90270|GRAM STAIN|7|~|NO POLYMORPHONUCLEAR LEUKOCYTES SEEN.  NO MICROORGANISMS SEEN.  ;1+    (<1 per 1000X FIELD):   POLYMORPHONUCLEAR LEUKOCYTES.  NO MICROORGANISMS SEEN.  ;3+  (5-10 per 1000X FIELD):   POLYMORPHONUCLEAR LEUKOCYTES.  NO MICROORGANISMS SEEN.  ;>25 PMNs and <10 epithelial cells/100X field.  NO MICROORGANISMS SEEN.  
resp|90055|RESPIRATORY CULTURE|58|resp|Commensal Respiratory Flora Absent.  ;SPARSE GROWTH Commensal Respiratory Flora.  ;MODERATE GROWTH Commensal Respiratory Flora.  ;RARE GROWTH Commensal Respiratory Flora.  ;10,000-100,000 ORGANISMS/ML. Commensal Respiratory Flora.  ;HEAVY GROWTH Commensal Respiratory Flora.  
legc|90059|LEGIONELLA CULTURE|170|~|NO LEGIONELLA ISOLATED.  
fungal|90269|FUNGAL CULTURE|330|fungal|NO FUNGUS ISOLATED.  
koh|90241|POTASSIUM HYDROXIDE PREPARATION|20|~|NO FUNGAL ELEMENTS SEEN.  ;Test cancelled by laboratory.  PATIENT CREDITED.  This is a low yield procedure based on our in-house studies.  
afbs|90246|ACID FAST SMEAR|30|~|NO ACID FAST BACILLI SEEN ON CONCENTRATED SMEAR.  ;NO ACID FAST BACILLI SEEN ON DIRECT SMEAR.  
afbc|90240|ACID FAST CULTURE|1300|~|NO MYCOBACTERIA ISOLATED.  
noc|90099|NOCARDIA CULTURE|480|~|NO NOCARDIA ISOLATED.  
pcp|90199|Immunofluorescent test for Pneumocystis jirovecii (carinii)|26|~|NEGATIVE for Pneumocystis jirovecii (carinii).  
cdiff|90221|C. difficile PCR|12|cdiff|Negative for toxigenic C. difficile by the Cepheid nucleic acid amplification assay.            (Reference Range-Negative).  ;Negative for toxigenic C. difficile by the Illumigene DNA amplification assay.            (Reference Range-Negative).  
fecal|90267|FECAL CULTURE|50|~|NO SALMONELLA OR SHIGELLA FOUND.  ;NO ENTERIC GRAM NEGATIVE RODS FOUND.  NO SALMONELLA OR SHIGELLA FOUND.  
campy|90243|CAMPYLOBACTER CULTURE|52|~|NO CAMPYLOBACTER FOUND.  
op|90250|OVA + PARASITES|36|~|NO OVA AND PARASITES SEEN.  This test does not reliably detect Cryptosporidium, Cyclospora or Microsporidium. While most cases of Giardia are detected by routine O+P, the Giardia antigen test may enhance detection when organisms are rare.  
wound|90046|WOUND CULTURE|80|wound|No significant growth.  ;NO GROWTH.  
tissue|90272|TISSUE|100|wound|NO GROWTH.  ;No significant growth.  
anaer|90245|ANAEROBIC CULTURE|120|anaer|NO ANAEROBES ISOLATED.  ;NO GROWTH.  
fluid|90268|FLUID CULTURE|76|abd|NO GROWTH.  
viralag|90105|Respiratory Viral Antigen Screen|24|virus|Negative for Respiratory Viral Antigen.  Specimen screened for: Adeno, Parainfluenza 1, 2, 3, Influenza A, B, and RSV by immunofluorescence.  
viralcu|90214|Respiratory Viral Culture|90|~|No respiratory viruses isolated.  Culture screened for Adenovirus, Influenza A & B, Parainfluenza type 1,2 & 3, and Respiratory Syncytial Virus.  
flua|90156|DIRECT INFLUENZA A ANTIGEN TEST|6|virus|Negative for Influenza A.  
flub|90168|DIRECT INFLUENZA B ANTIGEN TEST|6|~|Negative for Influenza B.  
legag|90128|Legionella Urinary Antigen |16|~|NEGATIVE FOR LEGIONELLA SEROGROUP 1 ANTIGEN.            (Reference Range-Negative).  Performed by Immunochromogenic assay.  
cmvvl|90192|CMV Viral Load|52|~|CMV DNA not detected.  Performed by ___ CMV Test.  Linear range of quantification: 137 IU/mL - 9,100,000 IU/mL.  Limit of detection 91 IU/mL.  
rpr|90248|RAPID PLASMA REAGIN TEST|40|~|NONREACTIVE.  Reference Range: Non-Reactive.  
hpyl|90119|HELICOBACTER PYLORI ANTIBODY TEST|50|~|NEGATIVE BY EIA.            (Reference Range-Negative).  ;POSITIVE BY EIA.            (Reference Range-Negative).  
rub|90254|RUBELLA IgG SEROLOGY|60|~|POSITIVE BY EIA.  A positive IgG result generally indicates past exposure and/or immunity.  ;POSITIVE BY EIA.  
vzv|90091|VARICELLA-ZOSTER IgG SEROLOGY|60|~|POSITIVE BY EIA.  A positive IgG result generally indicates past exposure and/or immunity.  ;NEGATIVE BY EIA.            (Reference Range-Negative).  
lyme|90132|LYME SEROLOGY|60|~|NO ANTIBODY TO B. BURGDORFERI DETECTED BY EIA.  Reference Range:  No antibody detected.  
cmvg|90143|CMV IgG ANTIBODY|50|~|POSITIVE BY EIA.  ;NEGATIVE BY EIA.            (Reference Range-Negative).  
cmvm|90136|CMV IgM ANTIBODY|50|~|NEGATIVE FOR CMV IgM ANTIBODY BY EIA.  INTERPRETATION:  INFECTION AT UNDETERMINED TIME.  A positive IgG result generally indicates past exposure.  
vcam|90134|EPSTEIN-BARR VIRUS VCA-IgM AB|70|~|NEGATIVE <1:10 BY IFA.  INTERPRETATION: RESULTS INDICATIVE OF PAST EBV INFECTION.  
vcag|90101|EPSTEIN-BARR VIRUS VCA-IgG AB|70|~|POSITIVE BY EIA.  
ebna|90135|EPSTEIN-BARR VIRUS EBNA IgG AB|70|~|POSITIVE BY EIA.  
hiv|90175|HIV-1 Viral Load/Ultrasensitive|90|~|HIV-1 RNA is not detected.  Performed using the ___ HIV-1 Test.  
hcv|90123|HCV VIRAL LOAD|80|~|HCV-RNA NOT DETECTED.  Performed using the ___ HCV Test.  
ct|90116|Chlamydia trachomatis, Nucleic Acid Probe, with Amplification|44|~|Negative for Chlamydia trachomatis by ___, APTIMA COMBO 2 Assay.  
gc|90188|NEISSERIA GONORRHOEAE (GC), NUCLEIC ACID PROBE, WITH AMPLIFICATION|44|~|Negative for Neisseria gonorrhoeae by ___, APTIMA COMBO 2 Assay.  
bv|90185|SMEAR FOR BACTERIAL VAGINOSIS|14|~|GRAM STAIN NEGATIVE FOR BACTERIAL VAGINOSIS.  
yeast|90186|YEAST VAGINITIS CULTURE|40|fungal|NEGATIVE FOR YEAST.  
"""

# kind of order|specimen's itemid|specimen|tests, each with its chance (+: only where something grows)
_KINDS = """
blood|70012|BLOOD CULTURE|bc:1 aer:+.45 ana:+.75
urine|70079|URINE|uc:1
mrsa|70091|MRSA SCREEN|mrsa:1
vre|70070|SWAB|vre:1
staph|70059|Staph aureus swab|staph:1
sputum|70062|SPUTUM|gram:.99 resp:.97 legc:.06 fungal:.05 afbs:.04 afbc:.04
stool|70064|STOOL|cdiff:.97 fecal:.25 campy:.25 op:.14
wound|70070|SWAB|gram:.9 wound:1 anaer:.7
abscess|70003|ABSCESS|gram:1 wound:.9 anaer:.95 fungal:.15
tissue|70076|TISSUE|gram:1 tissue:1 anaer:.95 fungal:.4 afbc:.4 afbs:.4
ascites|70053|PERITONEAL FLUID|gram:1 fluid:.97 anaer:.93
pleural|70054|PLEURAL FLUID|gram:1 fluid:1 anaer:.97 fungal:.15 afbs:.2 afbc:.2
csf|70026|CSF;SPINAL FLUID|gram:1 fluid:1 fungal:.3
bal|70021|BRONCHOALVEOLAR LAVAGE|gram:.95 resp:.95 fungal:.7 afbs:.6 afbc:.6 legc:.3 noc:.3 pcp:.3 koh:.25
tip|70023|CATHETER TIP-IV|wound:1
virus|70057|Rapid Respiratory Viral Screen & Culture|viralag:1 viralcu:.97
flu|70042|Influenza A/B by DFA|flua:1 flub:1
legag|70081|URINE|legag:1
cmv|70045|Immunology (CMV)|cmvvl:1
rpr|70017|SEROLOGY/BLOOD|rpr:1
hpyl|70017|SEROLOGY/BLOOD|hpyl:1
immune|70017|SEROLOGY/BLOOD|rub:1 vzv:.8
lyme|70017|SEROLOGY/BLOOD|lyme:1
cmvab|70087|Blood (CMV AB)|cmvg:1 cmvm:.9
ebv|70088|Blood (EBV)|vcam:1 vcag:1 ebna:1
hiv|70046|IMMUNOLOGY|hiv:1
hcv|70046|IMMUNOLOGY|hcv:1
ctgc|70077|URINE|ct:1 gc:1
vaginal|70068|SWAB|bv:.8 yeast:.9
"""

# antibiotic|itemid|name|family that resistance is shared in|dilutions where sensitive|where intermediate|where resistant
_ANTIBIOTICS = """
amp|90004|AMPICILLIN|penicillin|<=2,4,8|16|=>32
sulb|90022|AMPICILLIN/SULBACTAM|penicillin|4,<=2,8|16|=>32
pen|90003|PENICILLIN G|penicillin|<=0.06,0.12,0.25|0.5,1|=>8
cefaz|90005|CEFAZOLIN|cephalosporin|<=4|~|=>64,16,32
ceftr|90018|CEFTRIAXONE|cephalosporin|<=1|2|=>64,32
ceftaz|90017|CEFTAZIDIME|cephalosporin|<=1,2,4|8|16,=>64,32
cefep|90028|CEFEPIME|cephalosporin|<=1,2,4|8|16,=>64,32
pip|90026|PIPERACILLIN/TAZO|cephalosporin|<=4,8,16|64|=>128
mero|90029|MEROPENEM|carbapenem|<=0.25,0.5,1|2|=>16,8
cipro|90019|CIPROFLOXACIN|quinolone|<=0.25,0.5|2|=>4
levo|90025|LEVOFLOXACIN|quinolone|<=0.12,0.25,0.5|4|=>8
gent|90012|GENTAMICIN|aminoglycoside|<=1,<=0.5,2|8|=>16
tobra|90013|TOBRAMYCIN|aminoglycoside|<=1,2|8|=>16
tmp|90008|TRIMETHOPRIM/SULFA|sulfa|<=1,<=0.5|~|=>16
nitro|90010|NITROFURANTOIN|nitrofuran|<=16,32|64|128,256
oxa|90016|OXACILLIN|methicillin|<=0.25,0.5|~|=>4
ery|90006|ERYTHROMYCIN|macrolide|<=0.25,0.5|1,4|=>8
clin|90007|CLINDAMYCIN|macrolide|<=0.25|~|=>8
tet|90011|TETRACYCLINE|tetracycline|<=1,2|8|=>16,=>32
rif|90027|RIFAMPIN|rifamycin|<=0.5|~|=>32
vanc|90015|VANCOMYCIN|glycopeptide|1,<=0.5,2|~|=>32,>256
lin|90031|LINEZOLID|oxazolidinone|2,1|~|8
"""

# organism|itemid|name|group that shares resistance|look of a stain|weights by site|chance of resistance (none: not tried)
_ORGANISMS = """
ecoli|80002|ESCHERICHIA COLI|negative|GRAM NEGATIVE ROD(S)|urine:34 blood:17 resp:4 wound:5 abd:17|amp:.45 sulb:.27 cefaz:.14 ceftr:.1 ceftaz:.07 cefep:.06 pip:.03 mero:.003 cipro:.24 gent:.09 tobra:.1 tmp:.26 nitro:.03
kpneu|80004|KLEBSIELLA PNEUMONIAE|negative|GRAM NEGATIVE ROD(S)|urine:11 blood:8 resp:8 wound:2 abd:6|sulb:.2 cefaz:.13 ceftr:.11 ceftaz:.1 cefep:.08 pip:.07 mero:.02 cipro:.13 gent:.07 tobra:.09 tmp:.16 nitro:.28
koxy|80005|KLEBSIELLA OXYTOCA|negative|GRAM NEGATIVE ROD(S)|urine:2 blood:1.5 resp:2 abd:2|sulb:.3 cefaz:.5 ceftr:.1 ceftaz:.05 cefep:.04 pip:.08 mero:.005 cipro:.06 gent:.04 tobra:.05 tmp:.07 nitro:.1
pmira|80017|PROTEUS MIRABILIS|negative|GRAM NEGATIVE ROD(S)|urine:5 blood:2 resp:2 wound:4|amp:.2 sulb:.12 cefaz:.2 ceftr:.04 ceftaz:.03 cefep:.03 pip:.01 mero:.002 cipro:.22 gent:.09 tobra:.08 tmp:.22
ecloa|90763|ENTEROBACTER CLOACAE COMPLEX|negative|GRAM NEGATIVE ROD(S)|urine:3 blood:3 resp:4 wound:4 abd:4|ceftr:.3 ceftaz:.28 cefep:.09 pip:.22 mero:.02 cipro:.08 gent:.05 tobra:.05 tmp:.12 nitro:.3
cfreu|80248|CITROBACTER FREUNDII COMPLEX|negative|GRAM NEGATIVE ROD(S)|urine:2.5 blood:.8 wound:2 abd:2|ceftr:.25 ceftaz:.24 cefep:.04 pip:.15 mero:.01 cipro:.12 gent:.09 tobra:.08 tmp:.2 nitro:.05
smarc|80014|SERRATIA MARCESCENS|negative|GRAM NEGATIVE ROD(S)|urine:1 blood:2 resp:4 wound:1.5|ceftr:.1 ceftaz:.05 cefep:.03 pip:.05 mero:.01 cipro:.08 gent:.03 tobra:.12 tmp:.03
mmorg|80018|MORGANELLA MORGANII|negative|GRAM NEGATIVE ROD(S)|urine:1 wound:2|ceftr:.1 ceftaz:.12 cefep:.02 pip:.03 mero:.004 cipro:.25 gent:.12 tobra:.08 tmp:.25 nitro:.9
paer|80026|PSEUDOMONAS AERUGINOSA|negative|GRAM NEGATIVE ROD(S)|urine:6 blood:4 resp:14 wound:7 abd:2|ceftaz:.12 cefep:.1 pip:.1 mero:.11 cipro:.2 gent:.11 tobra:.05
acine|80304|ACINETOBACTER BAUMANNII COMPLEX|negative|GRAM NEGATIVE ROD(S)|resp:2 wound:1.5 blood:.6|sulb:.2 ceftaz:.4 cefep:.4 levo:.4 mero:.25 cipro:.4 gent:.3 tobra:.25 tmp:.35
steno|80087|STENOTROPHOMONAS MALTOPHILIA|negative|GRAM NEGATIVE ROD(S)|resp:5 blood:.4|tmp:.06
saur|80023|STAPH AUREUS COAG +|staph|GRAM POSITIVE COCCI IN CLUSTERS|urine:2 blood:16 resp:20 wound:33 abd:5 mrsa:70 staph:97|oxa:.36 ery:.5 clin:.3 levo:.35 gent:.03 tet:.07 tmp:.04 rif:.02 vanc:.001
mrsapos|80293|POSITIVE FOR METHICILLIN RESISTANT STAPH AUREUS|staph|GRAM POSITIVE COCCI IN CLUSTERS|mrsa:30 staph:3|~
cons|80155|STAPHYLOCOCCUS, COAGULASE NEGATIVE|cons|GRAM POSITIVE COCCI IN CLUSTERS|urine:3 blood:26 wound:8 abd:4|oxa:.6 ery:.65 clin:.4 levo:.45 gent:.2 tet:.15 rif:.02 vanc:.001
ent|80053|ENTEROCOCCUS SP.|enterococcus|GRAM POSITIVE COCCI IN PAIRS AND CHAINS|urine:13 wound:6 abd:9 vre:100|amp:.2 tet:.75 nitro:.12 vanc:.18 lin:.01
efcm|80168|ENTEROCOCCUS FAECIUM|enterococcus|GRAM POSITIVE COCCI IN PAIRS AND CHAINS|blood:3 abd:4|amp:.85 vanc:.6 lin:.02 pen:.9
efcs|80172|ENTEROCOCCUS FAECALIS|enterococcus|GRAM POSITIVE COCCI IN PAIRS AND CHAINS|blood:4 abd:3|amp:.01 vanc:.05 lin:.01 pen:.05
viri|80280|VIRIDANS STREPTOCOCCI|strep|GRAM POSITIVE COCCI IN CHAINS|blood:6 abd:5 wound:2|pen:.1 ery:.45 clin:.15 vanc:.001 ceftr:.03
angi|80235|STREPTOCOCCUS ANGINOSUS (MILLERI) GROUP|strep|GRAM POSITIVE COCCI IN CHAINS|blood:1.5 abd:5 wound:3|pen:.02 ery:.25 clin:.15 vanc:.001
spne|80076|STREPTOCOCCUS PNEUMONIAE|strep|GRAM POSITIVE COCCI IN PAIRS|blood:3 resp:5|pen:.15 ery:.35 levo:.02 tet:.2 tmp:.2 vanc:.001 ceftr:.03
gbs|80045|BETA STREPTOCOCCUS GROUP B|strep|GRAM POSITIVE COCCI IN PAIRS AND CHAINS|urine:5 blood:2 wound:4 resp:1|~
gas|80054|BETA STREPTOCOCCUS GROUP A|strep|GRAM POSITIVE COCCI IN CHAINS|wound:2 blood:1|~
cory|80085|CORYNEBACTERIUM SPECIES (DIPHTHEROIDS)|strep|GRAM POSITIVE ROD(S)|wound:5 blood:1.5|~
gpb|80081|GRAM POSITIVE BACTERIA|strep|GRAM POSITIVE ROD(S)|urine:6 wound:1|~
lact|80088|LACTOBACILLUS SPECIES|strep|GRAM POSITIVE ROD(S)|urine:1 blood:.6 abd:1|~
gnr|80058|GRAM NEGATIVE ROD(S)|negative|GRAM NEGATIVE ROD(S)|urine:2 resp:5 wound:1 abd:1|~
hinf|80256|HAEMOPHILUS SPECIES NOT INFLUENZAE|strep|GRAM NEGATIVE ROD(S)|resp:3|~
mcat|80289|MORAXELLA CATARRHALIS|strep|GRAM NEGATIVE DIPLOCOCCI|resp:2|~
yst|80075|YEAST|fungus|BUDDING YEAST|urine:12 resp:22 wound:2 abd:3 fungal:60|~
calb|80060|CANDIDA ALBICANS|fungus|BUDDING YEAST|blood:1.5 abd:3 fungal:22|~
ystnot|80253|YEAST, PRESUMPTIVELY NOT C. ALBICANS|fungus|BUDDING YEAST|fungal:8|~
mixed|90785|MIXED BACTERIAL FLORA|negative|GRAM POSITIVE COCCI IN PAIRS AND CLUSTERS|wound:12 abd:3 anaer:12|~
bfrag|80112|BACTEROIDES FRAGILIS GROUP|anaerobe|GRAM NEGATIVE ROD(S)|blood:1.5 anaer:45|~
prev|80244|PREVOTELLA SPECIES|anaerobe|GRAM NEGATIVE ROD(S)|anaer:16|~
fuso|80245|FUSOBACTERIUM SPECIES|anaerobe|GRAM NEGATIVE ROD(S)|blood:.6 anaer:12|~
cperf|80038|CLOSTRIDIUM PERFRINGENS|anaerobe|GRAM POSITIVE ROD(S)|blood:.6 anaer:6|~
agpc|80078|ANAEROBIC GRAM POSITIVE COCCUS(I)|anaerobe|GRAM POSITIVE COCCI IN PAIRS AND CLUSTERS|anaer:9|~
cdif|80139|CLOSTRIDIUM DIFFICILE|anaerobe|GRAM POSITIVE ROD(S)|cdiff:90|~
cdpos|90855|POSITIVE|anaerobe|GRAM POSITIVE ROD(S)|cdiff:10|~
flua|80230|POSITIVE FOR INFLUENZA A VIRAL ANTIGEN|virus|NO MICROORGANISMS SEEN|virus:80|~
para|80181|PARAINFLUENZA VIRUS TYPE 3|virus|NO MICROORGANISMS SEEN|virus:20|~
cancelled|90760|CANCELLED|virus|NO MICROORGANISMS SEEN|~|~
"""


@dataclass(frozen=True)
class Test:
    """A test of a specimen; `site` is -1 where no organism is reported."""

    key: str
    itemid: int
    name: str
    hours: float
    site: int
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """What is ordered: a specimen and its tests, with the chance of each and whether it waits for growth."""

    key: str
    itemid: int
    name: str
    tests: tuple[tuple[str, float, bool], ...]


@dataclass(frozen=True)
class Antibiotic:
    """An antibiotic that organisms are tried against, and the dilutions reported."""

    key: str
    itemid: int
    name: str
    family: str
    sensitive: tuple[str, ...]
    between: tuple[str, ...]
    resistant: tuple[str, ...]


@dataclass(frozen=True)
class Organism:
    """An organism, the weight of its growth at each site and its chance of resistance to each antibiotic tried."""

    key: str
    itemid: int
    name: str
    group: str
    stain: str
    sites: dict[str, float]
    resistant: dict[str, float]


def _test(line: str) -> Test:
    key, itemid, name, hours, site, remarks = line.split("|")
    return Test(
        key, int(itemid), name, float(hours), SITES.index(site) if site != "~" else -1, tuple(remarks.split(";"))
    )  # fmt: skip


def _kind(line: str) -> Kind:
    key, itemid, name, tests = line.split("|")
    split = [word.split(":") for word in tests.split()]
    return Kind(
        key, int(itemid), name, tuple((test, float(chance.lstrip("+")), chance[0] == "+") for test, chance in split)
    )


def _antibiotic(line: str) -> Antibiotic:
    key, itemid, name, family, *dilutions = line.split("|")
    return Antibiotic(
        key, int(itemid), name, family, *(tuple(text.split(",")) if text != "~" else () for text in dilutions)
    )  # fmt: skip


def _organism(line: str) -> Organism:
    key, itemid, name, group, stain, sites, resistant = line.split("|")
    return Organism(key, int(itemid), name, group, stain, pairs(sites), pairs(resistant))


TESTS: tuple[Test, ...] = tuple(_test(line) for line in _TESTS.strip("\n").splitlines())
TEST_INDEX: dict[str, int] = {test.key: number for number, test in enumerate(TESTS)}
KINDS: tuple[Kind, ...] = tuple(_kind(line) for line in _KINDS.strip().splitlines())
KIND_INDEX: dict[str, int] = {kind.key: number for number, kind in enumerate(KINDS)}
ANTIBIOTICS: tuple[Antibiotic, ...] = tuple(_antibiotic(line) for line in _ANTIBIOTICS.strip().splitlines())
ORGANISMS: tuple[Organism, ...] = tuple(_organism(line) for line in _ORGANISMS.strip().splitlines())
ORGANISM_INDEX: dict[str, int] = {organism.key: number for number, organism in enumerate(ORGANISMS)}

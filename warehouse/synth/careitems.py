"""Nursing care in intensive care: items of chartevents for skin, lines, treatments, safety, care plans, the history taken.

Out: CARE, lines in the form that chartitems.py explains.
"""

# ruff: noqa: E501 (a row of a table is one line)

CARE = """
@Treatments
224093|Position|||T|q2 .99 .72|r - -1.2 -.2 .6 1.6 : Left Side; Supine; Right Side; Up in Bed; Sitting in Chair
224080|Head of Bed|HOB||T|q2 .99 .78|r - 1.4 2.2 : 30 Degrees; 45 Degrees; Flat
224082|Turn|||T|q2 .99 .75|r - -1 0 .9 : Left Side; Right Side; Supine; Self
224086|Activity Tolerance|||T|q2 .99 .72|r mob -1.6 -.6 : Poor; Fair; Good
224084|Activity|Activity||T|q4 .56 1|r mob -.8 .8 1.8 : Bedrest; Dangle; Chair; Ambulate
228868|Assistance|||T|q4 .78 1|r mob -1 .2 1.2 : 4 person assist; 2 person assist; 1 person assist; Independent
224087|Therapeutic Bed|||T|q4 .9 1|r skin .8 2 : Foam mattress; Low Air Loss; Bariatric
224089|Anti Embolic Device|||T|q4 .94 1|r - -.4 .8 : Compression Boots; None; Compression Sleeves
225054|Anti Embolic Device Status|||T|q4 .89 1|r - 1 : On; Off
229321|Activity / Mobility (JH-HLM)|||T|q4 .42 1|r mob -1.5 -.4 .4 1 1.8 : 1 - Lying in bed=1; 2 - Turn self/Bed activity=2; 3 - Sit at edge of bed=3; 4 - Transfer to chair/commode=4; 6 - Walked 10 steps=6; 7 - Walked 25 feet or more=7
226168|Oral Care|||T|q4 .86 .8|m .8 Done; .2 Chlorhexidine Rinse
224088|Pressure Reducing Device|||T|q4 .79 .85|m .6 Pillow; .35 Waffle Boots; .2 Heel Protectors
228306|Assistance Device|||T|q4 .18 .9|r mob .2 1.4 : Hoyer Lift; Walker; None
226169|Subglottal Suctioning|||C|q4:vent .85 .75|r - 9 : 1=1; 0=0
228393|Bath|||T|q12 .76 1|r - 1.3 : Bath Complete; Bath Partial
225184|Eye Care|||C|q12:sedated .8 .8|r - 9 : 1=1; 0=0
225188|Cough/Deep Breath|||C|q12:notvent .5 .8|r - 9 : 1=1; 0=0
225189|Incentive Spirometry|||C|q12:notvent .35 .7|r - 9 : 1=1; 0=0
224105|Warming Device|||T|q8 .2 .3|r - 9 : Bair Hugger; Blanket
224106|Cooling Device|||T|q8 .05 .4|r - 9 : Cooling Blanket; Arctic Sun
225176|Range of Motion Status|ROM Status||T|q8 .18 .4|r - .5 : Passive; Active
224092|Range of Motion Location|ROM Location||T|q8 .17 .4|r - .8 : Bilateral; Upper
224109|Cervical Collar Type|||T|q4:icp .5 .7|r - 1 : Miami J; Aspen
@Skin - Assessment
224026|Skin Integrity|||T|q4 .99 .64|r skin .1 .9 : Intact; Impaired; Surgical Incision
224027|Skin Temperature|Skin Temp||T|q4 .99 .64|r circ -2 -1 2.4 : Cold; Cool; Warm; Hot
224028|Skin Color|||T|q4 .99 .63|r circ -2.4 -1 2.4 : Mottled; Pale; Normal for Ethnicity; Flushed
224860|Skin Condition|||T|q4 .99 .62|r skin .9 1.8 : Dry; Diaphoretic; Weeping
224054|Braden Sensory Perception|||T|q8 .99 1|r brain -2.8 -1.8 -.9 : Completely Limited=1; Very Limited=2; Slightly Limited=3; No Impairment=4
224055|Braden Moisture|||T|q8 .99 1|r skin -.6 1.4 2.6 : Rarely Moist=4; Occasionally Moist=3; Very Moist=2; Constantly Moist=1
224056|Braden Activity|||T|q8 .99 1|r mob .2 1 1.8 : Bedfast=1; Chairfast=2; Walks Occasionally=3; Walks Frequently=4
224057|Braden Mobility|||T|q8 .99 1|r mob -1.6 -.2 1 : Completely Immobile=1; Very Limited=2; Slight Limitations=3; No Limitations=4
224058|Braden Nutrition|||T|q8 .99 1|r mob -1.6 .2 1.8 : Very Poor=1; Probably Inadequate=2; Adequate=3; Excellent=4
224059|Braden Friction/Shear|||T|q8 .99 1|r mob -1.2 .8 : Problem=1; Potential Problem=2; No Apparent Problem=3
@Skin - Incisions
224031|Edema Location|||T|q4 .98 .7|r edema -.4 1.3 : None; Lower extremities; Generalized
224862|Edema Amount|||T|q4 .7 .5|r edema .8 1.6 2.3 : Trace; 1+; 2+; 3+
228559|Incision #1- Location|||T|q8:incision .85 .75|r - -.4 .6 : Abdominal; Sternal; Lateral Neck
224848|Incision Appearance #1|||T|q4:incision .9 .75|r inf 1.6 : Dressing Intact; Reddened
224040|Incision Closure #1|||T|q4:incision .9 .7|r - .2 1.2 : Staples; Sutures; Steri-strips
224041|Incision Drainage #1|||T|q8:incision .9 .8|r - .6 1.6 : None; Serosanguinous; Sanguineous
224850|Incision Drainage Amount #1|||T|q8:incision .75 .6|r - 1 : Scant; Small
228571|Incision #1- Treatment|||T|q8:incision .7 .8|r - .8 : Dressing; Open to Air
228594|Incision #1- Dressing Status|||T|q8:incision .7 .7|r - 1 : Intact; Changed
@Skin - Impairment
228496|Impaired Skin #1- Location|||T|q8:wound .9 .8|r - -.6 .4 1.2 : Coccyx; Right Heel; Abdominal; Perineum
228516|Impaired Skin #1- Type|||T|q8:wound .8 .5|r - -.6 .4 1.2 : Abrasion; Skin Tear; Bruising; Pressure Ulcer
224565|Surrounding Tissue #1|||T|q8:wound .8 .6|r inf .9 1.8 : Intact; Reddened; Macerated
224226|Impaired Skin Wound Base #1|Site/Wound Base #1||T|q8:wound .75 .65|r - .4 1.2 : Pink; Red; Slough
224564|Impaired Skin Odor #1|Odor #1||C|q8:wound .7 .6|r inf 2 : 0=0; 1=1
224259|Impaired Skin Drainage #1|Site Drainage #1||T|q8:wound .8 .5|r - .6 1.5 : None; Serous; Serosanguinous
224847|Impaired Skin Drainage Amount #1|Site Drainage Amount #1||T|q8:wound .7 .4|r - 1 : None; Scant
228529|Impaired Skin #1- Treatment|||T|q8:wound .7 .4|r - .2 1 : Foam Dressing; Barrier Cream; Open to Air
228600|Impaired Skin #1- Dressing Status|||T|q8:wound .6 .35|r - 1 : Intact; Changed
224846|Impaired Skin Width #1|Site Width #1|cm|N|d:ulcer .9 .6|n skin 1.6 .8 .2 20 .1
224562|Impaired Skin Length #1|Site Length #1|cm|N|d:ulcer .9 .6|n skin 2.2 1.4 .2 30 .1
228497|Impaired Skin #2- Location|||T|q8:ulcer .9 .8|r - 0 1 : Left Heel; Right Arm; Coccyx
228577|Impaired Skin #2- Type|||T|q8:ulcer .8 .5|r - 0 1 : Skin Tear; Bruising; Pressure Ulcer
@Access Lines - Peripheral
227368|20 Gauge Dressing Occlusive|||C|q8:gauge20 1 .95|r - 2.2 : 1=1; 0=0
226138|20 Gauge placed in outside facility|||C|q8:gauge20 1 .95|r - 1.5 : 0=0; 1=1
228100|20 Gauge placed in the field|||C|q8:gauge20 1 .95|r - 2 : 0=0; 1=1
228013|20 G Phlebitis Scale|||T|q8:gauge20 .95 .75|r - 2.2 : 0-No symptoms; 1-Erythema
228014|20 G Infiltration Scale|||T|q8:gauge20 .95 .75|r - 2.2 : 0-No symptoms; 1-Skin blanched
225231|20 Gauge Site Appear|||T|q8:gauge20 .25 .8|r - 1.8 : WNL; Red
227367|18 Gauge Dressing Occlusive|||C|q8:gauge18 1 .95|r - 2.2 : 1=1; 0=0
226137|18 Gauge placed in outside facility|||C|q8:gauge18 1 .95|r - 1.5 : 0=0; 1=1
228099|18 Gauge placed in the field|||C|q8:gauge18 1 .95|r - 2 : 0=0; 1=1
228011|18 G Phlebitis Scale|||T|q8:gauge18 .95 .72|r - 2.2 : 0-No symptoms; 1-Erythema
228012|18 G Infiltration Scale|||T|q8:gauge18 .95 .72|r - 2.2 : 0-No symptoms; 1-Skin blanched
227369|22 Gauge Dressing Occlusive|||C|q8:gauge22 1 .95|r - 2.2 : 1=1; 0=0
226139|22 Gauge placed in outside facility|||C|q8:gauge22 1 .95|r - 1.5 : 0=0; 1=1
228101|22 Gauge placed in the field|||C|q8:gauge22 1 .95|r - 2 : 0=0; 1=1
@Access Lines - Invasive
224289|Arterial line Site Appear|||T|q8:art 1 .95|r - 1.8 : WNL; Ecchymotic
224291|Arterial line Waveform Appear|||T|q8:art 1 .9|r - 1.2 : Sharp; Dampened
226107|Arterial Line placed in outside facility|||C|q8:art 1 .9|r - 1.6 : 0=0; 1=1
227292|Arterial Line Dressing Occlusive|||C|q8:art .95 .8|r - 2 : 1=1; 0=0
225210|Arterial Line Zero/Calibrate|||C|q12:art .97 .7|r - 1.4 : 1=1; 0=0
224281|Multi Lumen Site Appear|||T|q8:cvl 1 .95|r - 1.8 : WNL; Red
226113|Multi Lumen placed in outside facility|||C|q8:cvl 1 .9|r - 1.5 : 0=0; 1=1
227756|Multi Lumen Placement Confirmed by X-ray|||T|q8:cvl .92 .9|r - 1.8 : Yes; No
227293|Multi Lumen Dressing Occlusive|||C|q8:cvl .9 .8|r - 2 : 1=1; 0=0
224283|Multi Lumen Waveform Appear|||T|q8:cvl .85 .8|r - 1 : Sharp; Dampened
224188|PICC Line Site Appear|||T|q8:picc 1 .95|r - 2 : WNL; Red
226115|PICC Line placed in outside facility|||C|q8:picc 1 .9|r - 1 : 0=0; 1=1
227759|PICC Line Placement Confirmed by X-ray|||T|q8:picc .92 .9|r - 1.8 : Yes; No
227358|PICC Line Dressing Occlusive|||C|q8:picc .9 .85|r - 2 : 1=1; 0=0
225323|Dialysis Catheter Site Appear|||T|q8:dialysis 1 .9|r - 2 : WNL; Red
226118|Dialysis Catheter placed in outside facility|Dialysis Cath placed in outside facility||C|q8:dialysis 1 .9|r - 1.5 : 0=0; 1=1
@Dialysis
224146|System Integrity|||T|h:crrt 1 .95|r s 1.8 2.6 : Active; Clots Increasing; Discontinued
224191|Hourly Patient Fluid Removal|Hourly PFR|mL|N|h:crrt 1 .8|n kid 250 90 0 800 10
225183|Current Goal||mL|N|h:crrt 1 .8|n - 0 60 -300 300 50
226457|Ultrafiltrate Output||mL|N|h:crrt 1 .8|n kid 260 90 0 900 1
224153|Replacement Rate||ml/hr|N|h:crrt 1 .8|n - 1600 400 400 3000 200
228005|PBP (Prefilter) Replacement Rate||ml/hr|N|h:crrt 1 .8|n - 1400 400 200 2600 200
224154|Dialysate Rate||ml/hr|N|h:crrt 1 .8|n - 600 200 0 2000 100
228006|Post Filter Replacement Rate||ml/hr|N|h:crrt 1 .8|n - 200 30 0 600 100
224144|Blood Flow (ml/min)||ml/min|N|h:crrt 1 .78|n - 160 40 50 350 10
224149|Access Pressure||mmHg|N|h:crrt 1 .76|n - -62 18 -200 50 1
224150|Filter Pressure||mmHg|N|h:crrt 1 .76|n s 112 25 10 400 1
224151|Effluent Pressure||mmHg|N|h:crrt 1 .76|n - -5 30 -200 200 1
224152|Return Pressure||mmHg|N|h:crrt 1 .76|n - 45 14 -20 250 1
229247|Trans Membrane Pressure|TMP|mmHg|N|h:crrt 1 .72|n s 68 25 5 350 1
229248|Pressure Drop||mmHg|N|h:crrt 1 .72|n s 38 14 3 200 1
228004|Citrate (ACD-A)||ml/hr|N|h:crrt .6 .8|n - 170 20 0 300 10
224145|Heparin Dose (per hour)||units|N|h:crrt .4 .8|n - 200 250 0 1500 50
227290|CRRT mode|||T|q4:crrt 1 .9|r - 1.2 : CVVHDF; CVVH
225976|Replacement Fluid|||T|q2:crrt 1 .8|r - 1 : Prismasate K4; Prismasate K2
225977|Dialysate Fluid|||T|q2:crrt 1 .8|r - 1 : Prismasate K4; Prismasate K2
@Alarms
224641|Alarms On|||C|q4 1 .9|r - 2.6 : 1=1; 0=0
224168|Parameters Checked|||C|q4 1 .9|r - 2.6 : 1=1; 0=0
228305|ST Segment Monitoring On|||C|q4 .93 .8|r - 1.9 : 1=1; 0=0
220046|Heart rate Alarm - High|HR Alarm - High|bpm|N|q12 1 .98|n s 128 8 100 180 5
220047|Heart Rate Alarm - Low|HR Alarm - Low|bpm|N|q12 1 .98|n - 51 4 30 70 5
223770|O2 Saturation Pulseoxymetry Alarm - Low|SpO2 Alarm - Low|%|N|q12 1 .98|n - 91 1.3 80 95 1
223769|O2 Saturation Pulseoxymetry Alarm - High|SpO2 Alarm - High|%|N|q12 1 .98|n - 100 .4 95 101 1
224161|Resp Alarm - High||insp/min|N|q12 1 .96|n s 35 3 20 60 5
224162|Resp Alarm - Low||insp/min|N|q12 1 .96|n - 8 1 4 12 1
223751|Non-Invasive Blood Pressure Alarm - High|NBP Alarm - High|mmHg|N|q12 .95 .75|n - 155 10 100 200 5
223752|Non-Invasive Blood Pressure Alarm - Low|NBP Alarm - Low|mmHg|N|q12 .95 .75|n - 88 8 50 110 5
227240|NBP Alarm Source|||T|q12 .94 .75|r - .2 : Systolic; Mean
220058|Arterial Blood Pressure Alarm - High|ABP Alarm - High|mmHg|N|q12:art 1 .8|n - 125 15 90 200 5
220056|Arterial Blood Pressure Alarm - Low|ABP Alarm - Low|mmHg|N|q12:art 1 .8|n - 70 9 50 100 5
227239|ABP Alarm Source|||T|q12:art 1 .8|r - -.8 : Systolic; Mean
@Restraint/Support Systems
227969|Safety Measures|||T|q4 .99 1|m .95 Call light within reach; .93 Bed locked in low position; .85 Side rails up; .6 Bed Alarm On; .5 ID band on; .45 Allergy Band On; .4 Non-skid footwear; .25 Fall risk band
227944|Side Rails|||T|q4 .99 .98|r mob -1.4 : 4 rails up; 3 rails up
227958|Less Restrictive Measures|||T|q2:restrained .95 .85|m .5 Repositioned; .45 Re-oriented; .4 Verbal redirection; .3 Family present
227945|Restraint (Non-violent)|||T|q2:restrained 1 .72|r - 2 : Continued; Discontinued
227946|Restraint Ordered (Non-violent)|||T|q2:restrained .95 .66|r - 2 : Yes; No
227947|Reason for Restraint (Non-violent)|||T|q2:restrained 1 .6|m .8 Interfering with medical device; .25 Attempting to remove tubes/lines
227948|Restraint Device (Non-violent)|||T|q2:restrained 1 .7|r - .8 : Soft limb; Mitts
227949|Face to Face Eval (Non-violent)|||T|q4:restrained .95 .9|r - 1.8 : Yes; No
227950|Restraint Location|||T|q2:restrained 1 .7|r - .5 1.4 : Both wrists; Right wrist; Left wrist
227951|Circulation/Skin Integrity|||T|q2:restrained 1 .68|r - 2.1 : Intact; Impaired
227952|Position Change|||T|q2:restrained 1 .66|r - 1.6 : Yes; No
227953|Range of Motion|||T|q2:restrained 1 .66|r - 1.6 : Yes; No
227954|Status and Comfort|||T|q2:restrained 1 .75|r brain -1.6 : Agitated; Calm
227955|Food and Fluid|||T|q2:restrained 1 .75|r mob -.4 : NPO; Offered
227956|Urinal/Bedpan|||T|q2:restrained 1 .65|r - 1 : Foley; Offered
227957|Signs of Injury from Intervention|||T|q2:restrained 1 .68|r - 2.4 : None; Skin tear
227959|Restraints Evaluated|||T|q2:restrained 1 .68|r - 1.8 : Restraint continued; Restraint discontinued
227960|Patient/Family Informed|||T|q2:restrained 1 .68|r - 1.2 : Yes; Unable
227961|Side  Rails|||T|q2:restrained 1 .65|r - 1.2 : Up x 4; Up x 3
224073|Education Topic|||T|q8 .95 .9|m .6 Plan of care; .5 Pain management; .35 Medications; .25 Safety
224076|Education Barrier|||T|q12 .95 .95|r brain -2 -1.2 : Unable to assess; Cognitive; None
224077|Education Method|||T|q12 .95 .85|r - 1.6 : Verbal; Written
224072|Education Learner|||T|q12 .95 .8|r brain -1.4 : Family; Patient
224079|Education Response|||T|q12 .95 .8|r brain -1.4 : Needs reinforcement; Verbalizes understanding
228879|Education Readiness/Motivation|||T|q12 .76 .75|r brain -1.6 : Unable; Acceptance
228880|Education Existing Knowledge|||T|q12 .76 .75|r brain -1.6 .9 : None; Some; Good
224023|Support Systems|||T|q12 .9 .95|m .7 Family; .3 Friends; .2 Spouse
224024|Family Communication|||T|q12 .85 .95|m .6 Family updated by RN; .4 Family visited; .2 Family called
227341|History of falling (within 3 mnths)|History of falling (within 3 mnths)*||T|q12 .98 .93|r - 1.2 : No=0; Yes=25
227342|Secondary diagnosis|||T|q12 .98 .93|r - -1.3 : No=0; Yes=15
227343|Ambulatory aid|||T|q12 .98 .93|r - 1.6 : None/bed rest/nurse assist=0; Crutches/cane/walker=15
227344|IV/Saline lock|||T|q12 .98 .93|r - -2.2 : No=0; Yes=20
227345|Gait/Transferring|||T|q12 .98 .93|r mob .4 1.4 : Normal/bed rest/immobile=0; Weak=10; Impaired=20
227346|Mental status|||T|q12 .98 .93|r brain -.7 : Forgets limitations=15; Oriented to own ability=0
227349|High risk (>51) interventions|||C|q12 .64 .6|r - 9 : 1=1; 0=0
@Care Plans
228928|Impaired Tissue Perfusion NCP - Interventions|ITP NCP - Interventions||T|q12 .34 .8|m .8 Monitor vital signs; .7 Assess peripheral pulses; .6 Monitor urine output; .5 Monitor labs; .4 Assess mental status
228924|Impaired Tissue Perfusion NCP - Expected outcomes|ITP NCP - Expected outcomes||T|q12 .34 .8|m .7 Hemodynamically stable; .6 Adequate urine output; .4 Warm extremities
228905|Altered Respiratory Status NCP - Interventions|ARS NCP - Interventions||T|q12 .26 .8|m .8 Monitor O2 saturation; .7 Assess lung sounds; .6 Pulmonary hygiene; .5 Titrate oxygen; .5 Elevate head of bed
228902|Altered Respiratory Status NCP - Expected outcomes|ARS NCP - Expected outcomes||T|q12 .26 .8|m .7 Adequate oxygenation; .5 Airway patent
228988|Safety Restraints NCP - Interventions|||T|q12:restrained .5 .9|m .8 Assess need for restraint; .7 Offer fluids; .6 Range of motion; .5 Reorient
228947|Infection NCP - Interventions|||T|q12 .21 .8|m .8 Monitor temperature; .6 Administer antibiotics; .6 Hand hygiene; .5 Monitor WBC
228943|Infection NCP - Expected outcomes|||T|q12 .21 .6|m .7 Afebrile; .3 Cultures negative
228898|Impaired Fluid Balance NCP - Interventions|IFB NCP - Interventions||T|q12 .19 .8|m .8 Monitor intake and output; .6 Daily weight; .5 Monitor electrolytes
228894|Impaired Fluid Balance NCP - Expected outcomes|IFB NCP - Expected outcomes||T|q12 .19 .8|m .7 Balanced intake and output; .4 Electrolytes within normal limits
228890|Pain NCP - Interventions|||T|q12 .29 .8|m .8 Assess pain; .6 Administer analgesia; .5 Reposition
228937|Post-op Care NCP - Interventions|||T|q12:incision .7 .8|m .8 Monitor incision; .6 Early mobilization; .5 Pulmonary hygiene
228977|Altered Mental Status  NCP - Interventions|AMS NCP - Interventions||T|q12 .2 .8|m .8 Reorient; .6 Neuro checks; .5 Promote sleep
228973|Altered Mental Status  NCP - Expected outcomes|AMS NCP - Expected outcomes||T|q12 .2 .7|m .6 Returns to baseline; .4 Free of injury
228914|Altered Skin Integrity NCP - Interventions|ASI NCP - Interventions||T|q12:wound .15 .8|m .8 Turn every 2 hours; .6 Assess skin; .5 Nutrition consult
229101|Impaired Tissue Perfusion NCP - Problem resolved|ITP NCP - Problem resolved||T|q12 .33 .4|r s .2 : Yes; No
229091|Altered Respiratory Status NCP - Problem resolved|ARS NCP - Problem resolved||T|q12 .25 .4|r s .2 : Yes; No
229369|Acuity Workload Question 1|||T|q12 .28 .6|r s -.2 1 : 1=1; 2=2; 3=3
229370|Acuity Workload Question 2|||T|q12 .28 .6|r s -.2 1 : 1=1; 2=2; 3=3
@General
220001|Problem List|||T|q12 .87 .5|m .5 Altered respiratory status; .4 Infection; .3 Pain; .3 Impaired skin integrity
224640|Service|||T|a .59 .9|r - -.6 .2 .8 1.4 : MICU; SICU; CCU; CSURG; NMED
224639|Daily Weight||kg|N|d .69 .8|v weight
226512|Admission Weight (Kg)||kg|N|a .9 .9|v admkg
226531|Admission Weight (lbs.)|||N|a .83 .9|v admlb
226707|Height||Inch|N|a .72 .85|v inch
226730|Height (cm)||cm|N|a .72 .85|v cm
@ADT
226228|Gender|||T|a .3 .9|w sex : F; M
@Adm History/FHPA
225811|CV - past medical history|CV - PMH||T|a .45 .8|m .6 Hypertension; .3 CAD; .2 CHF; .2 Arrhythmias; .1 Pacemaker
225059|Past medical history|PMH||T|a .45 .8|m .3 Diabetes - Insulin; .2 COPD; .15 Renal Failure; .15 Asthma; .1 Seizures; .1 ETOH
228236|Insulin pump|||C|a .8 1|r - 2.6 : 0=0; 1=1
228648|Home TF|||C|a .67 1|r - 2.4 : 0=0; 1=1
228649|Pressure Ulcer Present|||C|a .66 1|r - 1.6 : 0=0; 1=1
225103|Intravenous  / IV access prior to admission|||C|a .63 1|r - .4 : 0=0; 1=1
225072|Living situation|||T|a .6 .9|r - -.3 1.2 : Lives with spouse; Lives alone; Nursing home
225092|Self ADL|||C|a .54 1|r - 0 : 0=0; 1=1
225097|Balance|||T|a .55 1|r mob -.2 : Unsteady; Steady
225094|History of slips / falls|||C|a .5 .9|r - 1 : 0=0; 1=1
225106|ETOH|||C|a .5 .9|r - .9 : 0=0; 1=1
225110|Recreational drug use|||C|a .4 .9|r - 1.6 : 0=0; 1=1
225108|Tobacco use|||C|a .45 .9|r - .8 : 0=0; 1=1
"""

"""What is measured and assessed in intensive care: items of chartevents, when they are charted, and what they say.

Out: BEDSIDE, text blocks that charting.py parses with icuitems.parse_charted. Item ids, labels and units are those of MIMIC-IV. An @ line
names the category; a line is itemid|label|abbreviation (empty: the label)|unit|kind (N number, W number with tag, T text, C
checkbox) and normal limits|rhythm(:what must be in place), share of stays, share of turns|what it says. Rhythms: h q2 q4 q8 q12
(hours), d (daily), a (at admission), l (with a laboratory result). What it says:
`v name` a vital sign; `w name : words` a word by its index; `n state mean sd low high step` a number that follows a state of charting.py (- none);
`r state cuts : words` a word by where the state lies between the cuts (word=number sets valuenum); `m share word; ...` several at once.
"""

# ruff: noqa: E501 (a row of a table is one line)

BEDSIDE = """
@Routine Vital Signs
220045|Heart Rate|HR|bpm|N|h 1 .99|v hr
220048|Heart Rhythm|||T|h 1 .9|r rhythm -1.2 .9 1.5 2.3 2.9 : SB (Sinus Bradycardia); SR (Sinus Rhythm); ST (Sinus Tachycardia) ; AF (Atrial Fibrillation); A Flut (Atrial Flutter); V Paced
224650|Ectopy Type 1|||T|h .98 .8|r s 1.1 2 2.8 : None; PVCs; PACs; NSVT (Non-Sustained Ventricular Tachycardia)
224651|Ectopy Frequency 1|||T|q4 .5 .5|r s .4 1.8 : None; Rare; Occasional
220179|Non Invasive Blood Pressure systolic|NBPs|mmHg|N|h:nbp 1 .93|v sbp
220180|Non Invasive Blood Pressure diastolic|NBPd|mmHg|N|h:nbp 1 .93|v dbp
220181|Non Invasive Blood Pressure mean|NBPm|mmHg|N|h:nbp 1 .93|v map
220050|Arterial Blood Pressure systolic|ABPs|mmHg|N 90 140|h:art 1 .97|v asbp
220051|Arterial Blood Pressure diastolic|ABPd|mmHg|N 60 90|h:art 1 .97|v adbp
220052|Arterial Blood Pressure mean|ABPm|mmHg|N|h:art 1 .98|v amap
225309|ART BP Systolic||mmHg|N|h:art .1 .5|v asbp
225310|ART BP Diastolic||mmHg|N|h:art .1 .5|v adbp
225312|ART BP Mean||mmHg|N|h:art .1 .5|v amap
223761|Temperature Fahrenheit|Temperature F|°F|N|q4:notcore .98 .95|v tempf
223762|Temperature Celsius|Temperature C|°C|N|q2:core 1 .7|v tempc
224642|Temperature Site|Temp Site||T|q4 .99 .97|r - .7 1.5 2.1 : Oral; Axillary; Blood; Esophogeal
228640|EtCO2|||N|q2:vent .2 .7|v etco2
@Respiratory
220210|Respiratory Rate|RR|insp/min|N|h 1 .99|v rr
220277|O2 saturation pulseoxymetry|SpO2|%|N|h 1 .98|v spo2
226732|O2 Delivery Device(s)|||T|q4 .99 .95|w device : None; Nasal cannula; Face tent; High flow nasal cannula; Bipap mask ; Endotracheal tube
223834|O2 Flow||L/min|N|q4:o2 .97 .85|v flow
223835|Inspired O2 Fraction|FiO2||N|q4:fio2 1 .97|v fio2
220339|PEEP set||cmH2O|N|q4:vent 1 .97|v peep
224684|Tidal Volume (set)||mL|N 299 750|q4:control .95 .95|v vtset
224685|Tidal Volume (observed)||mL|N 299 750|q4:vent 1 .93|v vt
224686|Tidal Volume (spontaneous)||mL|N 299 750|q4:spont .95 .85|v vtsp
224687|Minute Volume||L/min|N - 12.1|q4:vent 1 .94|v minvol
224688|Respiratory Rate (Set)||insp/min|N|q4:control .97 .97|v rrset
224689|Respiratory Rate (spontaneous)||insp/min|N|q4:vent .98 .93|v rrsp
224690|Respiratory Rate (Total)||insp/min|N - 36|q4:vent 1 .94|v rrtot
224695|Peak Insp. Pressure||cmH2O|N|q4:vent .99 .92|v pip
224696|Plateau Pressure||cmH2O|N - 31|q4:control .85 .6|v plateau
224697|Mean Airway Pressure||cmH2O|N|q4:vent 1 .94|v mawp
224700|Total PEEP Level||cmH2O|N|q4:vent .8 .4|v peep
224701|PSV Level||cmH2O|N|q4:spont .95 .9|n lung 7 2 5 20 1
224738|Inspiratory Time|IT|sec|N|q4:control .95 .9|n - .88 .1 .5 1.4 .05
224691|Flow Rate (L/min)||L/min|N|q4:control .3 .7|n lung 42 12 15 120 1
223848|Ventilator Type|||T|q4:vent 1 .92|r - .9 : Drager=1; Hamilton
223849|Ventilator Mode|||T|q4:vent 1 .85|w mode : CMV/ASSIST/AutoFlow=49; CPAP/PSV=30; PCV+Assist=11
229314|Ventilator Mode (Hamilton)|||T|q4:vent .25 .5|w modeh : APV (cmv)=9; SPONT=5; P-CMV=7
223838|ETT Location|||T|q4:vent .95 .85|r - -1 1 : Right; Center; Left
224415|ETT Mark (cm)|||T|q4:vent .95 .85|n - 22.5 1.3 17 29 1
223837|ETT Size (ID)|||T|q4:vent .95 .85|r - -1 .5 1.6 : 7.0; 7.5; 8.0; 8.5
224832|ETT Type|||T|q4:vent .95 .85|r - 1.2 2.2 : Standard; Subglottal Suctioning; Nasal
224391|ETT Mark (location)|||T|q4:vent .4 .5|r - .9 : Lip; Teeth
224417|Cuff Pressure||cmH2O|N - 30|q8:vent .7 .5|n - 26 3 15 40 1
223873|Paw High||cmH2O|N|q4:vent 1 .9|n lung 40 5 20 80 5
223874|Vti High||mL|N|q4:vent .98 .9|n - 1000 200 400 2000 100
223875|Fspn High||insp/min|N|q4:vent 1 .82|n - 35 5 10 60 5
223876|Apnea Interval||sec|N|q4:vent 1 .9|n - 20 .6 15 30 5
223872|Inspired Gas Temp.||°C|N|q4:vent .5 .95|n - 37 .3 30 40 1
227517|Humidification|||T|q4:vent .95 .88|r - .4 : Heated; HME
224692|Flow Pattern|||T|q4:vent 1 .86|r - .8 1.6 : Not applicable; Decelerating; Square
224735|Flow Rate (variable/fixed)|||T|q4:vent 1 .8|r - .9 : Not applicable; Variable
224865|Flow Sensitivity|||T|q4:vent 1 .86|n - 2 .7 1 8 .5
225978|Slope|||T|q4:vent 1 .86|n - .2 .05 0 .6 .05
226814|Known difficult intubation|||T|q4:vent .7 .85|r - 1.6 : No; Yes
226871|Expiratory Ratio|||N|q4:vent .7 .4|n lung 2.6 .7 1 6 .1
226873|Inspiratory Ratio|||N|q4:vent .7 .4|n - 1 .05 1 2 .5
227565|Ventilator Tank #1|||N|q12:vent .85 .7|n - 2000 400 500 3000 100
227566|Ventilator Tank #2|||N|q12:vent .85 .7|n - 2000 400 500 3000 100
229245|Humidifier Water % Fill Level|||T|q4:vent .35 .9|r - -.5 .6 : 50; 75; 100
224373|Sputum Amount|||T|q4:vent .85 .55|r lung -.5 .6 1.7 : Scant; Small; Moderate; Copious
224372|Sputum Source|||T|q4:vent .8 .55|r - 1.2 2.2 : Suctioned; Expectorated; Tracheostomy
224370|Sputum Color|||T|q4:vent .75 .5|r inf -.3 .7 1.7 : Clear; White; Yellow; Tan
224369|Sputum Consistency|||T|q4:vent .75 .5|r lung .3 : Thin; Thick
@Alarms
220292|Minute Volume Alarm - Low|MV Alarm - Low|L/min|N|q4:vent .98 .9|n - 4.8 1.2 1 12 .5
220293|Minute Volume Alarm - High|MV Alarm - High|L/min|N|q4:vent .98 .9|n lung 18 3 8 40 1
226253|SpO2 Desat Limit||%|N|q12 .99 .95|n - 87 1.6 80 92 1
@Neurological
220739|GCS - Eye Opening|Eye Opening||T|q4 1 .97|r brain -3.2 -2.2 -1.2 : None=1; To Pain=2; To Speech=3; Spontaneously=4
223900|GCS - Verbal Response|Verbal Response||T|q4 1 .97|w verbal : No Response-ETT=1; No Response=1; Incomprehensible sounds=2; Inappropriate Words=3; Confused=4; Oriented=5
223901|GCS - Motor Response|Motor Response||T|q4 1 .97|r brain -3.9 -3.7 -3.4 -2.6 -2 : No response=1; Abnormal extension=2; Abnormal Flexion=3; Flex-withdraws=4; Localizes Pain=5; Obeys Commands=6
223907|Pupil Size Right|||T|q4 .95 .8|r pupil -1.8 -.4 1 2 3 : Pinpoint; 2 mm; 3 mm; 4 mm; 5 mm; 6 mm
224733|Pupil Size Left|||T|q4 .95 .8|r pupil -1.8 -.4 1 2 3 : Pinpoint; 2 mm; 3 mm; 4 mm; 5 mm; 6 mm
227121|Pupil Response Right|Pupil Response R||T|q4 .95 .8|r brain -4 -2.6 : Non-reactive; Sluggish; Brisk
227288|Pupil Response Left|Pupil Response L||T|q4 .95 .8|r brain -4 -2.6 : Non-reactive; Sluggish; Brisk
228394|Orientation to Person|||T|q8:notvent .8 .85|r brain -2.4 -1.6 : Not oriented=0; Inconsistently oriented=1; Oriented=2
228395|Orientation to Place|||T|q8:notvent .8 .85|r brain -1.6 -1.1 : Not oriented=0; Inconsistently oriented=1; Oriented=2
228396|Orientation to Time|||T|q8:notvent .8 .85|r brain -1.5 -1 -.8 : Not oriented=0; Oriented to year only=1; Inconsistently oriented=2; Oriented=3
229381|Orientation|||T|q4 .2 .9|r brain -1.3 -.8 : Person; Place; Time=1
228397|Commands Response|||T|q8 .86 .8|r brain -2.2 -1.4 : Does not follow; Inconsistently follows; Consistently follows
228398|Commands|||T|q8 .85 .8|r brain -1.8 -.9 : None; Simple; Complex
228414|Speech|||T|q8 .86 .8|r brain -2 -1.2 -.8 : Intubated/trached; Garbled; Slurred; Normal
228409|Strength L Arm|||T|q8 .86 .9|r mob -3 -2.6 -2.2 -1.7 -.8 : No movement=0; Trace movement=1; Lifts/falls back=2; Lifts and holds=3; Some resistance=4; Full resistance=5
228412|Strength R Arm|||T|q8 .86 .9|r mob -3 -2.6 -2.2 -1.7 -.8 : No movement=0; Trace movement=1; Lifts/falls back=2; Lifts and holds=3; Some resistance=4; Full resistance=5
228410|Strength L Leg|||T|q8 .86 .9|r mob -2.4 -2 -1.6 -1 -.2 : No movement=0; Trace movement=1; Lifts/falls back=2; Lifts and holds=3; Some resistance=4; Full resistance=5
228411|Strength R Leg|||T|q8 .86 .9|r mob -2.4 -2 -1.6 -1 -.2 : No movement=0; Trace movement=1; Lifts/falls back=2; Lifts and holds=3; Some resistance=4; Full resistance=5
228404|Motor L Arm|||T|q8 .42 .8|r mob -2.6 -1.4 : No movement; Moves on bed; Normal strength
228406|Motor R Arm|||T|q8 .42 .8|r mob -2.6 -1.4 : No movement; Moves on bed; Normal strength
228405|Motor L Leg|||T|q8 .42 .8|r mob -2 -.9 : No movement; Moves on bed; Normal strength
228407|Motor R Leg|||T|q8 .42 .8|r mob -2 -.9 : No movement; Moves on bed; Normal strength
223904|Gag Reflex|||T|q8:vent .9 .75|r brain -3 -2 : Absent; Impaired; Intact
223905|Cough Reflex|||T|q8:vent .9 .75|r brain -3.4 -2.2 : Absent; Impaired; Intact
228415|Corneal Reflex Left|||T|q8:vent .65 .6|r brain -4 -3 : Absent; Impaired; Intact
228416|Corneal Reflex Right|||T|q8:vent .65 .6|r brain -4 -3 : Absent; Impaired; Intact
228399|Facial Droop|||T|q12 .75 .8|r stroke 1 : None; Present
228400|Visual Field Cut|||T|q12 .5 .6|r stroke 1.4 : None; Present
228401|Pronator Drift|||T|q12 .38 .6|r stroke .9 : None; Present
226104|Level of Consciousness|||T|q4 .09 .8|r brain -3.2 -2.2 -1.2 : Unresponsive; Stuporous; Arouse to Voice; Alert
223902|Speech|||T|q4 .09 .8|r brain -2 -1.2 : Nonverbal; Garbled; Clear
223917|RU Strength/Movement|||T|q4 .09 .8|r mob -2.4 -1 : Not move; Lift/falls; Normal
223919|LU Strength/Movement|||T|q4 .09 .8|r mob -2.4 -1 : Not move; Lift/falls; Normal
@Pain/Sedation
228096|Richmond-RAS Scale|||T|q4 .98 .85|w rass : -5 Unarousable, no response to voice or physical stimulation=-5; -4 Deep sedation, no response to voice, but movement or eye opening to physical stimulation=-4; -3 Moderate sedation, movement or eye opening;; No eye contact=-3; -2 Light sedation, briefly awakens to voice (eye opening/contact) < 10 sec=-2; -1 Awakens to voice (eye opening/contact) > 10 sec=-1; 0  Alert and calm=0; +1 Anxious, apprehensive, but not aggressive=1; +2 Frequent nonpurposeful movement, fights ventilator=2; +3 Pulls or removes tube(s) or catheter(s);; aggressive=3
228299|Goal Richmond-RAS Scale|||T|q4 .95 .78|r brain -3 -1.6 : -3 Moderate sedation, movement or eye opening;; No eye contact=-3; -1 Awakens to voice (eye opening/contact) > 10 sec=-1;  0  Alert and calm=0
223781|Pain Present|||T|q4 1 .95|r pain .5 1.8 : No; Yes; Unable to Assess
223795|Pain Assessment Method|||T|q4 .98 .95|r brain -2.2 -1.6 : CPOT; Non-verbal; Numeric
223791|Pain Level|||T|q4:awake .92 .8|r pain -.6 -.1 .4 .8 1.2 1.6 2 2.5 : None=0; Mild=1; 2=2; 3=3; 4=4; 5=5; Moderate=6; 8=8; Worst=10
224409|Pain Level Response|||T|q8 .83 .75|r pain .2 .8 1.4 2 : None=0; Mild=1; 2=2; 3=3; Moderate=5
223794|Pain Level Acceptable|||T|q4 .95 .65|r - -.8 .4 1.4 : None; Mild; 2; 3
223783|Pain Location|||T|q4 .98 .75|r - -1.2 -.3 .5 1.3 : Back; Abdominal; Generalized; Incision; Head
223784|Pain Cause|||T|q4 .88 .7|r - -.7 .3 1.2 : Incision; Unable to identify; Chronic; Positioning
223782|Pain Type|||T|q4 .93 .57|r - -.4 .8 : Aching; Acute pain; Unable to Assess
223792|Pain Management|||T|q4 .95 1|m .5 Bolus analgesia; .45 Repositioned; .3 Continuous infusion; .15 Emotional support
223796|Untoward Effect|||T|q8 .81 .75|r s 2 : None; Sedation
228332|Delirium assessment|||T|q8 .9 .75|r brain -2.4 -1.2 : UTA; Positive; Negative
228337|CAM-ICU MS Change|||T|q12 .5 .8|r brain -1.4 : Yes=1; No=0
228334|CAM-ICU Altered LOC|||T|q12 .35 .8|r brain -1.4 : Yes=1; No=0
228336|CAM-ICU Inattention|||T|q12 .3 .7|r brain -1.6 : Yes=1; No=0
229326|CAM-ICU MS Change|||T|q8 .4 .6|r brain -1.2 : Yes=1; No=0
229325|CAM-ICU Inattention|||T|q12 .26 .7|r brain -1.4 : Yes=1; No=0
228298|Daily Wake Up|||T|q8 .94 .85|r brain -1.8 : Yes; No
228297|Daily Wake Up Deferred|||T|d:sedated .5 .6|r s 1.5 : Paralyzed; Oxygenation
@Pulmonary
223986|RUL Lung Sounds|||T|q4 .99 .96|r lung .7 1.3 2 2.6 : Clear; Rhonchi; Diminished; Exp Wheeze; Crackles
223988|LUL Lung Sounds|||T|q4 .99 .96|r lung .7 1.3 2 2.6 : Clear; Rhonchi; Diminished; Exp Wheeze; Crackles
223987|RLL Lung Sounds|||T|q4 .99 .97|r lung -.5 1.7 2.3 : Clear; Diminished; Crackles; Bronchial
223989|LLL Lung Sounds|||T|q4 .99 .96|r lung -.5 1.7 2.3 : Clear; Diminished; Crackles; Bronchial
223991|Cough Effort|||T|q4 .97 .65|r brain -3.2 -2 -1 : Absent; Weak; Impaired; Strong
223992|Cough Type|||T|q4 .92 .55|r lung .2 1.2 : Dry; Non-productive; Productive
223985|Respiratory Pattern|||T|q4 .57 .7|r lung 1 2 : Regular; Labored; Tachypneic
223990|Respiratory Effort|||T|q4 .57 .7|r lung .7 1.8 : Normal; Dyspnea on exertion; Labored
229322|Breathing pattern/effort|||T|q4 .42 1|r lung .6 1.5 : Normal; Tachypneic; Accessory muscle use/retractions
229323|Current Dyspnea Assessment|||T|q8 .4 .8|r lung .5 1.2 2 : 0 - None=0; 1 - Mild=1; 3 - Moderate=3; 7 - Severe=7
223993|Chest Tube Site # 1|||T|q4:chest 1 .8|r - 0 : Right; Left
224806|CT #1 Suction Type|||T|q4:chest 1 .8|r - .8 : Suction; Water Seal
223996|CT #1 Drainage|||T|q4:chest 1 .75|r - -.2 1 : Sanguineous; Serosanguinous; Serous
224775|CT #1 Leak|||T|q4:chest 1 .65|r lung 1.6 : No; Yes
223998|CT #1 Crepitus|||T|q4:chest 1 .7|r - 1.8 : No; Yes
223994|CT #1 Suction Amount|||T|q4:chest .95 .7|r - 1.4 : 20; 40
@Hemodynamics
220074|Central Venous Pressure|CVP|mmHg|N|q2:cvl .7 .8|v cvp
220059|Pulmonary Artery Pressure systolic|PAPs|mmHg|N 15 25|h:pa 1 .8|n lung 33 9 12 90 1
220060|Pulmonary Artery Pressure diastolic|PAPd|mmHg|N 8 15|h:pa 1 .8|n lung 16 5 3 50 1
220061|Pulmonary Artery Pressure mean|PAPm|mmHg|N 10 20|h:pa 1 .8|n lung 22 6 6 60 1
220088|Cardiac Output (thermodilution)|CO (thermodilution)|L/min|N 4 7|q4:pa .7 .7|n s 5.2 1.2 1.5 12 .1
@NICOM
228368|Cardiac Index (CI NICOM)||L/min/m2|N|q4:art .05 .6|n s 3 .7 1 6 .1
@Hemodynamics
220765|Intra Cranial Pressure|ICP|mmHg|N|h:icp 1 .9|n stroke 9 4 0 60 1
227066|Cerebral Perfusion Pressure|CPP|mmHg|N|h:icp 1 .7|n s 76 9 30 120 1
@Cardiovascular
224771|RLE Temp|||T|q4 .97 .56|r circ -2.2 -1.2 : Cold; Cool; Warm
224773|LLE Temp|||T|q4 .97 .56|r circ -2.2 -1.2 : Cold; Cool; Warm
224767|RUE Temp|||T|q4 .97 .55|r circ -2.6 -1.6 : Cold; Cool; Warm
224769|LUE Temp|||T|q4 .97 .55|r circ -2.6 -1.6 : Cold; Cool; Warm
223979|RLE Color|||T|q4 .97 .56|r circ -2.6 -1.6 : Mottled; Pale; Normal for Ethnicity
223983|LLE Color|||T|q4 .97 .56|r circ -2.6 -1.6 : Mottled; Pale; Normal for Ethnicity
223976|RUE Color|||T|q4 .97 .55|r circ -2.9 -1.8 : Mottled; Pale; Normal for Ethnicity
223982|LUE Color|||T|q4 .97 .55|r circ -2.9 -1.8 : Mottled; Pale; Normal for Ethnicity
223967|Angio Site # 1|||T|q4 .1 .6|r - .3 : Right Femoral; Right Radial
223968|Angio Appearance # 1|||T|q4 .1 .6|r - 1.2 : Soft; Ecchymosis
@Cardiovascular (Pulses)
223934|Dorsal PedPulse R|||T|q4 .99 .7|r circ -2.6 -1.2 .4 : Absent; Doppler; Weak/Thready; Easily Palpable
223943|Dorsal PedPulse L|||T|q4 .99 .7|r circ -2.6 -1.2 .4 : Absent; Doppler; Weak/Thready; Easily Palpable
223935|PostTib. Pulses R|PostTib Pulses R||T|q4 .96 .53|r circ -2.4 -1 .6 : Absent; Doppler; Weak/Thready; Easily Palpable
223947|PostTib. Pulses L|PostTib Pulses L||T|q4 .96 .53|r circ -2.4 -1 .6 : Absent; Doppler; Weak/Thready; Easily Palpable
223936|Radial Pulse R|||T|q4 .84 .5|r circ -3 -.8 : Doppler; Weak/Thready; Easily Palpable
223948|Radial Pulse L|||T|q4 .84 .5|r circ -3 -.8 : Doppler; Weak/Thready; Easily Palpable
223951|Capillary Refill R|||T|q4 .94 .5|r circ -1.9 : Abnormal >3 sec; Normal <3 Seconds
224308|Capillary Refill L|||T|q4 .94 .5|r circ -1.9 : Abnormal >3 sec; Normal <3 Seconds
@GI/GU
224003|Abdominal Assessment|||T|q4 .99 .94|r gut 0 1 1.8 : Soft; Obese; Distended; Firm
224004|Bowel Sounds|||T|q4 .99 .72|r gut .9 1.9 : Present; Hypoactive; Absent
224001|Diet Type|||T|q4 .99 .83|r mob -1.8 -.9 .2 : NPO; Tube feeding; Clear liquid; Cardiac/Heart healthy
223999|Oral Cavity|||T|q4 .99 .8|r s 1.2 2 : Teeth/Tissue WNL; Bleeding; Other/Remarks
224015|Urine Source|||T|q4 .99 .76|w urine : Foley; Void; Condom Cath
224016|Urine Color|||T|q4 .97 .68|r kid -.9 .6 1.6 2.4 : Light Yellow; Yellow; Amber; Icteric; Pink
224876|Urine Appearance|||T|q4 .97 .66|r inf .9 1.8 : Clear; Cloudy; Sediment
224017|GU Catheter Size|||T|q4:foley .95 .8|r - 1.2 2 : 16 Fr; 14 Fr; 18 Fr
229354|Foley Cath Insertion Location|Indwelling Urinary Cath Insertion Location||T|q4:foley .4 .7|r - .2 1.2 : ICU; Emergency Department; Operating Room
224000|Nares R|||T|q4 .92 .55|r - 1 : Intact; Impaired
224879|Nares L|||T|q4 .92 .55|r - 1 : Intact; Impaired
224785|GI #1 Tube Type|||T|q4:gitube 1 .8|r - .2 1.2 : Oral gastric; Nasogastric; PEG
224007|GI #1 Intub Site|||T|q4:gitube 1 .78|r - .2 1.2 : Oral; Right naris; Left naris
224786|GI #1 Tube Status|||T|q4:gitube .97 .77|r gut .6 1.5 : Feeding; Clamped; Low continuous suction
228307|GI #1 Tube Place Check|||T|q4:gitube .9 .7|r - 1.5 : Yes; No
228308|GI #1 Tube Place Method|||T|q8:gitube .9 .7|r - .3 : Auscultation; X-ray
224009|GI #1 Tube Drainage|||T|q8:gitube .8 .6|r gut .3 1.2 : Tan; Bilious; Brown
224005|Flatus|||T|q8 .84 .5|r gut .8 : Yes; No
224011|Stool Consistency|||T|q8 .5 .6|r gut -.8 .2 : Formed; Soft; Loose
224794|Stool Color|||T|q8 .5 .6|r gut .4 1.3 2.2 : Brown; Green; Black; Bloody
224012|Stool Management|||T|q8 .3 .6|r s 1.6 : Bedpan; Flexiseal
227968|All Medications Tolerated without Adverse Side Effects|All Medications Tolerated||T|q8 .9 .8|r - 1.8 : Yes; No
@Labs
225664|Glucose finger stick (range 70-100)|Glucose FS (range 70 -100)||N|q4 .84 .55|v finger
220602|Chloride (serum)|||N|l|lab cl 0 mEq/L
227442|Potassium (serum)|||W|l|lab k 1 mEq/L
220645|Sodium (serum)|||N|l|lab na 0 mEq/L
227443|HCO3 (serum)|||W|l|lab hco3 0 mEq/L
227073|Anion gap|||N|l|lab ag 0 mEq/L
220621|Glucose (serum)|||N|l|lab glu 0 mg/dL
220615|Creatinine (serum)|||N|l|lab cr 1 mg/dL
225624|BUN|||N|l|lab bun 0 mg/dL
220545|Hematocrit (serum)|||N|l|lab hct 1 %
220228|Hemoglobin||g/dl|N|l|lab hgb 1 g/dl
220635|Magnesium|||N|l|lab mg 1 mg/dL
225677|Phosphorous|||N|l|lab phos 1 mg/dL
225625|Calcium non-ionized|||N|l|lab ca 1 mg/dL
227457|Platelet Count|||W|l|lab plt 0 K/uL
220546|WBC|||N|l|lab wbc 1 K/uL
227466|PTT|||W|l|lab ptt 1 sec
227467|INR|||W|l|lab inr 1
227465|Prothrombin time|PT||W|l|lab pt 1 sec
223830|PH (Arterial)|||N|l|lab ph 2 units
224828|Arterial Base Excess|||N|l|lab be 0 mEq/L
225698|TCO2 (calc) Arterial|||N|l|lab tco2 0 mEq/L
220224|Arterial O2 pressure|PO2 (Arterial)|mmHg|N|l|lab po2 0 mmHg
220235|Arterial CO2 Pressure|PCO2 (Arterial)|mmHg|N|l|lab pco2 0 mmHg
225668|Lactic Acid|||N|l|lab lac 1 mmol/L
225667|Ionized Calcium|||N|l|lab fca 2 mmol/L
226537|Glucose (whole blood)|||N|l|lab gluwb 0 mg/dL
227464|Potassium (whole blood)|||W|l|lab kwb 1 mEq/L
225690|Total Bilirubin|||N|l|lab bili 1 mg/dL
220587|AST|||N|l|lab ast 0 IU/L
220644|ALT|||N|l|lab alt 0 IU/L
225612|Alkaline Phosphate|||N|l|lab alp 0 IU/L
227456|Albumin|||W|l|lab alb 1 g/dL
227468|Fibrinogen|||W|l|lab fib 0 mg/dL
220632|LDH|||N|l|lab ldh 0 IU/L
227429|Troponin-T|||W|l|lab trop 2 ng/mL
225634|CK (CPK)|||N|l|lab ck 0 IU/L
227445|CK-MB|||W|l|lab ckmb 0 ng/mL
227446|Brain Natiuretic Peptide (BNP)|||W|l|lab bnp 0 pg/mL
"""

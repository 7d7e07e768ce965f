"""The dates charted in intensive care: when lines were put in, dressed, capped and given new tubing.

Out: DATES, lines itemid|label|abbreviation (empty: the label)|category|device of devices.py (history: asked at admission)|Date or Date and
Time|mean days between changes (0: the day it was put in)|share of stays with the device that chart it.
"""

DATES = """
224288|Arterial line Insertion Date||Access Lines - Invasive|art|Date|0|1
224290|Arterial line Tubing Change||Access Lines - Invasive|art|Date|4|.96
224287|Arterial Line Dressing Change||Access Lines - Invasive|art|Date and Time|3|.94
224284|Arterial line Cap Change||Access Lines - Invasive|art|Date|4|.22
224285|Arterial line Change over Wire Date||Access Lines - Invasive|art|Date|0|.1
224280|Multi Lumen Insertion Date||Access Lines - Invasive|cvl|Date|0|1
224282|Multi Lumen Tubing Change||Access Lines - Invasive|cvl|Date|4|.97
224279|Multi Lumen Dressing Change||Access Lines - Invasive|cvl|Date and Time|3|.97
224261|Multi Lumen Cap Change||Access Lines - Invasive|cvl|Date|4|.95
224262|Multi Lumen Change over Wire Date||Access Lines - Invasive|cvl|Date|0|.02
224184|PICC Line Insertion Date||Access Lines - Invasive|picc|Date|0|.95
224187|PICC Line Tubing Change||Access Lines - Invasive|picc|Date|4|.92
224186|PICC Line Dressing Change||Access Lines - Invasive|picc|Date and Time|4|1
224183|PICC Line Cap Change||Access Lines - Invasive|picc|Date|4|.94
224185|PICC Line Change over Wire Date||Access Lines - Invasive|picc|Date|0|.08
225322|Dialysis Catheter Insertion Date||Access Lines - Invasive|dialysis|Date|0|1
225321|Dialysis Catheter Dressing Change||Access Lines - Invasive|dialysis|Date and Time|3|1
225318|Dialysis Catheter Cap Change||Access Lines - Invasive|dialysis|Date|4|.95
225324|Dialysis CatheterTubing Change|Dialysis Catheter Tubing Change|Access Lines - Invasive|dialysis|Date|4|.7
224296|Cordis/Introducer Insertion Date||Access Lines - Invasive|cordis|Date|0|1
224295|Cordis/Introducer Dressing Change||Access Lines - Invasive|cordis|Date and Time|2|.92
224298|Cordis/Introducer Tubing Change||Access Lines - Invasive|cordis|Date|3|.85
224292|Cordis/Introducer Cap Change|Cordis Introducer Cap Change|Access Lines - Invasive|cordis|Date|3|.75
225354|PA Catheter Insertion Date||Access Lines - Invasive|pa|Date|0|1
225353|PA Catheter Dressing Change||Access Lines - Invasive|pa|Date and Time|2|1
225351|PA Catheter Cap Change||Access Lines - Invasive|pa|Date|3|.9
225356|PA Catheter Tubing Change||Access Lines - Invasive|pa|Date|3|.9
225317|Trauma Line Insertion Date||Access Lines - Invasive|trauma|Date|0|1
225216|Trauma Line Dressing Change||Access Lines - Invasive|trauma|Date and Time|2|1
225213|Trauma Line Cap Change||Access Lines - Invasive|trauma|Date|4|.9
225218|Trauma Line Tubing Change||Access Lines - Invasive|trauma|Date|4|.9
225378|Indwelling Port (PortaCath) Insertion Date||Access Lines - Invasive|port|Date|0|.7
227126|Indwelling (PortaCath) Port #1 Date Accessed||Access Lines - Invasive|port|Date|5|.95
227361|Indwelling (PortaCath) Dressing Change||Access Lines - Invasive|port|Date and Time|5|.8
225375|Indwelling Port (PortaCath) Cap Change||Access Lines - Invasive|port|Date|4|.6
225380|Indwelling Port (PortaCath)Tubing Change|Indwelling Port (PortaCath) Tubing Change|Access Lines - Invasive|port|Date|4|.6
225346|Midline Insertion Date||Access Lines - Invasive|midline|Date|0|.8
225345|Midline Dressing Change||Access Lines - Invasive|midline|Date and Time|4|1
225348|Midline Tubing Change||Access Lines - Invasive|midline|Date|4|.9
225343|Midline Cap Change||Access Lines - Invasive|midline|Date|4|.8
225338|IABP Insertion Date||Access Lines - Invasive|iabp|Date|0|1
225337|IABP Dressing Change||Access Lines - Invasive|iabp|Date and Time|2|1
225340|IABP Tubing Change||Access Lines - Invasive|iabp|Date|3|1
226128|ICP Line Insertion Date||Access Lines - Invasive|icp|Date|0|1
226126|ICP Line Dressing Change||Access Lines - Invasive|icp|Date and Time|5|1
226132|ICP Line Tubing Change||Access Lines - Invasive|icp|Date|4|1
225754|20 Gauge Insertion Date||Access Lines - Peripheral|gauge20|Date|0|1
225755|18 Gauge Insertion Date||Access Lines - Peripheral|gauge18|Date|0|1
225753|22 Gauge Insertion Date||Access Lines - Peripheral|gauge22|Date|0|1
225756|16 Gauge Insertion Date||Access Lines - Peripheral|gauge16|Date|0|1
229732|20 Gauge Dressing Change||Access Lines - Peripheral|gauge20|Date and Time|2|.03
229738|20 Gauge Cap Change||Access Lines - Peripheral|gauge20|Date|3|.03
229733|22 Gauge Dressing Change||Access Lines - Peripheral|gauge22|Date and Time|2|.03
229739|22 Gauge Cap Change||Access Lines - Peripheral|gauge22|Date|3|.03
229352|Foley Cath Insertion Date|Indwelling Urinary Cath Insertion Date|GI/GU|foley|Date|0|.5
227790|Impaired Skin  - Dressing Change #1||Skin - Impairment|wound|Date and Time|1|.7
227791|Impaired Skin  - Dressing Change #2||Skin - Impairment|wound|Date and Time|1|.16
227792|Impaired Skin  - Dressing Change #3||Skin - Impairment|wound|Date and Time|1|.1
227793|Impaired Skin  - Dressing Change #4||Skin - Impairment|wound|Date and Time|1|.06
227794|Impaired Skin  - Dressing Change #5||Skin - Impairment|wound|Date and Time|1|.05
227795|Impaired Skin  - Dressing Change #6||Skin - Impairment|wound|Date and Time|1|.05
228793|Pressure ulcer #1- Dressing change||Skin - Impairment|ulcer|Date and Time|1|.6
228794|Pressure ulcer #2- Dressing change||Skin - Impairment|ulcer|Date and Time|1|.15
225128|Last dialysis||Adm History/FHPA|history|Date|2|1
226719|Last menses||Adm History/FHPA|history|Date|18|.03
"""

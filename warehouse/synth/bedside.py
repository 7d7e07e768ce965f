"""Rows of procedureevents: lines, ventilation and dialysis with their duration; imaging, cultures and the like, done in a minute.

In: a `World`. Out: `Rows`. What lasts is read from devices.py, so that it agrees with what nurses chart. What is still in place when the
stay ends is closed by the system in the second of discharge: nobody is named, and storetime has thousandths, written as text.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.synth.columns import Rows, fixed, ints, reals, stamps, words
from warehouse.synth.course import DAY
from warehouse.synth.devices import VENT, steps_of
from warehouse.synth.fluiditems import ITEM
from warehouse.synth.infusions import spans_of, weights
from warehouse.synth.intake import nurses, order_ids, told_early
from warehouse.synth.quirks import quirks
from warehouse.synth.recipes import RECIPES

if TYPE_CHECKING:
    from warehouse.synth.world import World

QUIRKS = quirks("""
procedure_outside_stay | .029 | 10: 42 of 1,468 in the demo | starttime before the stay
closed_by_system | .31 | 12: 242 of 1,468 rows, 242 of 697 that last | no removal is charted: ends with the stay, by nobody
""")  # fmt: skip
# Shares of what lasts: told in days and not in minutes, and stopped before its time where it is.
_IN_DAYS, _STOPPED = 0.046, 0.6
_LOCATIONS = {
    "Peripheral": ("Right Antecubital", "Left Metacarpal", "Left Antecubital", "Right Cephalic Lower Arm",
                   "Left Cephalic Lower Arm", "Right Metacarpal", "Left Basilic Lower Arm", "Right Basilic Lower Arm",
                   "Right Accessory Cephalic", "Left Accessory Basilic"),
    "Invasive Arterial": ("Right Radial", "Left Radial", "Right Radial", "Left Radial", "Right Femoral", "Left Femoral"),
    "Invasive Venous": ("Right IJ", "Right IJ", "Right IJ", "Right Femoral.", "Left IJ", "Left Subclavian", "Right Subclavian",
                        "Right Antecube ", "Left Brachial."),
    "Dialysis": ("Right IJ.",),
    "Catheter, GU": ("Urethral",),
    "ICP Line": ("R Ventricular",),
}  # fmt: skip
# What lasts: item|ordercategoryname|device|share of the stays with it|kind of place, share with it told
_LASTING = """
Invasive Ventilation|Ventilation|vent|.95|~
Arterial Line|Invasive Lines|art|1|Invasive Arterial .83
Multi Lumen|Invasive Lines|cvl|.95|Invasive Venous .45
PICC Line|Invasive Lines|picc|1|Invasive Venous .16
Cordis/Introducer|Invasive Lines|cordis|1|Invasive Venous 1
PA Catheter|Invasive Lines|pa|.7|Invasive Venous 1
CCO PAC|Invasive Lines|pa|.3|Invasive Venous 1
Dialysis Catheter|Invasive Lines|dialysis|.8|Invasive Venous .75
Trauma line|Invasive Lines|trauma|1|Invasive Venous 1
Midline|Invasive Lines|midline|1|Invasive Venous 1
Indwelling Port (PortaCath)|Invasive Lines|port|.5|Invasive Venous .33
Indwelling Port|Invasive Lines|port|.5|~
IABP line|Invasive Lines|iabp|1|Invasive Arterial 1
ICP Catheter|Invasive Lines|icp|1|ICP Line 1
Sheath (Venous)|Invasive Lines|cordis|.15|Invasive Venous 1
20 Gauge|Peripheral Lines|gauge20|1|Peripheral .59
20 Gauge|Peripheral Lines|gauge20|.45|Peripheral .59
18 Gauge|Peripheral Lines|gauge18|1|Peripheral .55
22 Gauge|Peripheral Lines|gauge22|.95|Peripheral .45
16 Gauge|Peripheral Lines|gauge16|1|Peripheral .54
14 Gauge|Peripheral Lines|gauge16|.08|Peripheral 1
Foley Catheter|Tubes|foley|.25|Catheter, GU .25
"""
# What is done in a minute: item|ordercategoryname|span as in recipes.py|from to (a stay's own number)|times a day|slope on severity
_DONE = """
Chest X-Ray|Imaging|stay|0 .65|.27|.4
Portable Chest X-Ray|Imaging|stay|.65 .72|.3|.4
X-ray|Imaging|stay|.3 .4|.2|0
Abdominal X-Ray|Imaging|d gitube|0 .05|.2|0
CT scan|Imaging|stay|.2 .6|.16|.3
Interventional Radiology|Imaging|stay|.1 .2|.07|.2
EKG|Procedures|stay|.05 .5|.2|.2
Transthoracic Echo|Procedures|stay|.1 .4|.1|.3
Trans Esophageal Echo|Procedures|stay|.4 .44|.08|.3
Ultrasound|Procedures|stay|.55 .9|.08|.2
Magnetic Resonance Imaging|Procedures|stay|.6 .75|.08|0
Angiography|Procedures|stay|.9 .93|.15|0
EEG|Procedures|stay|.7 .78|.12|.3
Endoscopy|Procedures|o pantoprazole|0 .08|.2|.2
Transcranial Doppler|Procedures|d icp|0 .3|.2|0
Bronchoscopy|Procedures|d vent|0 .3|.25|.3
Blood Cultured|Procedures|r vancomycin|0 .8|.2|.3
Urine Culture|Procedures|stay|.1 .45|.13|.2
Sputum Culture|Procedures|d vent|.2 .6|.18|.2
Stool Culture|Procedures|stay|.8 .86|.15|0
Pan Culture|Procedures|r vancomycin|.8 .95|.2|.3
Wound Culture|Procedures|d wound|0 .03|.2|0
BAL Fluid Culture|Procedures|d vent|0 .05|.2|0
Nasal Swab|Procedures|start S|0 .25|1|0
Nasal Swab|Procedures|start -|0 .18|1|0
Rectal Swab|Procedures|start -|.18 .19|1|0
Paracentesis|Procedures|with ascites|0 .3|.15|0
Thoracentesis|Procedures|stay|.93 .96|.12|.2
Chest Tube Placed|Procedures|stay|.96 .98|.2|.2
Line Placement at Bedside|Procedures|stay|.98 .99|.2|.3
VAC Change|Procedures|d wound|.03 .05|.2|0
Radiation Therapy|Procedures|with brainmet|0 .15|.3|0
Cardiac Cath|Procedures|start -|.97 .98|1|0
Epidural Placement|Procedures|start S|.97 .98|1|0
Nursing Water Swallow Screening|Procedures|eats|.9 .93|.1|0
Temporary Pacemaker Wires Discontinued|Procedures|start C|0 .15|1|0
OR Received|Significant Events|start S|0 .5|1|0
OR Sent|Significant Events|stay|.3 .5|.1|.3
Cardioversion/Defibrillation|Significant Events|r amiodarone|0 .12|.4|.3
Unplanned Line/Catheter Removal (Patient Initiated)|Significant Events|stay|.5 .53|.1|0
Family updated by RN|Communication|stay|0 .3|.22|.4
Family updated by MD|Communication|stay|.2 .36|.2|.4
Family meeting held|Communication|stay|.4 .5|.06|.6
Family met with Social Worker|Communication|stay|.5 .6|.06|.4
"""


@dataclass
class Done:
    """Procedures of a block; `place` indexes _PLACES, -1: not told. Times in real seconds."""

    stay: np.ndarray
    item: np.ndarray
    category: np.ndarray
    place: np.ndarray
    start: np.ndarray
    end: np.ndarray


_LAST = [line.split("|") for line in _LASTING.strip().splitlines()]
_ONCE = [line.split("|") for line in _DONE.strip().splitlines()]
_OTHER = ("Intubation/Extubation", "Continuous Procedures", "Dialysis", "CRRT Filter Change")
_CATEGORIES = tuple(dict.fromkeys([one[1] for one in _LAST + _ONCE] + list(_OTHER)))
_PLACES = tuple((kind, place) for kind, places in _LOCATIONS.items() for place in places)
_SPANS = tuple(dict.fromkeys(one[2] for one in _ONCE))
_MACHINES = [ITEM[name] for name in ("Invasive Ventilation", "Hemodialysis", "Dialysis - CRRT")]
_CRRT = [number for number, recipe in enumerate(RECIPES) if recipe.span == "d dialysis"]


def _done(stay, item, category: str, start, end, place=None) -> Done:
    size = len(stay)
    place = np.full(size, -1) if place is None else place
    return Done(stay, np.full(size, ITEM[item]), np.full(size, _CATEGORIES.index(category)), place, start, end)


def _lines(rng: np.random.Generator, world: "World") -> list[Done]:
    """Lines, tubes and the ventilator, from their place in time."""
    found = []
    for item, category, device, share, where in _LAST:
        stay, start, end = spans_of(rng, world, f"d {device}")
        # The span begins an hour after the device does; a line may be told from its first minute.
        start = np.maximum(start - 3600, -(-world.icu.start[stay] // 60) * 60 + 60 * rng.integers(0, 90, len(stay)))
        start = np.minimum(start, end - 1800)
        chosen = rng.random(len(stay)) < float(share)
        place = np.full(len(stay), -1)
        if where != "~":
            kind, told = where.rsplit(" ", 1)
            first = [one[0] for one in _PLACES].index(kind)
            place = np.where(
                rng.random(len(stay)) < float(told), first + rng.integers(0, len(_LOCATIONS[kind]), len(stay)), -1
            )
        found.append(_done(stay[chosen], item, category, start[chosen], end[chosen], place[chosen]))
    return found


def _tasks(rng: np.random.Generator, world: "World") -> list[Done]:
    """Imaging, cultures and events: at random times in their spans, more in the sicker."""
    own = rng.random((len(_SPANS), len(world.icu.stay_id)))
    spans = {text: spans_of(rng, world, text) for text in _SPANS}
    found = []
    for item, category, text, limits, often, slope in _ONCE:
        stay, start, end = spans[text]
        low, high = map(float, limits.split())
        mine = own[_SPANS.index(text), stay]
        rate = float(often) * (end - start) / DAY if not text.startswith("start") else np.full(len(stay), 1.0)
        severity = world.course.severity[steps_of(world, stay, (start + end) // 2)]
        count = rng.poisson(rate * np.exp(float(slope) * (severity - 1.5)))
        count = np.where(text.startswith("start"), 1, count) * ((mine >= low) & (mine < high))
        run = np.repeat(np.arange(len(stay)), count)
        time = start[run] + ((end - start)[run] * rng.random(len(run)) ** 1.2).astype(np.int64)
        time = np.minimum(time, end[run] - 60) // 60 * 60
        time = np.maximum(time, start[run])
        found.append(_done(stay[run], item, category, time, time + 60))
    return found


def _machines(rng: np.random.Generator, world: "World") -> list[Done]:
    """Intubation and extubation at the ventilator's ends; dialysis in sessions, or day and night where its fluids run."""
    icu, devices = world.icu, world.devices
    begin, end = (-(-devices.start[:, VENT] // 60) * 60, devices.end[:, VENT] // 60 * 60)
    on = end > begin
    placed = np.flatnonzero(on & (begin - icu.start > 1800) & (rng.random(len(on)) < 0.75))
    removed = np.flatnonzero(on & (icu.end - end > 1800) & (rng.random(len(on)) < 0.9))
    unplanned = rng.random(len(removed)) < 0.02
    found = [
        _done(placed, "Intubation", "Intubation/Extubation", begin[placed], begin[placed] + 60),
        *(
            _done(stays, item, category, end[stays], end[stays] + 60)
            for stays, item, category in (
                (removed[~unplanned], "Extubation", "Intubation/Extubation"),
                (removed[unplanned], "Unplanned Extubation (patient-initiated)", "Significant Events"),
            )
        ),
    ]
    stay, start, stop = spans_of(rng, world, "d dialysis")
    all_day = np.isin(stay, world.infusions.stay[np.isin(world.infusions.recipe, _CRRT)])
    count = np.where(all_day, 1 + (stop - start) // (2 * DAY), (stop - start) // (2 * DAY) + 1)
    run = np.repeat(np.arange(len(stay)), count)
    nth = np.arange(len(run)) - np.repeat(np.cumsum(count) - count, count)
    begins = start[run] + nth * 2 * DAY
    lasts = np.where(all_day[run], rng.integers(12, 44, len(run)) * 3600, rng.integers(150, 270, len(run)) * 60)
    ends = np.minimum(begins + lasts, stop[run])
    lasting, long = ends - begins >= 1800, all_day[run]
    for chosen, item, category in (
        (lasting & long, "Dialysis - CRRT", "Dialysis"),
        (lasting & ~long, "Hemodialysis", "Continuous Procedures"),
    ):
        found.append(_done(stay[run][chosen], item, category, begins[chosen], ends[chosen]))
    return found


def procedure_rows(world: "World") -> Rows:
    """Rows of procedureevents."""
    rng, share, icu = world.stream("procedureevents"), world.shares(QUIRKS), world.icu
    parts = _lines(rng, world) + _tasks(rng, world) + _machines(rng, world)
    names = ("stay", "item", "category", "place", "start", "end")
    stay, item, category, place, start, end = (np.concatenate([getattr(one, name) for one in parts]) for name in names)
    size = len(stay)
    lasts = end - start > 60
    early = told_early(rng, start - icu.start[stay], share["procedure_outside_stay"])
    back = np.where(early, start - icu.start[stay] + rng.exponential(2400, size).astype(np.int64) + 60, 0) // 60 * 60
    start, end = start - back, np.where(lasts, end, end - back)
    # Lines that are still in place are the likeliest.
    last = icu.end[stay] // 60 * 60
    closed = lasts & ~np.isin(item, _MACHINES)
    closed &= rng.random(size) * np.where(end == last, 0.4, 1) < share["closed_by_system"]
    end = np.where(closed, last, end)
    delay = np.exp(3.3 + 1.2 * rng.standard_normal(size)).clip(0, 600)
    delay = np.where(lasts, delay, np.where(rng.random(size) < 0.55, -1, delay * (rng.random(size) < 0.35)))
    stored = np.where(closed, icu.end[stay], end + 60 * delay.astype(np.int64))
    days = lasts & ~closed & (rng.random(size) < _IN_DAYS)
    hours = lasts & (item == ITEM["Hemodialysis"]) & (rng.random(size) < 0.3)
    unit = np.where(hours, 3600, np.where(days, DAY, 60))
    value = np.where(lasts, (end - start) / unit, 1.0)
    stopped = days & (rng.random(size) < _STOPPED)
    who = icu.patient[stay]
    shift = world.patients.shift_days[who] * DAY
    number = order_ids(world, np.arange(size))
    columns = {
        "subject_id": ints(world.patients.subject_id[who]),
        "hadm_id": ints(world.stays.hadm[icu.admission[stay]]),
        "stay_id": ints(icu.stay_id[stay]),
        "caregiver_id": ints(nurses(icu.stay_id[stay], stored), closed),
        "starttime": stamps(start + shift),
        "endtime": stamps(end + shift),
        "storetime": _to_the_thousandth(stored + shift, rng.integers(1, 1000, size), closed),
        "itemid": ints(item),
        "value": reals(value),
        "valueuom": words(
            np.where(~lasts, 0, np.where(hours, 1, np.where(days, 2, 3))), ["None", "hour", "day", "min"]
        ),
        "location": words(place, [name for _, name in _PLACES]),
        "locationcategory": words(place, [kind for kind, _ in _PLACES]),
        "orderid": ints(number),
        "linkorderid": ints(number),
        "ordercategoryname": words(category, _CATEGORIES),
        "ordercategorydescription": words(lasts.astype(int), ["Task", "ContinuousProcess"]),
        "patientweight": reals(weights(world)[stay]),
        "isopenbag": ints(lasts & ~days),
        "continueinnextdept": ints(np.zeros(size)),
        "statusdescription": words(stopped.astype(int), ["FinishedRunning", "Stopped"]),
        "ORIGINALAMOUNT": reals(np.where(days, np.ceil(value), value)),
        "ORIGINALRATE": reals(lasts.astype(float)),
    }
    return Rows(who, columns)


def _to_the_thousandth(seconds: np.ndarray, thousandths: np.ndarray, where: np.ndarray) -> pa.Array:
    """Times as text, to the thousandth of a second `where` so."""
    whole = stamps(seconds).cast(pa.string())
    part = fixed(thousandths / 1000, np.full(len(seconds), 3))
    exact = pc.binary_join_element_wise(whole, pc.utf8_slice_codeunits(part, 1), "")
    return pc.if_else(pa.array(where), exact, whole)

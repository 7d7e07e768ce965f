"""The SOFA score of the first ICU day told once more, slowly: plain Python over the raw rows, one stay at a time.

In: raw tables as lists of dictionaries of text, as csv gives them. Out: the components of each stay, None where one is missing.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean

Row = Mapping[str, str]
Tables = Mapping[str, Sequence[Row]]

COMPONENTS = ("respiration", "coagulation", "liver", "cardiovascular", "nervous_system", "renal")
MODES = set(
    """
    (S) CMV; APRV; APRV/Biphasic+ApnPress; APRV/Biphasic+ApnVol; APV (cmv); APV (simv); ASV; Ambient; Apnea Ventilation; CMV; CMV/ASSIST;
    CMV/ASSIST/AutoFlow; CMV/AutoFlow; CPAP/PPS; CPAP/PSV+Apn TCPL; CPAP/PSV+ApnPres; CPAP/PSV+ApnVol; MMV; MMV/AutoFlow; MMV/PSV;
    MMV/PSV/AutoFlow; P-CMV; P-SIMV; PCV+; PCV+/PSV; PCV+Assist; PRES/AC; PRVC/AC; PRVC/SIMV; PSV/SBT; SIMV; SIMV/AutoFlow; SIMV/PRES;
    SIMV/PSV; SIMV/PSV/AutoFlow; SIMV/VOL; SYNCHRON MASTER; SYNCHRON SLAVE; VOL/AC; VS
    """.replace("\n    ", " ")
    .strip()
    .split("; ")
)
URINE = {226559, 226560, 226561, 226584, 226563, 226564, 226565, 226567, 226557, 226558, 227488, 227489}
NEEDED = {
    "labevents": {52033, 50821, 50816, 51265, 50885, 50912},
    "chartevents": {220739, 223900, 223901, 220052, 220181, 225312, 223835, 223849, 229314, 226732},
    "inputevents": {221906, 221289, 221662, 221653},
    "outputevents": URINE,
}


def read_tables(root: Path) -> dict[str, list[Row]]:
    """The rows that the score needs, of raw tables as files under `root`."""
    folders = {"labevents": "hosp", "patients": "hosp", "admissions": "hosp"}
    tables = {}
    for name in ("patients", "admissions", "icustays", *NEEDED):
        path = root / folders.get(name, "icu") / f"{name}.csv"
        with path.open(newline="") if path.is_file() else gzip.open(f"{path}.gz", "rt", newline="") as file:
            wanted = NEEDED.get(name)
            tables[name] = [row for row in csv.DictReader(file) if wanted is None or int(row["itemid"]) in wanted]
    return tables


def moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def number(text: str) -> float | None:
    return float(text) if text else None


class Day:
    """The rows of one stay that were stored by the end of its first day."""

    def __init__(self, stay: Row, died_at: datetime | None, rows: Mapping[str, Sequence[Row]]) -> None:
        self.started_at = datetime.fromisoformat(stay["intime"])
        left_at = moment(stay["outtime"])
        ends = [self.started_at + timedelta(hours=24), died_at, max(left_at, self.started_at) if left_at else None]
        self.closes_at = min(end for end in ends if end is not None)
        self.rows = rows

    def of(self, table: str, *items: int, since_start: bool = False) -> Iterator[tuple[datetime, Row]]:
        first = self.started_at - timedelta(hours=0 if since_start else 6)
        column = "starttime" if table == "inputevents" else "charttime"
        for row in self.rows[table]:
            time = datetime.fromisoformat(row[column])
            stored = moment(row["storetime"]) or time
            if int(row["itemid"]) in items and first <= time and max(time, stored) <= self.closes_at:
                yield time, row


def scores(tables: Tables) -> dict[int, dict[str, int | None]]:
    """The points of each component by stay."""
    deaths: dict[str, datetime] = {}
    for row in tables["admissions"]:
        died_at = moment(row["deathtime"])
        if died_at:
            deaths[row["subject_id"]] = min(died_at, deaths.get(row["subject_id"], died_at))
    for row in tables["patients"]:
        if row["dod"] and row["subject_id"] not in deaths:
            deaths[row["subject_id"]] = datetime.fromisoformat(row["dod"][:10]) + timedelta(days=1, seconds=-1)
    by_owner: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for name in NEEDED:
        owner = "subject_id" if name == "labevents" else "stay_id"
        for row in tables[name]:
            by_owner[name, row[owner]].append(row)
    found = {}
    for stay in tables["icustays"]:
        rows = {name: by_owner[name, stay["subject_id" if name == "labevents" else "stay_id"]] for name in NEEDED}
        day = Day(stay, deaths.get(stay["subject_id"]), rows)
        parts = (respiration, coagulation, liver, cardiovascular, nervous_system, renal)
        found[int(stay["stay_id"])] = {name: part(day) for name, part in zip(COMPONENTS, parts, strict=True)}
    return found


def points(value: float | None, *limits: float, falling: bool = False) -> int | None:
    """Points by how many of the limits, the mildest first, a value reaches; or, falling, lies below."""
    if value is None:
        return None
    return sum(value < limit if falling else value >= limit for limit in limits)


def lab_values(day: Day, item: int, highest: float = float("inf")) -> list[float]:
    values = [number(row["valuenum"]) for _, row in day.of("labevents", item)]
    return [value for value in values if value is not None and 0 < value <= highest]


def oxygen_share(text: str) -> float | None:
    value = number(text)
    if value is None:
        return None
    if 0.2 < value <= 1:
        return value
    return value / 100 if 20 <= value <= 100 else None


def respiration(day: Day) -> int | None:
    specimens: dict[str, list[tuple[datetime, Row]]] = defaultdict(list)
    for time, row in day.of("labevents", 52033, 50821, 50816):
        if row["specimen_id"]:
            specimens[row["specimen_id"]].append((time, row))
    worst = []
    for rows in specimens.values():
        kinds = [row["value"].strip() for _, row in rows if row["itemid"] == "52033"]
        pressures = [number(row["valuenum"]) for _, row in rows if row["itemid"] == "50821"]
        pressures = [value for value in pressures if value is not None and value > 0]
        drawn_at = max(time for time, _ in rows)
        shares = [oxygen_share(row["valuenum"]) for _, row in rows if row["itemid"] == "50816"]
        share = max((value for value in shares if value), default=None) or charted_oxygen(day, drawn_at)
        if max(kinds, default=None) != "ART." or not pressures or share is None:
            continue
        ratio = max(pressures) / share
        if is_ventilated(day, drawn_at):
            worst.append(points(ratio, 400, 300, 200, 100, falling=True))
        else:
            worst.append(points(ratio, 400, 300, falling=True))
    return max(worst, default=None)


def charted_oxygen(day: Day, drawn_at: datetime) -> float | None:
    charted = [
        (time, share)
        for time, row in day.of("chartevents", 223835)
        if drawn_at - timedelta(hours=4) <= time <= drawn_at and (share := oxygen_share(row["valuenum"])) is not None
    ]
    return max(charted, default=(None, None))[1]


def is_ventilated(day: Day, drawn_at: datetime) -> bool:
    charted: dict[datetime, set[str]] = defaultdict(set)
    for time, row in day.of("chartevents", 223849, 229314, 226732):
        text = row["value"].strip()
        if row["itemid"] == "226732":
            if text and text not in ("T-piece", "Other"):
                stoma = text in ("Tracheostomy tube", "Trach mask")
                charted[time].add("stoma" if stoma else "tube" if text == "Endotracheal tube" else "free")
        elif text in MODES:
            charted[time].add("tube")
        elif text in ("DuoPaP", "NIV", "NIV-ST"):
            charted[time].add("free")
    before = [time for time in charted if drawn_at - timedelta(hours=14) < time <= drawn_at]
    return bool(before) and "tube" in charted[max(before)] and "stoma" not in charted[max(before)]


def coagulation(day: Day) -> int | None:
    return points(min(lab_values(day, 51265), default=None), 150, 100, 50, 20, falling=True)


def liver(day: Day) -> int | None:
    return points(max(lab_values(day, 50885), default=None), 1.2, 2, 6, 12)


def cardiovascular(day: Day) -> int | None:
    rates: dict[str, float] = {}
    for _, row in day.of("inputevents", *NEEDED["inputevents"]):
        rate, weight = number(row["rate"]), number(row["patientweight"])
        if row["statusdescription"] == "Rewritten" or rate is None:
            continue
        if row["rateuom"] == "mg/kg/min" and weight != 1:
            rate *= 1000
        elif row["rateuom"] == "mcg/min" and weight:
            rate /= weight
        elif row["rateuom"] not in ("mg/kg/min", "mcg/kg/min"):
            continue
        rates[row["itemid"]] = max(rate, rates.get(row["itemid"], rate))
    pressures: dict[datetime, list[float]] = defaultdict(list)
    for time, row in day.of("chartevents", 220052, 220181, 225312):
        value = number(row["valuenum"])
        if value is not None and 0 < value < 300:
            pressures[time].append(value)
    lowest = min(map(fmean, pressures.values()), default=None)
    adrenaline = max(rates.get("221906", 0), rates.get("221289", 0))
    dopamine = rates.get("221662", 0)
    if adrenaline > 0.1 or dopamine > 15:
        return 4
    if adrenaline > 0 or dopamine > 5:
        return 3
    if dopamine > 0 or rates.get("221653", 0) > 0:
        return 2
    if lowest is None:
        return 0 if rates else None
    return int(lowest < 70)


def nervous_system(day: Day) -> int | None:
    charted: dict[datetime, dict[str, float]] = defaultdict(dict)
    for time, row in day.of("chartevents", 220739, 223900, 223901):
        has_tube = row["itemid"] == "223900" and row["value"].strip() == "No Response-ETT"
        value = 0.0 if has_tube else number(row["valuenum"])
        parts = charted[time]
        if value is not None:
            parts[row["itemid"]] = max(value, parts.get(row["itemid"], value))
    lowest, last, last_time = None, {}, None
    for time in sorted(charted):
        parts = charted[time]
        if last_time is None or time - last_time >= timedelta(hours=6):
            last = {}
        verbal = parts.get("223900", last.get("223900"))
        had_tube = last.get("223900") == 0
        if verbal == 0:
            scale = 15.0
        else:
            known = {"223901": 6.0, "223900": 5.0, "220739": 4.0} | ({} if had_tube else last) | parts
            scale = sum(known.values())
        lowest = scale if lowest is None else min(lowest, scale)
        last, last_time = parts, time
    return points(lowest, 15, 13, 10, 6, falling=True)


def renal(day: Day) -> int | None:
    creatinine = points(max(lab_values(day, 50912, highest=150), default=None), 1.2, 2, 3.5, 5)
    volumes = [
        -abs(float(row["value"])) if row["itemid"] == "227488" else float(row["value"])
        for _, row in day.of("outputevents", *URINE, since_start=True)
        if row["value"]
    ]
    hours = (day.closes_at - day.started_at).total_seconds() / 3600
    urine = None
    if volumes and hours:
        per_day = sum(volumes) * 24 / hours
        urine = 4 if per_day < 200 else 3 if per_day < 500 else 0
    return max((part for part in (creatinine, urine) if part is not None), default=None)

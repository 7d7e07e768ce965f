"""The tasks of the emergency department, of laboratory results and of new diagnoses told once more, slowly, from the raw rows.

In: raw tables as files, and which ICD-10 code each ICD-9 code stands for. Out: the rows of each cohort, one patient at a time in plain
Python. Nothing is shared with the SQL, thresholds and codes included.
"""

import csv
import gzip
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
N_CATEGORIES = 10
OBSERVATION = ("EU OBSERVATION", "DIRECT OBSERVATION", "AMBULATORY OBSERVATION")


class Row(NamedTuple):
    """One member of a cohort."""

    subject_id: int
    prediction_time: datetime
    label: bool
    threshold: float | None = None
    variant: str | None = None


class Stay(NamedTuple):
    """A stay of any kind; ended_at is when the patient left or died, None where it is not known."""

    started_at: datetime
    ended_at: datetime | None
    ended_as: str
    died_in: bool
    kind: str


class Result(NamedTuple):
    """A laboratory result at the time when it was stored. The order of fields is that of the timeline."""

    known_at: datetime
    code: str
    key: str
    value: float


@dataclass
class Patient:
    """What the raw tables tell of one patient, up to death."""

    subject_id: int
    sex: str
    born_in: int
    died_at: datetime | None
    hospital: list[Stay] = field(default_factory=list)
    icu: list[Stay] = field(default_factory=list)
    ed: list[Stay] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    first_coded_at: dict[str, datetime] = field(default_factory=dict)

    def is_adult_at(self, moment: datetime) -> bool:
        return moment.year - self.born_in >= 18

    def is_dead_at(self, moment: datetime) -> bool:
        return self.died_at is not None and self.died_at <= moment

    def is_in(self, stays: list[Stay], moment: datetime) -> bool:
        return any(stay.started_at <= moment and (stay.ended_at is None or moment < stay.ended_at) for stay in stays)

    def code(self, code: str, coded_at: datetime) -> None:
        if self.died_at is None or coded_at <= self.died_at:
            self.first_coded_at[code[:3]] = min(coded_at, self.first_coded_at.get(code[:3], coded_at))

    def stay(self, started_at: datetime, left_at: datetime | None, ended_as: str = "", kind: str = "") -> Stay:
        if left_at is not None and self.is_dead_at(left_at):
            return Stay(started_at, self.died_at, ended_as, True, kind)
        return Stay(started_at, left_at, ended_as, ended_as == "DIED", kind)

    def admissions(self) -> Iterator[Stay]:
        """Hospital stays of an adult that were no mere observation and have a known end."""
        for stay in self.hospital:
            has_end = stay.ended_at is not None and stay.ended_at > stay.started_at
            if has_end and self.is_adult_at(stay.started_at) and stay.kind not in OBSERVATION:
                yield stay


# --- raw tables ----------------------------------------------------------------------------------------------------------


def rows_of(root: Path, table: str) -> Iterator[dict[str, str]]:
    path = root / f"{table}.csv"
    with path.open(newline="") if path.is_file() else gzip.open(f"{path}.gz", "rt", newline="") as file:
        yield from csv.DictReader(file)


def moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def latest(*moments: datetime | None) -> datetime:
    return max(one for one in moments if one is not None)


def read_patients(root: Path, icd_10_of: Mapping[str, str]) -> list[Patient]:
    """Every patient with stays, results and diagnoses; `icd_10_of` maps ICD-9 codes."""
    died_in_hospital: dict[int, datetime] = {}
    for row in rows_of(root, "hosp/admissions"):
        if died_at := moment(row["deathtime"]):
            subject_id = int(row["subject_id"])
            died_in_hospital[subject_id] = min(died_at, died_in_hospital.get(subject_id, died_at))
    patients = {}
    for row in rows_of(root, "hosp/patients"):
        subject_id = int(row["subject_id"])
        died_at = died_in_hospital.get(subject_id)
        if died_at is None and row["dod"]:
            died_at = datetime.combine(datetime.fromisoformat(row["dod"]), time(23, 59, 59))
        born_in = int(row["anchor_year"]) - int(row["anchor_age"])
        patients[subject_id] = Patient(subject_id, row["gender"], born_in, died_at)
    left_at = read_stays(root, patients)
    read_results(root, patients)
    for table, key in (("hosp/diagnoses_icd", "hadm_id"), ("ed/diagnosis", "stay_id")):
        for row in rows_of(root, table):
            coded_at = left_at.get((key, row[key]))
            code = row["icd_code"].strip() if row["icd_version"] == "10" else icd_10_of.get(row["icd_code"].strip())
            if coded_at and code:
                patients[int(row["subject_id"])].code(code, coded_at)
    return list(patients.values())


def read_stays(root: Path, patients: Mapping[int, Patient]) -> dict[tuple[str, str], datetime]:
    """Give each patient the stays that began before death; returns when each stay ended by its number, deaths apart."""
    left_at: dict[tuple[str, str], datetime] = {}
    for row in rows_of(root, "hosp/admissions"):
        patient, started_at = patients[int(row["subject_id"])], moment(row["admittime"])
        ended_at = latest(moment(row["dischtime"]), started_at, moment(row["deathtime"])) if row["dischtime"] else None
        if ended_at:
            left_at["hadm_id", row["hadm_id"]] = ended_at
        if not patient.died_at or started_at <= patient.died_at:
            ended_as, kind = row["discharge_location"], row["admission_type"]
            patient.hospital.append(patient.stay(started_at, ended_at, ended_as, kind))
    for row in rows_of(root, "icu/icustays"):
        patient, started_at = patients[int(row["subject_id"])], moment(row["intime"])
        if not patient.died_at or started_at <= patient.died_at:
            patient.icu.append(patient.stay(started_at, moment(row["outtime"])))
    for row in rows_of(root, "ed/edstays"):
        patient, started_at = patients[int(row["subject_id"])], moment(row["intime"])
        ended_at = left_at["stay_id", row["stay_id"]] = latest(started_at, moment(row["outtime"]))
        if not patient.died_at or started_at <= patient.died_at:
            patient.ed.append(patient.stay(started_at, ended_at, row["disposition"]))
    return left_at


def read_results(root: Path, patients: Mapping[int, Patient]) -> None:
    for row in rows_of(root, "hosp/labevents"):
        patient, drawn_at = patients.get(int(row["subject_id"])), moment(row["charttime"])
        if patient is None or drawn_at is None or not row["valuenum"]:
            continue
        known_at = latest(drawn_at, moment(row["storetime"]))
        if not patient.died_at or known_at <= patient.died_at:
            code = f"{row['itemid']} {row['valueuom'].strip()}"
            patient.results.append(Result(known_at, code, row["labevent_id"], float(row["valuenum"])))
    for patient in patients.values():
        patient.results.sort()


# --- cohorts -------------------------------------------------------------------------------------------------------------


def ed_hospital_admission(patient: Patient) -> Iterator[Row]:
    for visit, triaged_at in triaged(patient):
        if not patient.is_in(patient.hospital, triaged_at) and visit.ended_as:
            yield Row(patient.subject_id, triaged_at, visit.ended_as == "ADMITTED")


def ed_critical_outcome_12h(patient: Patient) -> Iterator[Row]:
    for _, triaged_at in triaged(patient):
        if not patient.is_in(patient.icu, triaged_at):
            until = triaged_at + 12 * HOUR
            to_icu = any(triaged_at < stay.started_at <= until for stay in patient.icu)
            yield Row(patient.subject_id, triaged_at, to_icu or patient.is_dead_at(until))


def triaged(patient: Patient) -> Iterator[tuple[Stay, datetime]]:
    for visit in patient.ed:
        triaged_at = visit.started_at + HOUR
        if patient.is_adult_at(visit.started_at) and not patient.is_dead_at(triaged_at) and triaged_at < visit.ended_at:
            yield visit, triaged_at


def ed_return_72h(patient: Patient) -> Iterator[Row]:
    for visit in patient.ed:
        left_at, is_adult = visit.ended_at, patient.is_adult_at(visit.started_at)
        is_elsewhere = patient.is_dead_at(left_at) or patient.is_in([*patient.hospital, *patient.ed], left_at)
        if is_adult and visit.ended_as == "HOME" and not is_elsewhere:
            returned = any(left_at < later.started_at <= left_at + 72 * HOUR for later in patient.ed)
            yield Row(patient.subject_id, left_at, returned)


# Per task: codes, and whether a value is beyond what is normal for a sex.
NEXT_RESULTS = {
    "hyperkalaemia": ({"50971 mEq/L", "52610 mEq/L", "50822 mEq/L", "52452 mEq/L"}, lambda value, _: value > 5.5),
    "hypoglycaemia": ({"50931 mg/dL", "52569 mg/dL", "50809 mg/dL", "52027 mg/dL"}, lambda value, _: value < 70),
    "hyponatraemia": ({"50983 mEq/L", "52623 mEq/L", "50824 mEq/L", "52455 mEq/L"}, lambda value, _: value < 135),
    "anaemia": ({"51222 g/dL", "51640 g/dL", "50811 g/dL"}, lambda value, sex: value < (13 if sex == "M" else 12)),
    "thrombocytopenia": ({"51265 K/uL", "51704 K/uL"}, lambda value, _: value < 150),
}
CREATININE = {"50912 mg/dL", "52546 mg/dL", "52024 mg/dL"}


def next_result(patient: Patient, task: str) -> Iterator[Row]:
    codes, is_beyond = NEXT_RESULTS[task]
    for stay, now in a_day_in(patient):
        coming = results_after(patient, stay, now, codes)
        if coming:
            yield Row(patient.subject_id, now, is_beyond(coming[0], patient.sex))


def severe_kidney_injury(patient: Patient) -> Iterator[Row]:
    for stay, now in a_day_in(patient):
        week = [one.value for one in patient.results if one.code in CREATININE and now - 7 * DAY <= one.known_at <= now]
        coming = results_after(patient, stay, now, CREATININE)
        if week and coming:
            stage_3 = min(round(3 * min(week), 2), 4.0)
            if week[-1] < stage_3:
                yield Row(patient.subject_id, now, max(coming) >= stage_3, stage_3)


def a_day_in(patient: Patient) -> Iterator[tuple[Stay, datetime]]:
    for stay in patient.admissions():
        if stay.started_at + DAY < stay.ended_at:
            yield stay, stay.started_at + DAY


def results_after(patient: Patient, stay: Stay, now: datetime, codes: set[str]) -> list[float]:
    until = min(now + 48 * HOUR, stay.ended_at)
    return [one.value for one in patient.results if one.code in codes and now < one.known_at <= until]


def commonest_new_diagnoses(patients: list[Patient]) -> list[str]:
    counts: Counter[str] = Counter()
    for patient in patients:
        bucket = int(hashlib.md5(f"ehr:{patient.subject_id}".encode()).hexdigest()[:8], 16) % 1000
        discharges = [stay.ended_at for stay in patient.hospital if stay.ended_at]
        if bucket >= 200 and discharges:
            counts.update(code for code, at in patient.first_coded_at.items() if at > min(discharges))
    diseases = [code for code in counts if code[0] not in "RVWXYZ"]
    return sorted(diseases, key=lambda code: (-counts[code], code))[:N_CATEGORIES]


def new_diagnosis(patient: Patient, categories: list[str]) -> Iterator[Row]:
    for stay in patient.admissions():
        now = stay.ended_at
        goes_on = any(other.ended_at and other.started_at <= now < other.ended_at for other in patient.hospital)
        for category in [] if stay.died_in or goes_on else categories:
            coded_at = patient.first_coded_at.get(category)
            if coded_at is None or coded_at > now:
                is_new = coded_at is not None and coded_at <= now + 365 * DAY
                yield Row(patient.subject_id, now, is_new, variant=category)


def cohorts(patients: list[Patient]) -> dict[str, list[Row]]:
    """The members of every cohort by task, ordered."""
    rows: dict[str, list[Row]] = defaultdict(list)
    categories = commonest_new_diagnoses(patients)
    for patient in patients:
        for task in (ed_hospital_admission, ed_critical_outcome_12h, ed_return_72h, severe_kidney_injury):
            rows[task.__name__] += task(patient)
        for name in NEXT_RESULTS:
            rows[name] += next_result(patient, name)
        rows["new_diagnosis"] += new_diagnosis(patient, categories)
    return {task: sorted(found, key=lambda row: (*row[:2], row.variant or "")) for task, found in rows.items()}

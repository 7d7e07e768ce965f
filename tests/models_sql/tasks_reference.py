"""The tasks of stays in hospital and in intensive care told once more, slowly, from the raw rows.

In: raw tables as files. Out: the rows of each cohort, stay by stay in plain Python, each by its hadm_id or stay_id. Nothing is shared
with the SQL. Scores of the first ICU day, which have a reference of their own, are given, and when each patient was last seen alive.
"""

import csv
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

DAY = timedelta(days=1)
WATCHED = {"EU OBSERVATION", "DIRECT OBSERVATION", "AMBULATORY OBSERVATION"}


class Row(NamedTuple):
    """One member of a cohort."""

    subject_id: int
    prediction_time: datetime
    label: bool | int | float


Cohorts = dict[str, dict[int, Row]]


@dataclass
class Stay:
    """A stay in hospital or in intensive care; `began` is None where it was written down after death."""

    subject_id: int
    key: int
    hadm_id: int
    began: datetime | None
    ended: datetime | None
    died_in: bool
    is_adult: bool
    kind: str = ""
    drg: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it is a stay of an adult with a beginning and an end."""
        return bool(self.is_adult and self.began and self.ended and self.ended > self.began)


def read(root: Path, table: str) -> Iterator[dict[str, str]]:
    """The rows of a raw table, none where it is absent."""
    for name, opened in ((f"{table}.csv.gz", gzip.open), (f"{table}.csv", open)):
        if (root / name).is_file():
            with opened(root / name, "rt", newline="") as file:
                yield from csv.DictReader(file)


def moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def cohorts(root: Path, scores: Mapping[int, int], last_alive: Mapping[int, datetime]) -> Cohorts:
    """All cohorts by task and by hadm_id or stay_id.

    `scores` are those of the first ICU day by stay_id, `last_alive` the times of each patient's last event before death.
    """
    admissions = list(read(root, "hosp/admissions"))
    deaths = read_deaths(root, admissions)
    born = {
        int(row["subject_id"]): int(row["anchor_year"]) - int(row["anchor_age"]) for row in read(root, "hosp/patients")
    }
    hospital = [hospital_stay(row, deaths, born) for row in admissions]
    for stay in hospital:
        died_at = deaths.get(stay.subject_id)
        later = [
            other for other in hospital if other.subject_id == stay.subject_id and other.began and other is not stay
        ]
        is_last = all(
            stay.began and (other.began, other.ended or datetime.max) < (stay.began, datetime.max) for other in later
        )
        seen = last_alive.get(stay.subject_id)
        if (
            died_at
            and seen
            and seen >= died_at - DAY
            and stay.began
            and stay.began < died_at
            and not stay.ended
            and is_last
        ):
            stay.ended, stay.died_in = died_at, True
    by_key = {stay.key: stay for stay in hospital}
    for row in read(root, "hosp/drgcodes"):
        stay = by_key.get(int(row["hadm_id"]))
        if stay and row["drg_type"] == "HCFA" and row["drg_code"].isdigit():
            stay.drg = min(int(row["drg_code"]), stay.drg or 10**9)
    icu = [icu_stay(row, deaths, born) for row in read(root, "icu/icustays")]
    for stay in icu:
        around = by_key.get(stay.hadm_id)
        later = [other for other in icu if other.hadm_id == stay.hadm_id and other.began and other is not stay]
        if around and around.died_in and around.ended:
            if stay.ended is None and all(stay.began and other.began < stay.began for other in later):
                stay.ended = around.ended
            if stay.ended and around.ended <= stay.ended:
                stay.died_in = True
    written_late = {
        int(row["hadm_id"])
        for row in admissions
        if deaths.get(int(row["subject_id"])) and written_end(row) and written_end(row) > deaths[int(row["subject_id"])]
    }
    found: Cohorts = {}
    for stay in hospital:
        others = [other for other in hospital if other.subject_id == stay.subject_id and other is not stay]
        within = [other for other in icu if other.hadm_id == stay.hadm_id]
        if stay.counts and stay.kind not in WATCHED:
            add_hospital(found, stay, others, within, deaths.get(stay.subject_id), stay.key in written_late)
    for stay in icu:
        others = [other for other in icu if other.hadm_id == stay.hadm_id and other is not stay]
        if stay.counts:
            add_icu(found, stay, others, by_key.get(stay.hadm_id), scores)
    return found


def read_deaths(root: Path, admissions: list[dict[str, str]]) -> dict[int, datetime]:
    """When each patient died: in hospital by the minute, else at the end of the day."""
    deaths = {
        int(row["subject_id"]): datetime.combine(moment(row["dod"]), time(23, 59, 59))
        for row in read(root, "hosp/patients")
        if row["dod"]
    }
    in_hospital: dict[int, datetime] = {}
    for row in admissions:
        died_at = moment(row["deathtime"])
        if died_at:
            subject_id = int(row["subject_id"])
            in_hospital[subject_id] = min(died_at, in_hospital.get(subject_id, died_at))
    return deaths | in_hospital


def written_end(row: dict[str, str]) -> datetime | None:
    """When a discharge counts, as administration has it: never before admission or death."""
    discharged = moment(row["dischtime"])
    if discharged is None:
        return None
    return max(time_ for time_ in (discharged, moment(row["admittime"]), moment(row["deathtime"])) if time_)


def stay_of(subject_id, key, hadm_id, began, end, died_at, born_in) -> Stay:
    after_death = died_at is not None and began > died_at
    return Stay(
        subject_id=subject_id,
        key=key,
        hadm_id=hadm_id,
        began=None if after_death else began,
        ended=min(end, died_at) if end and died_at else end,
        died_in=bool(died_at and end and not after_death and died_at <= end),
        is_adult=began.year - born_in >= 18,
    )


def hospital_stay(row: dict[str, str], deaths: Mapping[int, datetime], born: Mapping[int, int]) -> Stay:
    subject_id, hadm_id = int(row["subject_id"]), int(row["hadm_id"])
    began, died_at = moment(row["admittime"]), deaths.get(subject_id)
    stay = stay_of(subject_id, hadm_id, hadm_id, began, written_end(row), died_at, born[subject_id])
    stay.died_in = stay.died_in or row["discharge_location"] == "DIED"
    stay.kind = row["admission_type"]
    return stay


def icu_stay(row: dict[str, str], deaths: Mapping[int, datetime], born: Mapping[int, int]) -> Stay:
    subject_id, began, ended = int(row["subject_id"]), moment(row["intime"]), moment(row["outtime"])
    died_at = deaths.get(subject_id)
    return stay_of(subject_id, int(row["stay_id"]), int(row["hadm_id"]), began, ended, died_at, born[subject_id])


def add_hospital(
    found: Cohorts, stay: Stay, others: list[Stay], icu: list[Stay], died_at: datetime | None, is_written_late: bool
) -> None:
    """Put a stay in hospital into the cohorts that it is of."""

    def put(task: str, at: datetime, label: bool | int) -> None:
        found.setdefault(task, {})[stay.key] = Row(stay.subject_id, at, label)

    put("hospital_mortality_at_admission", stay.began, stay.died_in)
    put("prolonged_stay_7d", stay.began, stay.ended - stay.began > 7 * DAY)
    put("prolonged_stay_10d", stay.began, stay.ended - stay.began > 10 * DAY)
    if stay.ended - stay.began > DAY:
        put("hospital_mortality_at_24h", stay.began + DAY, stay.died_in)
    begun = [other.began for other in icu if other.began]
    if not any(began <= stay.began for began in begun):
        put("icu_admission", stay.began, any(began <= stay.ended for began in begun))
    if stay.drg is not None and not is_written_late:
        put("drg", stay.ended, stay.drg)
    goes_on = any(other.began and other.ended and other.began <= stay.ended < other.ended for other in others)
    if not stay.died_in and not goes_on:
        days = [other.began - stay.ended for other in others if other.began and other.kind not in WATCHED]
        put("readmission_30d", stay.ended, any(timedelta(0) < gap <= 30 * DAY for gap in days))
        # The raw tables tell of every death within a year of the last discharge, and so within a year of this one.
        put("mortality_1y", stay.ended, died_at is not None and died_at - stay.ended <= 365 * DAY)


def add_icu(found: Cohorts, stay: Stay, others: list[Stay], hospital: Stay | None, scores: Mapping[int, int]) -> None:
    """Put a stay in intensive care into the cohorts that it is of."""

    def put(task: str, at: datetime, label: bool | int | float) -> None:
        found.setdefault(task, {})[stay.key] = Row(stay.subject_id, at, label)

    put("icu_mortality_at_admission", stay.began, stay.died_in)
    put("icu_length_of_stay", stay.began, (stay.ended - stay.began) / DAY)
    if stay.ended - stay.began > DAY:
        put("icu_mortality_at_24h", stay.began + DAY, stay.died_in)
    if stay.key in scores:
        put("sofa_first_day", stay.began, scores[stay.key])
    goes_on = any(other.began and other.ended and other.began <= stay.ended < other.ended for other in others)
    if not stay.died_in and not goes_on and hospital and hospital.ended and hospital.ended > stay.ended:
        put("icu_readmission", stay.ended, any(other.began and other.began > stay.ended for other in others))

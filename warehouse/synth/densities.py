"""How many rows MIMIC-IV has, table by table, and how near a synthetic cohort comes.

Counts are those of v3.1 where it publishes them, else of v2.2; each is set against the patients, admissions and stays in
intensive care of its own version. The code dictionaries do not grow with the cohort and are compared row by row.
"""

from dataclasses import dataclass

# version | patients | admissions | stays in intensive care
_BASES = {"3.1": (364_627, 546_028, 94_458), "2.2": (299_712, 431_231, 73_181)}
# table | rows | version
_COUNTS = """
hosp/patients|364627|3.1
hosp/admissions|546028|3.1
hosp/transfers|2413581|3.1
hosp/services|593071|3.1
hosp/diagnoses_icd|6364488|3.1
hosp/procedures_icd|859655|3.1
hosp/drgcodes|761856|3.1
hosp/hcpcsevents|186074|3.1
hosp/labevents|158374764|3.1
hosp/microbiologyevents|3988224|3.1
hosp/omr|7753027|3.1
hosp/poe|52212109|3.1
hosp/poe_detail|8504982|3.1
hosp/pharmacy|17847567|3.1
hosp/prescriptions|20292611|3.1
hosp/emar|42808593|3.1
hosp/emar_detail|87371064|3.1
icu/icustays|94458|3.1
icu/chartevents|432997491|3.1
icu/datetimeevents|9979761|3.1
icu/inputevents|10953713|3.1
icu/ingredientevents|11627821|2.2
icu/outputevents|5359395|3.1
icu/procedureevents|808706|3.1
ed/edstays|425087|2.2
ed/triage|425087|2.2
ed/vitalsign|1564610|2.2
ed/diagnosis|899050|2.2
ed/medrecon|2987342|2.2
ed/pyxis|1586053|2.2
"""
DICTIONARY_ROWS = {
    "hosp/d_hcpcs": 89_208,
    "hosp/d_icd_diagnoses": 112_107,
    "hosp/d_icd_procedures": 86_423,
    "hosp/d_labitems": 1_650,
    "hosp/provider": 40_508,
    "icu/caregiver": 15_468,
    "icu/d_items": 4_095,
}


@dataclass(frozen=True)
class Density:
    """Rows of one table of MIMIC-IV, in all and a patient, an admission and a stay in intensive care."""

    rows: int
    version: str

    @property
    def per_patient(self) -> float:
        return self.rows / _BASES[self.version][0]

    @property
    def per_admission(self) -> float:
        return self.rows / _BASES[self.version][1]

    @property
    def per_icu_stay(self) -> float:
        return self.rows / _BASES[self.version][2]


def _parse() -> dict[str, Density]:
    lines = [line.split("|") for line in _COUNTS.strip().splitlines()]
    return {name: Density(int(rows), version) for name, rows, version in lines}


DENSITIES: dict[str, Density] = _parse()


def comparison(rows: dict[str, int], patients: int) -> str:
    """Rows a patient, and an admission (a stay, for icu), beside those of MIMIC-IV, as a table of text."""
    per = {
        "hosp": rows.get("hosp/admissions", 0),
        "ed": rows.get("hosp/admissions", 0),
        "icu": rows.get("icu/icustays", 0),
    }
    head = f"{'table':<24}{'rows':>13}{'a patient':>12}{'MIMIC-IV':>10}{'ratio':>7}{'an adm.*':>12}{'MIMIC-IV':>10}{'ratio':>7}"
    lines = [head]
    for name, count in rows.items():
        if name not in DENSITIES:
            continue
        real, unit = DENSITIES[name], name.split("/")[0]
        line = f"{name:<24}{count:>13,}{count / patients:>12.2f}{real.per_patient:>10.2f}{count / patients / real.per_patient:>7.2f}"
        if per[unit]:
            theirs = real.per_icu_stay if unit == "icu" else real.per_admission
            line += f"{count / per[unit]:>12.2f}{theirs:>10.2f}{count / per[unit] / theirs:>7.2f}"
        lines.append(line)
    lines.append("* tables of icu: a stay in intensive care")
    lines += [
        f"{name:<24}{rows[name]:>13,} codes (MIMIC-IV: {real:,})"
        for name, real in DICTIONARY_ROWS.items()
        if name in rows
    ]
    return "\n".join(lines)

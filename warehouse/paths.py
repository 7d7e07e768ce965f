"""Where things lie: everything produced is under data/ (EHR_DATA moves it), raw tables at MIMIC_IV_ROOT or MEDS_ROOT.

Relative paths are relative to the working directory, as they are for dbt, so commands are run from the repository root.
"""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# The kinds of event: their order among ties, their tokens, their codes.
EVENT_KINDS = REPOSITORY / "warehouse" / "seeds" / "event_kinds.csv"
# Limits of what can have been measured, with their reasons.
PLAUSIBLE_RANGES = REPOSITORY / "warehouse" / "seeds" / "plausible_ranges.csv"


def data_dir() -> Path:
    """The folder of all that is produced."""
    return Path(os.environ.get("EHR_DATA", "data"))


def mimic_root() -> Path:
    """The folder with hosp/, icu/ and ed/ as downloaded or generated."""
    return Path(os.environ.get("MIMIC_IV_ROOT") or data_dir() / "mimic-iv")


def meds_root() -> Path | None:
    """The folder of the MEDS dataset that the preset `meds` reads, None where MEDS_ROOT is not set."""
    root = os.environ.get("MEDS_ROOT")
    return Path(root) if root else None


def mapping_root() -> Path | None:
    """The folder of the user's own code mappings, None where MAPPING_ROOT is not set."""
    root = os.environ.get("MAPPING_ROOT")
    return Path(root) if root else None


def warehouse_path() -> Path:
    """The DuckDB file that analysts open."""
    return data_dir() / "warehouse.duckdb"

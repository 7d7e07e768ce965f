"""The small code dictionaries: billed procedures, and the ICD codes in use.

In: the generator's own tables. Out: Arrow columns of d_hcpcs, d_icd_diagnoses and d_icd_procedures.
"""

import numpy as np
import pyarrow as pa

from warehouse.synth.billing import diagnosis_dictionary, procedure_dictionary
from warehouse.synth.columns import ints, texts

_HCPCS = (
    ("G0378", "Hospital observation service, per hour", "Hospital observation per hr"),
    ("99218", "Initial observation care, low severity", "Initial observation care"),
    ("43239", "Upper gastrointestinal endoscopy with biopsy, single or multiple", "Egd biopsy single/multiple"),
    ("93005", "Electrocardiogram, routine, tracing only", "Electrocardiogram tracing"),
)


def hcpcs() -> dict[str, pa.Array]:
    """Columns of d_hcpcs."""
    return {
        "code": texts([code for code, _, _ in _HCPCS]),
        "category": pa.nulls(len(_HCPCS), pa.int64()),
        "long_description": texts([long for _, long, _ in _HCPCS]),
        "short_description": texts([short for _, _, short in _HCPCS]),
    }


def diagnoses() -> dict[str, pa.Array]:
    """Columns of d_icd_diagnoses."""
    return _icd(diagnosis_dictionary())


def procedures() -> dict[str, pa.Array]:
    """Columns of d_icd_procedures."""
    return _icd(procedure_dictionary())


def _icd(rows: list[tuple[str, int, str]]) -> dict[str, pa.Array]:
    return {
        "icd_code": texts([code for code, _, _ in rows]),
        "icd_version": ints(np.array([version for _, version, _ in rows])),
        "long_title": texts([title for _, _, title in rows]),
    }

"""The dictionary of billed procedures: Arrow columns of d_hcpcs."""

import pyarrow as pa

from warehouse.synth.columns import texts

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

"""What writer and reader of MEDS 0.4 datasets agree on: where files lie, which columns they have, and the dataset as a raw table.

The columns are those of the standard's own schemas (package `meds` 0.4.1, which the tests hold them against); those of
EXTRA_COLUMNS are ours, so that an import restores every event as it was.
"""

from pathlib import Path

import pyarrow as pa

from warehouse.table import tables_of_text

MEDS_VERSION = "0.4.1"
DATA_FOLDER = "data"
CODES_FILE = Path("metadata", "codes.parquet")
SPLITS_FILE = Path("metadata", "subject_splits.parquet")
DATASET_FILE = Path("metadata", "dataset.json")

MANDATORY = ("subject_id", "time", "code")
# exact_value: the number where a 32-bit float would lose digits of it, NULL elsewhere.
EXTRA_COLUMNS = pa.schema(
    [
        ("hadm_id", pa.int64()),
        ("stay_id", pa.int64()),
        ("unit", pa.string()),
        ("occurred_at", pa.timestamp("us")),
        ("exact_value", pa.float64()),
        ("event_kind", pa.string()),
        ("source_table", pa.string()),
        ("source_key", pa.string()),
        ("event_index", pa.int32()),
    ]
)
DATA_SCHEMA = pa.schema(
    [
        pa.field("subject_id", pa.int64(), nullable=False),
        pa.field("time", pa.timestamp("us")),
        pa.field("code", pa.string(), nullable=False),
        pa.field("numeric_value", pa.float32()),
        pa.field("text_value", pa.large_string()),
        *EXTRA_COLUMNS,
    ]
)
CODES_SCHEMA = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("description", pa.string()),
        pa.field("parent_codes", pa.list_(pa.string())),
    ]
)
SPLITS_SCHEMA = pa.schema(
    [pa.field("subject_id", pa.int64(), nullable=False), pa.field("split", pa.string(), nullable=False)]
)

# The dataset as one raw table: what ledger, switches and validation call it. It is no table of MIMIC-IV, and not of its registry.
(MEDS_DATA,) = tables_of_text(
    "meds",
    """
    source data: one row per event of a MEDS dataset
    key            none
    subject_id     bigint!    Patient.
    time           timestamp  When; NULL for static facts.
    code           text!      What happened.
    numeric_value  double     Value as a number.
    text_value     text       Value as text.
    unit           text       Unit of the value, where the dataset has such a column.
    hadm_id        bigint     Hospital admission, where the dataset has such a column.
    stay_id        bigint     ICU stay, where the dataset has such a column.
    occurred_at    timestamp  When it happened, where the dataset has such a column.
    event_kind     text       Kind of event, where the dataset has such a column.
    source_table   text       Raw table of the row, where the dataset has such a column.
    source_key     text       Key of the raw row, where the dataset has such a column.
    row_key        text       File of the dataset and row in it.
    """,
)

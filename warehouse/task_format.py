"""What writer and reader of data/tasks agree on: files, columns and the form of tasks.json."""

import pyarrow as pa

FORMAT = 1
TASKS_FILE = "tasks.json"
MEDS_FOLDER = "meds"
# A label by its type in the contract of a task's table: what MEDS calls it, its type in TASK.parquet, its type in MEDS.
LABEL_TYPES = {
    "boolean": ("boolean", pa.bool_(), pa.bool_()),
    "bigint": ("integer", pa.int64(), pa.int64()),
    "double": ("float", pa.float64(), pa.float32()),
}
# Shares of the values below each of the quantiles that `values` of a result gives for a bin.
VALUE_QUANTILES = tuple(i / 20 for i in range(21))


def row_schema(label: pa.DataType) -> pa.Schema:
    """The columns of TASK.parquet; age is in years at prediction, race as last registered by then."""
    return pa.schema(
        [
            ("subject_id", pa.int64()),
            ("prediction_time", pa.timestamp("us")),
            ("split", pa.string()),
            ("label", label),
            ("hadm_id", pa.int64()),
            ("stay_id", pa.int64()),
            ("prompt_event_index", pa.int32()),
            ("threshold", pa.float64()),
            ("sex", pa.string()),
            ("age", pa.float64()),
            ("race", pa.string()),
            ("is_first_admission", pa.bool_()),
        ]
    )


def label_schema(label_type: str, label: pa.DataType) -> pa.Schema:
    """The columns of a label file as MEDS has them."""
    return pa.schema(
        [("subject_id", pa.int64()), ("prediction_time", pa.timestamp("us")), (f"{label_type}_value", label)]
    )

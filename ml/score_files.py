"""Files of scores: scores.jsonl, calibration.jsonl and predictions/TASK.METHOD.parquet in a folder.

In: records of ml/scores.py and predictions. Out: files, each written whole or not at all; scoring a task by a method again
replaces the rows of that task and method, all others stay. Wrong: a damaged file, a full disk (`UserError`).
"""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.runs import write_lines, write_whole
from ml.scores import Predictions, calibration_records, records, subgroups
from ml.tasks import Rows
from warehouse.errors import UserError

# Label and predicted columns of MEDS by kind of label; those of risks are meds_evaluation's, the others follow their form.
COLUMNS = {
    "boolean": ("boolean_value", pa.bool_(), "predicted_boolean_probability", pa.float32()),
    "integer": ("integer_value", pa.int64(), "predicted_integer_value", pa.int64()),
    "float": ("float_value", pa.float32(), "predicted_float_value", pa.float32()),
}


def read_lines(path: Path) -> list[dict]:
    """The flat records of a file; none where there is no file."""
    if not path.is_file():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}): remove it and score again") from error


def merge_lines(path: Path, task: str, method: str, records: list[dict]) -> None:
    """Put the records in place of those of the same task and method; ordered by task and method, theirs as given."""
    kept = [one for one in read_lines(path) if (one["task"], one["method"]) != (task, method)]
    write_lines(path, sorted(kept + records, key=lambda one: (one["task"], one["method"])))


def prediction_table(predictions: Predictions, prediction_time: np.ndarray) -> pa.Table:
    """Predictions in MEDS form: subject_id, prediction_time, the label and what was predicted.

    Of classes the likeliest is the value and its share stands in `predicted_integer_probability`. Of a risk there is no
    cut that would serve every use, so predicted_boolean_value is null.
    """
    label, label_type, predicted, predicted_type = COLUMNS[predictions.label_type]
    values = predictions.predicted
    columns = {
        "subject_id": pa.array(predictions.patients, pa.int64()),
        "prediction_time": pa.array(prediction_time.astype("datetime64[us]"), pa.timestamp("us")),
        label: pa.array(predictions.labels).cast(label_type),
    }
    if values.ndim == 2:
        best = values.argmax(axis=1)
        columns["predicted_integer_probability"] = pa.array(values[np.arange(len(best)), best]).cast(pa.float32())
        values = predictions.classes[best]
    if predictions.label_type == "boolean":
        columns["predicted_boolean_value"] = pa.nulls(len(predictions), pa.bool_())
    if predictions.label_type == "integer" and values.dtype.kind == "f":
        predicted, predicted_type = "predicted_float_value", pa.float32()
    return pa.table(columns | {predicted: pa.array(values).cast(predicted_type)})


def write_scores(
    folder: Path, task: str, method: str, predictions: Predictions, rows: Rows, note: str | None
) -> list[dict]:
    """Score one method's predictions for rows of a task and write all into a folder; gives the records, everybody's first.

    Predictions are written first, so that what scores.jsonl tells is there.
    """
    table = prediction_table(predictions, rows.prediction_time)
    scored = records(task, method, predictions, subgroups(rows), note=note)
    path = folder / "predictions" / f"{task}.{method}.parquet"
    write_whole(path, lambda part: pq.write_table(table, part))
    merge_lines(folder / "calibration.jsonl", task, method, calibration_records(task, method, predictions))
    merge_lines(folder / "scores.jsonl", task, method, scored)
    return scored

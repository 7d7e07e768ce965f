"""What a classical model is given of a patient: counts and last values of the history up to a prediction time.

In: prompts, as the language models get them, and prediction times. Out: a sparse matrix with a row a prompt. Nothing
after the prompt's last event is read. Columns, V the size of the vocabulary:

    0 .. V      log(1 + times the token occurs) in the whole history
    V .. 2V     the same in the last 30 days,  2V .. 3V  in the last 24 hours
    3V .. 4V    of each name the quantile bin (1 up) of its last value, 0 where it has none
    4V .. 5V    of each name 1 / (1 + days since its last value), 0 where it has none
    5V .. 6V    1 for the tokens of the static prefix
    6V + 0      log(1 + hospital admissions),  + 1  1 / (1 + days since the last of them)
    6V + 2      log(1 + tokens),  + 3  log(1 + days since the first event)

Wrong: nothing a user can cause; a prompt without tokens has its static prefix alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ml.data import Manifest, Split
from ml.prompts import prompt_of
from ml.tasks import Rows

DAY = 86_400
WINDOWS = (30 * DAY, DAY)
N_SINGLE = 4  # columns after those of the vocabulary


@dataclass(frozen=True)
class Vocabulary:
    """bin_of int64 [V]: the number of a quantile token, 0 for any other. is_admission bool [V]."""

    bin_of: np.ndarray
    is_admission: np.ndarray

    @property
    def n_columns(self) -> int:
        """Columns of the features."""
        return 6 * len(self.bin_of) + N_SINGLE


def vocabulary_of(manifest: Manifest) -> Vocabulary:
    """What the features need to know of the tokens; a value outside the bins that were learnt (Q//NONE) is none."""
    bins = [
        int(token.rpartition("//")[2]) if family == "quantile" and token.rpartition("//")[2].isdigit() else 0
        for token, family in zip(manifest.tokens, manifest.families, strict=True)
    ]
    admissions = [token.startswith("HOSPITAL_ADMISSION") for token in manifest.tokens]
    return Vocabulary(np.asarray(bins), np.asarray(admissions))


def _since(now: int, times: np.ndarray) -> np.ndarray:
    """1 / (1 + days) from times to now: 1 just now, near 0 long ago, so that 0 can stand for never."""
    return 1 / (1 + (now - times).clip(0) / DAY)


def prompt_features(
    tokens: np.ndarray, times: np.ndarray, statics: np.ndarray, now: int, known: Vocabulary
) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values of one prompt at time `now` (seconds since 1970)."""
    size = len(known.bin_of)
    columns, values = [5 * size + np.unique(statics)], [np.ones(len(np.unique(statics)))]

    def add(block: int, names: np.ndarray, found: np.ndarray) -> None:
        columns.append(block * size + names)
        values.append(found)

    for block, first in enumerate((0, *(np.searchsorted(times, now - window, side="right") for window in WINDOWS))):
        counts = np.bincount(tokens[first:], minlength=size)
        seen = np.flatnonzero(counts)
        add(block, seen, np.log1p(counts[seen]))
    # A value's token follows that of its name.
    places = np.flatnonzero(known.bin_of[tokens[1:]]) + 1
    names, last = np.unique(tokens[places - 1][::-1], return_index=True)
    places = places[::-1][last]
    add(3, names.astype(np.int64), known.bin_of[tokens[places]])
    add(4, names.astype(np.int64), _since(now, times[places]))
    admitted = times[known.is_admission[tokens]]
    single = [
        np.log1p(len(admitted)),
        _since(now, admitted[-1:]).sum(),
        np.log1p(len(tokens)),
        np.log1p((now - times[:1]).clip(0) / DAY).sum(),
    ]
    add(6, np.arange(N_SINGLE), np.asarray(single))
    return np.concatenate(columns), np.concatenate(values)


def features(split: Split, patients: np.ndarray, rows: Rows, known: Vocabulary) -> sparse.csr_matrix:
    """Features float32 [rows, columns] of the rows of a task, whose patients have these numbers in the split."""
    seconds = rows.prediction_time.astype("datetime64[s]").astype(np.int64)
    columns, values, lengths = [], [], []
    for patient, event, now in zip(patients.tolist(), rows.prompt_event_index.tolist(), seconds.tolist(), strict=True):
        prompt = prompt_of(split, patient, event)
        times = split.array(patient, "times.i64")[: len(prompt.tokens)]
        place, value = prompt_features(prompt.tokens.astype(np.int64), times, prompt.statics, now, known)
        columns.append(place.astype(np.int32))
        values.append(value.astype(np.float32))
        lengths.append(len(place))
    shape = (len(lengths), known.n_columns)
    if not lengths:
        return sparse.csr_matrix(shape, dtype=np.float32)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    return sparse.csr_matrix((np.concatenate(values), np.concatenate(columns), ends), shape=shape)

"""A split in which what comes after each patient's prompt is permuted or removed: no prediction may notice."""

from collections.abc import Mapping

import numpy as np

from ml.data import Manifest, Split


class Changed(Split):
    """A split whose patients' tokens after `last_event[patient]` are permuted, or gone with their later static prefixes."""

    def __init__(self, manifest: Manifest, name: str, last_event: Mapping[int, int], how: str) -> None:
        super().__init__(manifest, name)
        self.last_event, self.how = last_event, how

    def array(self, patient: int, member: str) -> np.ndarray:
        """One member of a patient."""
        found = super().array(patient, member)
        if patient not in self.last_event:
            return found
        n = int(np.searchsorted(super().array(patient, "events.i32"), self.last_event[patient], side="right"))
        if member in ("statics.u16", "static_from.i32"):
            if self.how == "permuted":
                return found
            kept = int((super().array(patient, "static_from.i32") < max(n, 1)).sum())
            return found[: kept * (self.n_static if member == "statics.u16" else 1)]
        if self.how == "removed":
            return found[:n]
        if member != "tokens.u16":
            return found
        later = np.random.default_rng(patient).permutation(found[n:])
        return np.concatenate([found[:n], later])

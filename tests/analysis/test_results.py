"""Values made plain for JSON and tables."""

import json
import math

import numpy as np

from analysis.results import plain


def test_plain_values_are_pythons_own_and_what_is_not_finite_is_none():
    value = {
        "interval": (np.float64(1.5), math.inf),
        "nested": [{"nan": np.float32("nan"), "count": np.int64(3), "told": np.bool_(True)}],
        "text": "nan",
        "none": None,
        "whole": 2,
    }
    found = plain(value)
    assert found == {
        "interval": [1.5, None],
        "nested": [{"nan": None, "count": 3, "told": True}],
        "text": "nan",
        "none": None,
        "whole": 2,
    }
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert type(found["whole"]) is int and type(found["nested"][0]["told"]) is bool

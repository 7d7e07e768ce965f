"""The grammar learnt from timelines: what goes on with an event, what may begin one, what is kept on disk."""

from pathlib import Path

import numpy as np
import pytest

from ml.data import Manifest
from ml.grammar import ANYWHERE, START, Grammar, learn, no_grammar, read_or_learn

WORDS = (
    "PAD special|SEX//F static|TIME//1h time|TIME//1d time|TIME//180d time|LAB//K lab|LAB//NA lab|LAB//OTHER lab|Q//1 quantile"
    "|Q//2 quantile|TEXT//POS text_value|DRUG_ORDER drug|ATC//A drug|ATC_4//B drug|ICD10CM//A diagnosis"
    "|ICD10CM_4_5//1 diagnosis|PCS//0 procedure|PCS//1 procedure|MEDS_DEATH birth_death"
)
NAMES, FAMILIES = zip(*(word.rsplit(" ", 1) for word in WORDS.split("|")), strict=True)
ID = {name: i for i, name in enumerate(NAMES)}
# Events of a patient, as texts.
TIMELINES = [
    [
        "LAB//K Q//1",
        "LAB//NA TEXT//POS",
        "TIME//1h DRUG_ORDER ATC//A ATC_4//B",
        "ICD10CM//A ICD10CM_4_5//1",
        "ICD10CM//A",
        "LAB//K Q//2",
    ],
    [
        "TIME//180d TIME//180d LAB//K Q//2",
        "TIME//1d PCS//0 PCS//1 PCS//1",
        "PCS//1 PCS//0 PCS//0",
        "ICD10CM//A",
        "TIME//1h MEDS_DEATH",
    ],
]


class FakeSplit:
    """As much of `ml.data.Split` as the grammar reads."""

    def __init__(self, timelines: list[list[str]]) -> None:
        self.tokens = [
            np.array([ID[word] for event in patient for word in event.split()], "<u2") for patient in timelines
        ]
        self.events = [
            np.array([i for i, event in enumerate(patient) for _ in event.split()], "<i4") for patient in timelines
        ]
        self.lengths = np.array([len(tokens) for tokens in self.tokens])

    def __len__(self) -> int:
        return len(self.tokens)

    def array(self, patient: int, member: str) -> np.ndarray:
        return {"tokens.u16": self.tokens, "events.i32": self.events}[member][patient]


def manifest(fingerprint: str = "one") -> Manifest:
    return Manifest(Path(), 1, len(NAMES), "", NAMES, FAMILIES, fingerprint, "paper", {})


def after(grammar: Grammar, text: str) -> set[str]:
    """Legal tokens at the end of a timeline."""
    state = grammar.state(np.array([ID[word] for word in text.split()], np.int64))
    return {NAMES[i] for i in np.flatnonzero(grammar.legal[state])}


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return learn(manifest(), FakeSplit(TIMELINES))


def test_an_event_goes_on_as_events_do(grammar: Grammar) -> None:
    values = {"Q//1", "Q//2", "TEXT//POS"}
    assert after(grammar, "LAB//K") == after(grammar, "TIME//1d LAB//NA") == values
    assert after(grammar, "DRUG_ORDER") == {"ATC//A"}
    assert after(grammar, "DRUG_ORDER ATC//A") == {"ATC_4//B"}
    assert after(grammar, "TIME//1d PCS//0") == after(grammar, "TIME//1d PCS//0 PCS//0") == {"PCS//0", "PCS//1"}
    # Three characters make a procedure: a diagnosis may follow, or another procedure.
    assert after(grammar, "TIME//1d PCS//0 PCS//0 PCS//0") == {"PCS//0", "PCS//1", "ICD10CM//A"}
    assert after(grammar, "TIME//1d PCS//0 PCS//0 PCS//0 PCS//0") == {"PCS//0", "PCS//1"}
    assert "ICD10CM_4_5//1" in after(grammar, "TIME//1h ICD10CM//A")
    assert "ICD10CM_4_5//1" not in after(grammar, "ICD10CM//A ICD10CM_4_5//1")


def test_only_the_last_interval_repeats_and_nothing_is_drawn_that_is_not_real(grammar: Grammar) -> None:
    assert after(grammar, "TIME//180d") == {"TIME//180d", "LAB//K", "LAB//NA"}
    assert not {name for name in after(grammar, "TIME//1h") if name.startswith("TIME")}
    never = [ID["PAD"], ID["SEX//F"], ID["LAB//OTHER"]]  # the last one is not in train
    assert not grammar.legal[:, never].any()
    assert grammar.legal.any(1).all()
    assert grammar.death == (ID["MEDS_DEATH"],)
    plain = no_grammar(manifest())
    assert plain.legal.sum() == len(NAMES) - 2 and not plain.legal[0, :2].any() and plain.legal[0, ID["LAB//OTHER"]]
    assert plain.state(np.array([5])) == ANYWHERE


def test_the_text_it_was_learnt_from_is_legal_throughout(grammar: Grammar) -> None:
    for tokens in FakeSplit(TIMELINES).tokens:
        state = START
        for token in tokens.tolist():
            assert grammar.legal[state, token]
            state = grammar.after[state, token]
    assert after(grammar, "") == {"LAB//K", "LAB//NA", "TIME//180d"}


def test_it_is_kept_on_disk_and_learnt_again_for_other_shards(tmp_path: Path, grammar: Grammar) -> None:
    path, nothing = tmp_path / "grammar.npz", FakeSplit(TIMELINES[:1])
    first = read_or_learn(manifest(), FakeSplit(TIMELINES), path)
    again = read_or_learn(manifest(), nothing, path)  # read, not learnt
    for one in (first, again):
        np.testing.assert_array_equal(one.legal, grammar.legal)
        np.testing.assert_array_equal(one.after, grammar.after)
        assert one.death == grammar.death
    path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(read_or_learn(manifest(), FakeSplit(TIMELINES), path).legal, grammar.legal)
    other = read_or_learn(manifest("two"), nothing, path)
    assert not np.array_equal(other.legal, grammar.legal)

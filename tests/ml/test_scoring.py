"""Scores against a plain count and the standard errors against a bootstrap of patients."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ml.data import Split, read_manifest
from ml.device import choose_device
from ml.ladder import shape
from ml.model import Llama, initialise
from ml.scoring import choose_patients, ratio, score


@pytest.fixture
def split(shards: Path) -> Split:
    """The tuning split of the tiny shards."""
    return Split(read_manifest(shards), "tuning")


def scored(split: Split, std: float):
    """The score of a small model; with std 0 its head is zero and it guesses."""
    model = Llama(shape(20_000, split.vocabulary_size, 64))
    initialise(model, 0)
    torch.nn.init.normal_(model.lm_head.weight, std=std, generator=torch.Generator().manual_seed(0))
    return score(model, split, 64, 10**9, choose_device("cpu"))


def test_score_counts_tokens_events_and_days(split: Split) -> None:
    found = scored(split, 0.0)
    assert found.tokens == split.lengths.sum()
    assert found.nats / found.tokens == pytest.approx(np.log(split.vocabulary_size), rel=1e-5)
    times = [split.array(p, "times.i64") for p in range(len(split))]
    assert found.event.units == sum(len(set(split.array(p, "events.i32").tolist())) for p in range(len(split)))
    assert found.patient_day.units == sum(len({int(t) // 86400 for t in patient}) for patient in times)
    # A guess costs the same at every token, so that a patient's nats are known: each token went to its own patient.
    events = np.array([len(set(split.array(p, "events.i32").tolist())) for p in range(len(split))])
    assert found.event.error == pytest.approx(
        ratio(split.lengths * np.log(split.vocabulary_size), events).error, rel=1e-4
    )
    some = choose_patients(split, 200)
    assert 0 < len(some) < len(split) and split.lengths[some].sum() >= 200
    assert np.array_equal(some, choose_patients(split, 200))


def test_families_part_the_tokens(split: Split) -> None:
    found = scored(split, 0.3)
    tokens = np.concatenate([split.array(p, "tokens.u16") for p in range(len(split))])
    names = np.asarray(split.families)[tokens]
    assert {name: r.units for name, r in found.families.items()} == {n: int((names == n).sum()) for n in set(names)}
    assert len(found.families) == 2  # static tokens are never scored
    assert sum(r.value * r.units for r in found.families.values()) == pytest.approx(found.nats)
    assert len({round(r.value, 3) for r in found.families.values()}) == 2
    lines = found.family_records("tuning")
    assert [line["family"] for line in lines] == sorted(found.families)
    assert lines[0].keys() == {"split", "family", "loss", "loss_se", "tokens"}


def test_record_is_flat(split: Split) -> None:
    record = scored(split, 0.3).record("tuning")
    assert all(isinstance(value, int | float) for value in record.values())
    assert record["tuning_loss_per_event"] > record["tuning_loss"] > record["tuning_loss_se"] > 0
    assert record["tuning_patients"] == len(split)


def test_standard_error_is_that_of_drawing_patients() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(5, 400, 150)
    nats = tokens * rng.normal(2.5, 0.4, 150)  # patients differ, so that tokens of one go together
    found = ratio(nats, tokens)
    drawn = rng.integers(0, 150, (4000, 150))
    bootstrap = (nats[drawn].sum(1) / tokens[drawn].sum(1)).std()
    assert found.value == pytest.approx(nats.sum() / tokens.sum())
    assert found.error == pytest.approx(bootstrap, rel=0.05)
    as_if_tokens_were_drawn = 0.4 / np.sqrt(tokens.sum())
    assert found.error > 5 * as_if_tokens_were_drawn
    assert np.isnan(ratio(nats[:1], tokens[:1]).error)

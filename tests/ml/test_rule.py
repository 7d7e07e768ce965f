"""The rule for learning rate, batch and weight decay, and how a plan follows it."""

from pathlib import Path

import pytest

from ml.plan import Settings, plan_run
from ml.rule import ETA, WEIGHT_DECAY, batch_tokens_for
from ml.stream import open_corpus
from ml.train import rate_factor


def test_batch_grows_with_the_tokens_and_is_a_token_at_least() -> None:
    assert batch_tokens_for(1e7) / batch_tokens_for(1e6) == pytest.approx(10**0.571, rel=0.01)
    assert batch_tokens_for(1) == 1


def test_a_plan_takes_the_rule_unless_told_otherwise(shards: Path) -> None:
    corpus = open_corpus(shards, 48, 0)

    def record(**given: float) -> dict:
        return plan_run(Settings(size="3k", context=48, tokens=9000, **given), corpus.manifest, corpus.stream).record

    rule = record()
    assert (rule["learning_rate"], rule["weight_decay"]) == (ETA, WEIGHT_DECAY)
    assert rule["batch_tokens"] == pytest.approx(max(batch_tokens_for(9000), 48), rel=0.2)
    told = record(eta=0.5, weight_decay=0.25, batch_tokens=300)
    assert (told["learning_rate"], told["weight_decay"]) == (0.5, 0.25)
    assert told["batch_tokens"] == pytest.approx(300, rel=0.1)
    same = record(eta=ETA, weight_decay=WEIGHT_DECAY)
    assert same["configuration"] == rule["configuration"] and told["configuration"] != rule["configuration"]


@pytest.mark.parametrize("length", [{"flops": 1e9}, {"tokens": 50_000}, {"epochs": 0.7}])
def test_all_seeds_of_a_configuration_have_the_same_rates(make_shards, length: dict) -> None:
    folder, found = make_shards(), set()
    for seed in range(8):
        corpus = open_corpus(folder, 48, seed)
        plan = plan_run(Settings(size="3k", context=48, seed=seed, **length), corpus.manifest, corpus.stream)
        found.add((plan.record["configuration"], plan.settings.eta, plan.settings.weight_decay))
    assert len(found) == 1


@pytest.mark.parametrize("steps", [40, 4000])
def test_warm_up_is_a_share_of_the_run_and_the_rate_falls_to_a_tenth_at_its_horizon(steps: int) -> None:
    factors = [rate_factor(step, steps, 0.05) for step in range(steps)]
    assert factors.index(max(factors)) == pytest.approx(0.05 * steps, abs=1) and max(factors) == pytest.approx(
        1, abs=0.01
    )
    assert factors[-1] == pytest.approx(0.1)

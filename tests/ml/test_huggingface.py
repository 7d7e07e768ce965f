"""Weights to and from Hugging Face's LlamaForCausalLM with equal logits; starting from pretrained blocks; refusals."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ml import huggingface
from ml.attention import Documents
from ml.model import Llama, ModelConfig, initialise
from ml.train import main
from warehouse.errors import UserError

UNTIED = ModelConfig(vocabulary_size=60, d_model=32, n_layers=2, n_heads=4, n_kv_heads=4, d_ff=48, context=40)
KINDS = {
    "untied": {},
    "tied": {"tied": True},
    "grouped": {"n_kv_heads": 2},
    "one key head, other theta and eps": {"n_kv_heads": 1, "rope_theta": 5e5, "norm_eps": 1e-6},
}


def random_model(config: ModelConfig) -> Llama:
    """A model with random tables and gains."""
    model = Llama(config)
    initialise(model, 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1 or name in huggingface.TABLES:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


@torch.no_grad()
def our_logits(model: Llama, tokens: torch.Tensor) -> torch.Tensor:
    """Logits [rows, length, vocabulary] of rows of one document each."""
    rows, length = tokens.shape
    starts = torch.arange(0, rows * length + 1, length, dtype=torch.int32)
    return model.logits(tokens.reshape(-1), Documents(starts, length)).view(rows, length, -1)


def some_tokens() -> torch.Tensor:
    """Two rows of tokens."""
    return torch.randint(0, 60, (2, 33), generator=torch.Generator().manual_seed(2))


def rewrite(folder: Path, **changes) -> None:
    """Change config.json; a value of None removes the key."""
    path = folder / "config.json"
    raw = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in raw.items() if value is not None}))


@pytest.mark.parametrize("kind", KINDS)
def test_our_weights_give_the_same_logits_there(kind: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    model = random_model(ModelConfig(**{**vars(UNTIED), **KINDS[kind]}))
    huggingface.save(tmp_path, model, {"run_id": "x"})
    theirs = transformers.LlamaForCausalLM.from_pretrained(tmp_path)
    with torch.no_grad():
        wanted = theirs(some_tokens()).logits
    torch.testing.assert_close(our_logits(model, some_tokens()), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shards", [False, True], ids=["one file", "sharded"])
@pytest.mark.parametrize("kind", KINDS)
def test_their_weights_give_the_same_logits_here(kind: str, shards: bool, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    wanted_shape = ModelConfig(**{**vars(UNTIED), **KINDS[kind]})
    raw = huggingface.config_json(wanted_shape) | {"initializer_range": 0.2}
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**raw))
    theirs.save_pretrained(tmp_path, max_shard_size="20KB" if shards else "1GB")
    assert len(huggingface.weight_files(tmp_path)) > 1 or not shards
    model = huggingface.load(tmp_path)
    assert model.config == wanted_shape
    with torch.no_grad():
        wanted = theirs(some_tokens()).logits
    torch.testing.assert_close(our_logits(model, some_tokens()), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_is_the_same(kind: str, tmp_path: Path) -> None:
    model = random_model(ModelConfig(**{**vars(UNTIED), **KINDS[kind]}))
    huggingface.save(tmp_path, model, {})
    again = huggingface.load(tmp_path)
    assert again.config == model.config
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))


def test_both_forms_of_rope_theta_are_read(tmp_path: Path) -> None:
    huggingface.save(tmp_path, random_model(UNTIED), {})
    rewrite(tmp_path, rope_theta=5e5, rope_parameters=None)  # as transformers 4 writes it
    assert huggingface.read_config(tmp_path).rope_theta == 5e5
    rewrite(tmp_path, rope_theta=None, rope_parameters={"rope_theta": 7e5, "rope_type": "default"})  # as 5 does
    assert huggingface.read_config(tmp_path).rope_theta == 7e5
    rewrite(tmp_path, rope_parameters=None, num_key_value_heads=None)  # neither: the first Llama
    assert (huggingface.read_config(tmp_path).rope_theta, huggingface.read_config(tmp_path).n_kv_heads) == (1e4, 4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "rotary positions scaled by 'llama3'"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "scaled by 'linear'"),
        ({"rope_parameters": {"rope_theta": 1e4, "rope_type": "yarn"}}, "scaled by 'yarn'"),
        ({"attention_bias": True}, "biases"),
        ({"mlp_bias": True}, "biases"),
        ({"head_dim": 16}, "heads 16 wide"),
        ({"model_type": "qwen2"}, "model_type 'qwen2'"),
        ({"hidden_act": "gelu"}, "activation 'gelu'"),
        ({"hidden_size": None}, "KeyError"),
        ({"intermediate_size": 50}, "has shape"),
        ({"num_hidden_layers": 3}, "model.layers.2.input_layernorm.weight is missing"),
    ],
)
def test_what_the_model_lacks_is_refused_in_one_line(changes: dict, words: str, tmp_path: Path) -> None:
    huggingface.save(tmp_path, random_model(UNTIED), {})
    rewrite(tmp_path, **changes)
    with pytest.raises(UserError, match=words) as caught:
        huggingface.load(tmp_path)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_folders_that_hold_no_checkpoint_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config.json"):
        huggingface.load(tmp_path)
    huggingface.save(tmp_path, random_model(UNTIED), {})
    weights = tmp_path / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:300])
    with pytest.raises(UserError, match="is damaged"):
        huggingface.load(tmp_path)
    weights.unlink()
    with pytest.raises(UserError, match="is missing"):
        huggingface.load(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(UserError, match=r"index.json is damaged"):
        huggingface.load(tmp_path)


@pytest.mark.parametrize("tied", [False, True])
def test_a_run_starts_from_pretrained_blocks(tied: bool, shards: Path, tmp_path: Path) -> None:
    pretrained = random_model(ModelConfig(**{**vars(UNTIED), "tied": tied, "vocabulary_size": 900}))
    with torch.no_grad():
        for table in {pretrained.lm_head.weight, pretrained.model["embed_tokens"].weight}:
            table.mul_(0.1)  # so that a random head is nearly a guess, whose loss does not count as diverged
    source = tmp_path / "pretrained"
    huggingface.save(source, pretrained, {})
    model = Llama(huggingface.shape_of(source, 48, 64))
    huggingface.start_from(model, source, seed=0)
    old, new = pretrained.state_dict(), model.state_dict()
    assert all(torch.equal(old[name], new[name]) for name in old if name not in huggingface.TABLES)
    for name in huggingface.TABLES:
        assert new[name].shape == (48, 32)
        torch.testing.assert_close(new[name].std(), old[name].std(), rtol=0.1, atol=0)
        assert (new[name].mean(0) - old[name].mean(0)).abs().max() < 0.8 * old[name].std()
    assert torch.equal(*(new[name] for name in huggingface.TABLES)) == tied

    run = tmp_path / "run"
    options = ["--epochs", "1", "--context", "48", "--device", "cpu", "--eval-tokens", "300", "--lr", "1e-9"]
    assert main(["--shards", str(shards), "--run-dir", str(run), "--init", str(source), *options]) == 0
    config = json.loads((run / "config.json").read_text())
    assert config["init_sha256"] == huggingface.weights_sha256(source)
    assert (config["d_model"], config["d_ff"], config["tied"], config["vocabulary_size"]) == (32, 48, tied, 48)
    trained = load_file(run / "checkpoint" / "model.safetensors")
    name = "model.layers.1.mlp.down_proj.weight"
    torch.testing.assert_close(trained[name], old[name], rtol=1e-4, atol=1e-5)  # such a small rate hardly moves them


def test_the_hash_is_that_of_the_weights(tmp_path: Path) -> None:
    huggingface.save(tmp_path, random_model(UNTIED), {})
    before = huggingface.weights_sha256(tmp_path)
    rewrite(tmp_path, comment="not weights")
    assert huggingface.weights_sha256(tmp_path) == before
    state = load_file(tmp_path / "model.safetensors")
    state["model.norm.weight"] += 1
    save_file(state, tmp_path / "model.safetensors")
    assert huggingface.weights_sha256(tmp_path) != before

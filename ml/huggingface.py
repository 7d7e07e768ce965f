"""Weights and shapes of Hugging Face's LlamaForCausalLM, in and out, without transformers.

In: a folder with config.json and model.safetensors (or its shards and model.safetensors.index.json), as
transformers 4 and 5 write it. Out: a `ModelConfig`, a `Llama` with equal logits, or such a folder. The names of the
parameters are the same on both sides, and both rotate by halves, so that nothing is permuted. `start_from` begins a
run from pretrained blocks: embedding and head are made anew for another vocabulary. Wrong: a folder that is no such
checkpoint, or a Llama with what this model lacks (scaled rotary positions, biases, heads of a width of their own, another
activation). Each is one `UserError` that names the file.
"""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ml.model import Llama, ModelConfig
from ml.runs import write_whole
from warehouse.errors import UserError

TABLES = ("model.embed_tokens.weight", "lm_head.weight")
HASH_BYTES = 1 << 24  # read at once


def config_json(model: ModelConfig) -> dict:
    """config.json beside the weights, so that transformers' LlamaForCausalLM loads them."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": model.vocabulary_size,
        "hidden_size": model.d_model,
        "num_hidden_layers": model.n_layers,
        "num_attention_heads": model.n_heads,
        "num_key_value_heads": model.n_kv_heads,
        "intermediate_size": model.d_ff,
        "max_position_embeddings": model.context,
        "rms_norm_eps": model.norm_eps,
        "rope_theta": model.rope_theta,  # transformers 4 reads this, 5 the next
        "rope_parameters": {"rope_theta": model.rope_theta, "rope_type": "default"},
        "hidden_act": "silu",
        "tie_word_embeddings": model.tied,
        "attention_bias": False,
        "mlp_bias": False,
        "pad_token_id": 0,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def read_config(folder: Path) -> ModelConfig:
    """The shape that config.json tells."""
    path = folder / "config.json"
    if not path.is_file():
        raise UserError(f"no config.json in {folder}: give the folder of a Llama checkpoint in Hugging Face's layout")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        _refuse(raw, path)
        rope = raw.get("rope_parameters") or {}
        heads = int(raw["num_attention_heads"])
        return ModelConfig(
            vocabulary_size=int(raw["vocab_size"]),
            d_model=int(raw["hidden_size"]),
            n_layers=int(raw["num_hidden_layers"]),
            n_heads=heads,
            n_kv_heads=int(raw.get("num_key_value_heads") or heads),
            d_ff=int(raw["intermediate_size"]),
            context=int(raw.get("max_position_embeddings", 2048)),
            tied=bool(raw.get("tie_word_embeddings", False)),
            rope_theta=float(rope.get("rope_theta") or raw.get("rope_theta") or 10000.0),
            norm_eps=float(raw.get("rms_norm_eps", 1e-6)),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is no Llama's config.json ({type(error).__name__}: {error})") from error


def _refuse(raw: dict, path: Path) -> None:
    """Raise `UserError` for a model that would give other logits here."""
    scalings = [raw.get(name) or {} for name in ("rope_scaling", "rope_parameters")]  # of transformers 4, of 5
    kinds = {scaling.get("rope_type", scaling.get("type", "default")) for scaling in scalings}
    kind = min(kinds - {"default"}, default="default")
    own_width = raw.get("head_dim") or raw["hidden_size"] // raw["num_attention_heads"]
    lacking = {
        f"model_type {raw.get('model_type')!r}": raw.get("model_type") != "llama",
        f"rotary positions scaled by {kind!r}": kind != "default",
        "biases": bool(raw.get("attention_bias") or raw.get("mlp_bias")),
        f"heads {own_width} wide": own_width * raw["num_attention_heads"] != raw["hidden_size"],
        f"activation {raw.get('hidden_act')!r}": raw.get("hidden_act", "silu") != "silu",
    }
    if found := [what for what, there in lacking.items() if there]:
        raise UserError(f"{path}: {found[0]} is not supported: give a plain Llama (Llama 2 or 3.0, TinyLlama, SmolLM)")


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint, in order of name."""
    index, single = folder / "model.safetensors.index.json", folder / "model.safetensors"
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, AttributeError) as error:
            raise UserError(f"{index} is damaged ({type(error).__name__}): fetch the checkpoint again") from error
        paths = [folder / name for name in names]
    else:
        paths = [single]
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path} is missing: the checkpoint's weights must be safetensors, all of them")
    return paths


def weights_sha256(folder: Path) -> str:
    """Hash over the bytes of all weight files."""
    digest = hashlib.sha256()
    for path in weight_files(folder):
        with path.open("rb") as handle:
            while piece := handle.read(HASH_BYTES):
                digest.update(piece)
    return digest.hexdigest()


def read_weights(folder: Path, config: ModelConfig) -> dict[str, Tensor]:
    """All weights of a checkpoint as float32, by name, checked against the shape. A tied head is the embedding."""
    state: dict[str, Tensor] = {}
    for path in weight_files(folder):
        try:
            state |= load_file(path)
        except (SafetensorError, OSError) as error:
            raise UserError(f"{path} is damaged ({error}): fetch the checkpoint again") from error
    if config.tied:
        state["lm_head.weight"] = state.get(TABLES[0])
    with torch.device("meta"):
        wanted = {name: tensor.shape for name, tensor in Llama(config).state_dict().items()}
    for name, shape in wanted.items():
        found = state.get(name)
        if found is None or found.shape != shape:
            has = "is missing" if found is None else f"has shape {tuple(found.shape)}"
            raise UserError(f"{folder}: {name} {has}, config.json asks for {tuple(shape)}")
    return {name: state[name].float() for name in wanted}


def load(folder: Path) -> Llama:
    """The model of a checkpoint, with its own vocabulary."""
    config = read_config(folder)
    model = Llama(config)
    model.load_state_dict(read_weights(folder, config))
    return model


def save(folder: Path, model: Llama, metadata: dict[str, str], weights: dict[str, Tensor] | None = None) -> None:
    """Write model.safetensors and config.json into a folder; each file whole or not at all.

    `weights`: those to write, where the model's own are parted over processes.
    """
    weights = model.state_dict() if weights is None else weights
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    if model.config.tied:
        del state["lm_head.weight"]
    metadata = {"format": "pt", **metadata}
    write_whole(folder / "model.safetensors", lambda part: save_file(state, part, metadata))
    text = json.dumps(config_json(model.config), indent=1) + "\n"
    write_whole(folder / "config.json", lambda part: part.write_text(text, encoding="utf-8"))


def shape_of(folder: Path, vocabulary_size: int, context: int) -> ModelConfig:
    """The shape of a pretrained model over another vocabulary and context."""
    return ModelConfig(**{**vars(read_config(folder)), "vocabulary_size": vocabulary_size, "context": context})


@torch.no_grad()
def start_from(model: Llama, folder: Path, seed: int) -> None:
    """Put a pretrained model's blocks and last norm into `model`, whose shape is `shape_of(folder, ...)`.

    Each row of the new embedding and head is the mean of the pretrained rows plus noise with the standard deviation of each
    column (Hewitt 2021): activations then have the size that the blocks were trained on.
    """
    state = read_weights(folder, read_config(folder))
    generator = torch.Generator().manual_seed(seed)
    for name in TABLES[: 1 if model.config.tied else 2]:
        table = state[name]
        noise = torch.randn(model.config.vocabulary_size, table.shape[1], generator=generator)
        state[name] = table.mean(0) + table.std(0) * noise
    if model.config.tied:
        state[TABLES[1]] = state[TABLES[0]]
    model.load_state_dict(state)

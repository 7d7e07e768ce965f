"""What a run will be, settled before it starts.

In: `Settings` as a user gives them and the shards' manifest and train split. Out: a `RunPlan`: model shape,
batch, number of steps, and the flat record that config.json holds. Two plans with equal `configuration` differ
in the seed at most. Horizon: steps = round(budget / (flops_per_token * batch_tokens)), where batch_tokens are
the real tokens (static prefix included, padding not) that a step's rows hold on average. Counted FLOPs of a
finished run = flops_per_token * real tokens, which is the budget to within a row or so; D counts timeline
tokens only. U and the number of patients are those of the share that is trained on. Wrong: conflicting or senseless settings (`UserError`).
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ml.data import Manifest
from ml.flops import training_flops_per_token
from ml.huggingface import shape_of, weights_sha256
from ml.ladder import parse_size, shape, size_name
from ml.look_up import check_look_up
from ml.model import ModelConfig, parameter_counts
from ml.rule import ETA, WEIGHT_DECAY, batch_tokens_for
from ml.stream import RowStream
from warehouse.errors import UserError


@dataclass(frozen=True)
class Settings:
    """What decides a run's outcome, as the user gives it. Exactly one of flops, tokens and epochs is its length.

    The defaults of eta and weight decay, and the batch that is None, are the rule of ml/rule.py.
    """

    size: str = "25k"
    flops: float | None = None
    tokens: int | None = None
    epochs: float | None = None
    seed: int = 0
    context: int = 256
    batch_tokens: int | None = None
    eta: float = ETA
    warmup_share: float = 0.05
    weight_decay: float = WEIGHT_DECAY
    beta1: float = 0.8
    beta2: float = 0.99
    gradient_clip: float = 1.0
    tied: bool = False
    look_up: bool | None = None  # None: where the run begins with weights of its own and an untied head
    patients: float = 1.0
    init: str | None = None
    eval_tokens: int = 100_000

    def __post_init__(self) -> None:
        given = [name for name in ("flops", "tokens", "epochs") if getattr(self, name) is not None]
        if len(given) > 1:
            raise UserError(f"--{given[0]} and --{given[1]} both set the length of the run: give one of them")
        if not given:
            raise UserError("the length of the run is not given: add --flops 1e12, --tokens 1000000 or --epochs 1")
        for name in ("flops", "tokens", "epochs", "context", "batch_tokens", "eta", "eval_tokens"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                option = "lr" if name == "eta" else name.replace("_", "-")
                raise UserError(f"--{option} {value}: give a number above 0")
        if self.seed < 0:
            raise UserError(f"--seed {self.seed}: give a number from 0 up")
        if self.look_up and self.init is not None:
            raise UserError("--look-up and --init both say what a run starts from: give one of them")
        if not 0 < self.patients <= 1:
            raise UserError(f"--patients {self.patients}: give a share of the training patients above 0 and up to 1")
        if not 0 <= self.warmup_share < 1:
            raise UserError(f"--warmup-share {self.warmup_share}: give a share from 0 up to, not including, 1")
        if not 0 <= self.weight_decay < float("inf"):
            raise UserError(f"--weight-decay {self.weight_decay}: give a number from 0 up")

    @property
    def begins_with_look_up(self) -> bool:
        """Whether a head begins as a look-up (ml/look_up.py): as asked for, else wherever there is room for it."""
        return self.look_up if self.look_up is not None else not self.tied and self.init is None


@dataclass(frozen=True)
class RunPlan:
    """A run before it starts: its length in rows of `context` tokens, and the steps that part them."""

    settings: Settings
    model: ModelConfig
    rows: int
    steps: int
    flops_per_token: float
    record: dict

    @property
    def run_id(self) -> str:
        """Stable name from size, length, configuration and seed."""
        return self.record["run_id"]


def _horizon(settings: Settings, flops_per_token: float, stream: RowStream) -> tuple[int, int, float, float]:
    """Rows and steps of the run, and the mean inputs and timeline tokens of a row. A step has a row at least."""
    epoch_rows = stream.rows_per_epoch
    inputs = int(stream.windows.inputs.sum()) / epoch_rows
    timeline = int((stream.windows.stop - stream.windows.start).sum()) / epoch_rows
    if settings.epochs is not None:
        rows = settings.epochs * epoch_rows
    elif settings.tokens is not None:
        rows = settings.tokens / timeline
    else:
        rows = settings.flops / flops_per_token / inputs
    rows = max(1, round(rows))
    batch_tokens = settings.batch_tokens or batch_tokens_for(rows * timeline)
    steps = max(1, min(rows, round(rows * inputs / batch_tokens)))
    return rows, steps, inputs, timeline


def _start(settings: Settings, vocabulary_size: int) -> tuple[ModelConfig, str | None]:
    """The model's shape: of the size asked for, or of the pretrained checkpoint, whose hash it gives too."""
    if settings.init is None:
        model = shape(parse_size(settings.size), vocabulary_size, settings.context, settings.tied)
        if settings.begins_with_look_up:
            check_look_up(model)
        return model, None
    folder = Path(settings.init)
    return shape_of(folder, vocabulary_size, settings.context), weights_sha256(folder)


def plan_run(settings: Settings, manifest: Manifest, stream: RowStream) -> RunPlan:
    """Settle everything that decides a run's outcome; pure, and quick beside the packing of one epoch."""
    model, init_sha256 = _start(settings, manifest.vocabulary_size)
    counts = parameter_counts(model)
    flops_per_token = training_flops_per_token(model)
    rows, steps, inputs, timeline = _horizon(settings, flops_per_token, stream)
    decisive = {
        **asdict(model),
        "shard_fingerprint": manifest.fingerprint,
        "vocabulary_sha256": manifest.vocabulary_sha256,
        "preset": manifest.preset,
        "patients_share": settings.patients,
        "flops_budget": settings.flops,
        "steps": steps,
        "rows": rows,
        "learning_rate": settings.eta,
        "warmup_share": settings.warmup_share,
        "weight_decay": settings.weight_decay,
        "beta1": settings.beta1,
        "beta2": settings.beta2,
        "gradient_clip": settings.gradient_clip,
        "schedule": "linear warm-up, cosine to 0.1",
        "eval_tokens": settings.eval_tokens,
        "init_sha256": init_sha256,
        "look_up": settings.begins_with_look_up,
    }
    # The packing of a seed may move rows and steps by a few, which must not part the seeds of one configuration.
    asked = {name: getattr(settings, name) for name in ("tokens", "epochs", "batch_tokens")}
    settled = {name: value for name, value in decisive.items() if name not in ("rows", "steps")}
    text = json.dumps(settled | asked, sort_keys=True)
    configuration = hashlib.sha256(text.encode()).hexdigest()[:12]
    length = f"C{settings.flops:.3g}" if settings.flops else f"D{size_name(rows * timeline)}"
    size = size_name(counts.non_embedding) if settings.init else settings.size
    share = f"-P{settings.patients:g}" if settings.patients < 1 else ""
    record = {
        "run_id": f"N{size}-{length}{share}-{configuration}-s{settings.seed}".replace("+", ""),
        "configuration": configuration,
        "seed": settings.seed,
        "size": size,
        **decisive,
        "n_total": counts.total,
        "n_non_embedding": counts.non_embedding,
        "n_with_head": counts.with_head,
        "flops_per_token": flops_per_token,
        "tokens_planned": round(rows * timeline),
        "batch_tokens": round(rows * inputs / steps),
        "flops_planned": rows * inputs * flops_per_token,
        "unique_tokens": stream.unique_tokens,
        "unique_patients": stream.unique_patients,
    }
    return RunPlan(settings, model, rows, steps, flops_per_token, record)

"""A start in which one head already looks up what followed the same token earlier.

In: a model as drawn. Out: the same model whose first heads of the first two layers are set as an induction head. The
weights stay those of any Llama; training is free to keep the head or to drop it. Why: values of measurements hang on
the patient's last value of the same measurement; left to itself a run finds that look-up late or never, by chance, and
seeds differ by as much as sizes do. Wrong: a table that is embedding and head in one
(`UserError`).
"""

import torch

from ml.model import Llama, ModelConfig
from warehouse.errors import UserError

# Weight of the constant in queries and keys of the head for the token before, of what that head writes, and of the head that
# matches it. With these a head puts 26% (40k) to 67% (200k) of its attention on what it looks up, 1% at 4k.
BEFORE, WRITTEN, MATCHED = 6.0, 3.0, 3.0
FAST = 0.1  # radians a token: rotary planes that tell neighbours apart
SLOW = 1.5  # radians a context: planes that hardly turn over it, in which tokens can be compared however far apart
STREAM = 1  # parts the draws from those of the other weights


def check_look_up(config: ModelConfig) -> None:
    """Raise `UserError` where a model has no room for the look-up. Two layers every size of the ladder has."""
    if config.tied:
        raise UserError(
            "--look-up and --tied: a tied table is so small that the blocks' output hides it; give one of them"
        )


@torch.no_grad()
def start_look_up(model: Llama, seed: int) -> None:
    """Let the first head of the second layer begin as one that looks up what followed the same token earlier (an
    induction head; Olsson et al. 2022, arXiv 2209.11895), such as the last value of a measurement.

    The first head of layer 0 attends to the token before: a column of the embedding is constant, and queries and keys see that column
    alone, in the fast planes, the key a position ahead. It writes what it finds in one subspace of width head_dim into
    another. The head of layer 1 compares its own token in the first with what stands written in the second, in the slow planes.
    """
    config, generator = model.config, torch.Generator().manual_seed(2 * seed + STREAM)
    check_look_up(config)
    d, h = config.d_model, config.head_dim
    frequency = config.rope_theta ** (-torch.arange(0, h, 2) / h)
    basis = torch.linalg.qr(torch.randn(d, min(d, 2 * h), generator=generator)).Q.T
    read, written = basis[:h], basis[-h:]  # the same one where a head is as wide as the model
    before, match = (model.model["layers"][i].self_attn for i in (0, 1))

    model.model["embed_tokens"].weight[:, 0] = 1.0
    fast = torch.where(frequency > FAST, BEFORE, 0.0)
    before.q_proj.weight[:h] = 0
    before.q_proj.weight[: h // 2, 0] = fast
    before.k_proj.weight[:h][fast.repeat(2) > 0] = 0
    before.k_proj.weight[:h, 0] += torch.cat((fast * frequency.cos(), fast * frequency.sin()))
    before.v_proj.weight[:h] = read
    before.o_proj.weight[:, :h] = WRITTEN * written.T
    slow = (frequency * config.context < SLOW).float().repeat(2)
    match.q_proj.weight[:h] = MATCHED * read * slow[:, None]
    match.k_proj.weight[:h] = MATCHED * written

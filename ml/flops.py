"""Floating-point operations of training, counted from the shape.

In: a `ModelConfig` and the row length. Out: matmul FLOPs per token, forward and training (forward x 3: the
backward pass multiplies each matrix twice). Counted: query, key and value projections, scores, weighted values,
output, SwiGLU's three matrices and the head. Not counted: embedding look-up, norms, rotary, softmax, optimiser
(under a few percent, and the field's convention). Attention is counted in FULL (each token against a whole row
of `length`), as PaLM, Chinchilla and Porian 2024 count it and as torch's FlopCounterMode sees a dense kernel;
`causal=True` counts only the (length + 1) / 2 keys a token sees on average, and `keys` any other number, such as
the (length + 128) / 2 that the CPU's blocks of 128 multiply. Packing does not enter: a token
costs the same whatever shares its row, so that a budget means the same for every data set. The head is charged for every
token put in; the trainer spares it on the static prefix (some 2% of tokens), which no loss is taken on. The matmul FLOPs
of a run are these times its input tokens; 6 N D is recorded beside them.
"""

from ml.model import ModelConfig

BACKWARD_SHARE = 3  # training = forward x 3


def forward_flops_per_token(
    config: ModelConfig, length: int | None = None, causal: bool = False, keys: float | None = None
) -> float:
    """Matmul FLOPs of the forward pass per token of a row of `length` tokens (default: the context)."""
    length = config.context if length is None else length
    if keys is None:
        keys = (length + 1) / 2 if causal else length
    d, kv_width = config.d_model, config.n_kv_heads * config.head_dim
    projections = 2 * d * (d + 2 * kv_width) + 2 * d * d
    attention = 2 * 2 * d * keys  # scores and weighted values, over all heads
    feed_forward = 3 * 2 * d * config.d_ff
    head = 2 * d * config.vocabulary_size
    return config.n_layers * (projections + attention + feed_forward) + head


def training_flops_per_token(
    config: ModelConfig, length: int | None = None, causal: bool = False, keys: float | None = None
) -> float:
    """Matmul FLOPs of forward and backward pass per token."""
    return BACKWARD_SHARE * forward_flops_per_token(config, length, causal, keys)


def six_nd(n_parameters: int, n_tokens: int) -> float:
    """The rule of thumb C = 6 N D (Kaplan 2020), which leaves attention scores out."""
    return 6.0 * n_parameters * n_tokens

"""What writer and reader of the shards agree on."""

import hashlib
from collections.abc import Sequence

FORMAT = 1
SPLITS = ("train", "tuning", "held_out")


def vocabulary_sha256(tokens: Sequence[str]) -> str:
    """The name under which shards, runs and reports know a vocabulary: a hash of its tokens in the order of their ids."""
    return hashlib.sha256("\n".join(tokens).encode()).hexdigest()

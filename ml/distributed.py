"""Several processes that train one model: ranks, what they tell each other, and how the model is spread over them.

In: torchrun's environment. Out: a `World` (alone: one rank, no process group, nothing is sent), and the model as DDP
copies it or FSDP2 parts it. Every rank holds the same seed, so all start from the same weights without sending them.
Wrong: an option that does not fit the ranks (`UserError`, on all of them); a rank that fails writes the reason into a
store that all share, and only the first one to do so speaks.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.nn.parallel import DistributedDataParallel

from ml.device import Device
from ml.model import Llama
from ml.packing import Batch
from ml.scoring import batch_loss
from warehouse.errors import UserError

PLACE = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0}  # torchrun's names, and what holds without it
STATE_BYTES = 16  # a parameter: weight, gradient and AdamW's two moments, each float32
STATE_SHARE = 0.6  # of the device's memory may hold them; the rest is for activations and the allocator's slack


@dataclass(frozen=True)
class World:
    """The processes of a run and this one's place among them."""

    rank: int = 0
    size: int = 1
    store: dist.Store | None = None

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files and speaks."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Sum over the ranks, in place; all ranks must call it."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def highest(self, value: int, device: torch.device) -> int:
        """The highest value over the ranks; waits for the device."""
        if self.size == 1:
            return value
        found = torch.tensor(value, device=device)
        dist.all_reduce(found, op=dist.ReduceOp.MAX)
        return int(found)

    def gather(self, value: Any) -> list:
        """The values of all ranks, in their order, on every rank."""
        if self.size == 1:
            return [value]
        found: list = [None] * self.size
        dist.all_gather_object(found, value)
        return found

    def from_first(self, function: Callable[[], Any]) -> Any:
        """What `function` returns on the first rank, on all; what it raises there (UserError, OSError), on all."""
        if self.size == 1:
            return function()
        told: list = [None, None]
        if self.is_first:
            try:
                told[0] = function()
            except (UserError, OSError) as error:
                told[1] = error
        dist.broadcast_object_list(told)
        if told[1] is not None:
            raise told[1]
        return told[0]

    def is_first_to_fail(self) -> bool:
        """Whether no other rank has failed before; from then on this one speaks for the run."""
        if self.store is None:
            return True
        try:
            return self.store.compare_set("failed", "", str(self.rank)).decode() == str(self.rank)
        except RuntimeError:
            return False  # the store went with the process that kept it, which failed before


def place() -> tuple[int, int, int]:
    """Rank, number of ranks and rank on this machine, from torchrun's environment; (0, 1, 0) without it."""
    rank, size, local = (int(os.environ.get(name, default)) for name, default in PLACE.items())
    return rank, size, local


@contextmanager
def joined(device: Device) -> Iterator[World]:
    """The world that torchrun describes; the process group is left in order where all went well."""
    rank, size, _ = place()
    if size == 1:
        yield World()
        return
    store, rank, size = next(dist.rendezvous("env://"))
    backend = "cpu:gloo,cuda:nccl" if device.is_cuda else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=size)
    yield World(rank, size, dist.PrefixStore("run", store))
    dist.destroy_process_group()


def is_lost_rank(error: RuntimeError) -> bool:
    """Whether an error is what a rank sees of another one's end; gloo raises a plain RuntimeError."""
    words = ("gloo", "closed by peer", "Connection reset", "Broken pipe")
    return isinstance(error, dist.DistError) or any(word in str(error) for word in words)


class SummedLoss(nn.Module):
    """`batch_loss` of a model as a module, so that DDP can wrap all that has a gradient."""

    def __init__(self, model: Llama, device: Device) -> None:
        super().__init__()
        self.model, self.device = model, device

    def forward(self, batch: Batch) -> Tensor:
        """Sum of -log p over the scored tokens of a batch."""
        return batch_loss(self.model, batch, self.device)


def must_shard(choice: str, n_parameters: int, world: World, device: Device) -> bool:
    """Whether weights and optimiser are parted over the ranks: as asked, or when they would fill the device."""
    if choice == "on" and world.size == 1:
        raise UserError("--shard on: there is one process only; start with torchrun --nproc-per-node 2 or more")
    if choice != "auto" or world.size == 1:
        return choice == "on"
    memory = device.memory_bytes()
    return memory is not None and STATE_BYTES * n_parameters > STATE_SHARE * memory


def shard(model: Llama, device: Device, ranks: int) -> Llama:
    """Part weights, gradients and optimiser state over the ranks, block by block (FSDP2), in place.

    Embedding, last norm and head form the group of the whole model, which stays gathered from forward to backward,
    so that the loss may use the head's weight outside the model's own forward pass.
    """
    mesh = init_device_mesh(device.torch.type, (ranks,))
    for block in model.model["layers"]:
        fully_shard(block, mesh=mesh)
    return fully_shard(model, mesh=mesh, reshard_after_forward=False)


def spread(model: Llama, device: Device, world: World, sharded: bool) -> nn.Module:
    """The summed loss over this rank's rows, whose backward pass leaves the mean gradient over the ranks."""
    if sharded:
        return SummedLoss(shard(model, device, world.size), device)
    loss = SummedLoss(model, device)
    if world.size == 1:
        return loss
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the option's new name is unknown to torch 2.9
        return DistributedDataParallel(loss, broadcast_buffers=False, gradient_as_bucket_view=True)


def part_again(model: Llama) -> None:
    """After a forward pass without a backward one: let go of what was gathered for it."""
    if isinstance(model, FSDPModule):
        model.reshard()

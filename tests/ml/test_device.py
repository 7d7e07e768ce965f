"""The device module, and a whole step of the training loop that never waits for its device."""

from pathlib import Path

import pytest
import torch

import ml.model
from ml import device as device_module
from ml.attention import flash_attention
from ml.checkpoint import Tally
from ml.device import Device, choose_device
from ml.distributed import SummedLoss, World
from ml.model import Llama, parameter_groups
from ml.plan import Settings, plan_run
from ml.progress import Meter
from ml.stream import Loader, open_corpus
from ml.train import train_step
from warehouse.errors import UserError


def test_a_step_of_the_loop_reads_nothing_back(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On meta tensors, which hold no values: `.item()` and the like raise, as does mixing devices."""

    def as_on_cuda(qkv: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, *others) -> torch.Tensor:
        return flash_attention(qkv, cos.to(qkv.dtype), sin.to(qkv.dtype), *others)

    monkeypatch.setattr(ml.model, "attend", as_on_cuda)
    corpus = open_corpus(shards, 48, 0)
    plan = plan_run(Settings(size="5k", epochs=1, context=48, batch_tokens=96), corpus.manifest, corpus.stream)
    device = Device(torch.device("meta"), torch.bfloat16)
    with torch.device("meta"):
        model = Llama(plan.model)
    optimiser = torch.optim.AdamW(parameter_groups(model, 0.02, 0.1), foreach=True)
    for group in optimiser.param_groups:
        group["peak_lr"] = group["lr"]
    meter = Meter(plan, Tally(), None, device.torch, World())
    loss = SummedLoss(model, device)
    for step, batch in meter.timed(Loader(corpus.stream, plan.rows, plan.steps).batches(plan.steps - 2)):
        nats, norm = train_step(loss, optimiser, batch, 1 / step.n_timeline, 1.0, 0.5)
        meter.add(step, nats, norm)
    assert nats.is_meta and norm.is_meta and meter.tally.step == 2
    assert meter.tally.order and meter.tally.tokens_seen > 0
    with pytest.raises(RuntimeError):
        meter.settle()  # this is where the device is waited for, once a line


def test_the_cpu_is_chosen_where_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for has, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(device_module, "cpu_multiplies_bfloat16", lambda has=has: has)
        chosen = choose_device("cpu")
        assert (chosen.torch.type, chosen.dtype, chosen.is_cuda) == ("cpu", dtype, False)
    assert chosen.memory_bytes() is None and chosen.peak_memory_bytes() > 1e6
    assert "thread(s)" in chosen.hardware


def test_peak_comes_from_the_data_sheet_or_from_a_product(monkeypatch: pytest.MonkeyPatch) -> None:
    peak, source = choose_device("cpu").peak_flops()
    assert peak > 1e8 and source.startswith("torch.mm, measured")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "NVIDIA H100 80GB HBM3")
    peak, source = Device(torch.device("cuda", 0), torch.bfloat16).peak_flops()
    assert peak == 989.5e12 and source.startswith("data sheet of NVIDIA H100")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "Unheard Of 9000")
    monkeypatch.setattr(Device, "measured_peak_flops", lambda self: 1.0)
    assert Device(torch.device("cuda", 0), torch.bfloat16).peak_flops()[0] == 1.0


def test_more_processes_than_devices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UserError, match="3 processes on a machine with 2 CUDA devices"):
        choose_device("cuda", local_rank=2)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_batches_come_from_page_locked_memory(shards: Path) -> None:
    corpus = open_corpus(shards, 48, 0)
    for _, batch in Loader(corpus.stream, 8, 2, workers=1, pin=True).batches():
        assert batch.tokens.is_pinned() and batch.targets.is_pinned()
        moved = batch.to(torch.device("cuda", 0))
        assert moved.tokens.is_cuda and torch.equal(moved.tokens.cpu(), batch.tokens)

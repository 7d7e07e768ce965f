"""The device a run computes on: choice, numeric type, clocks, memory and measured peak.

In: `cuda`, `cpu` or None (CUDA when there is one). Out: a `Device`. All calls that exist on one kind of device
only are here. Wrong: `--device cuda` where there is none (`UserError`).
"""

import platform
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from ml.peak import cpu_multiplies_bfloat16, data_sheet_peak
from warehouse.errors import UserError

PEAK_WIDTH = {"cpu": 768, "cuda": 8192}


@dataclass(frozen=True)
class Device:
    """`dtype` is the type that matrices are multiplied in; weights and optimiser state are float32 everywhere."""

    torch: torch.device
    dtype: torch.dtype

    @property
    def is_cuda(self) -> bool:
        """Whether this is a CUDA device."""
        return self.torch.type == "cuda"

    @property
    def hardware(self) -> str:
        """Name of the chip and how much of it is used."""
        if self.is_cuda:
            return torch.cuda.get_device_name(self.torch)
        cpuinfo = Path("/proc/cpuinfo")
        lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        return f"{names[0] if names else platform.machine()}, {torch.get_num_threads()} thread(s)"

    def synchronise(self) -> None:
        """Wait until queued work is done, so that a clock reads the truth."""
        if self.is_cuda:
            torch.cuda.synchronize(self.torch)

    def memory_bytes(self) -> int | None:
        """Memory of the device; None for a CPU, which shares the machine's with everything else."""
        return torch.cuda.get_device_properties(self.torch).total_memory if self.is_cuda else None

    def peak_memory_bytes(self) -> int:
        """Largest memory held so far: of the device on CUDA, else of the process."""
        if self.is_cuda:
            return torch.cuda.max_memory_allocated(self.torch)
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

    def peak_flops(self) -> tuple[float, str]:
        """What a share of peak is a share of, in FLOP/s, and where it comes from: the data sheet of a CUDA device that is
        known by its name, else a product measured now."""
        if self.is_cuda and (found := data_sheet_peak(self.hardware)):
            return found, f"data sheet of {self.hardware}, dense bfloat16"
        return self.measured_peak_flops(), "torch.mm, measured at the end of the run"

    def measured_peak_flops(self) -> float:
        """FLOP/s of a large matrix product in `dtype`, best of three."""
        width = PEAK_WIDTH[self.torch.type]
        a = torch.randn(width, width, device=self.torch, dtype=self.dtype)
        best = float("inf")
        for _ in range(4):  # the first one warms up
            self.synchronise()
            start = time.perf_counter()
            a @ a
            self.synchronise()
            best = min(best, time.perf_counter() - start)
        return 2 * width**3 / best


def choose_device(name: str | None, local_rank: int = 0) -> Device:
    """The named device, or CUDA when there is one, else the CPU. Products are in bfloat16 where the device has it.

    `local_rank`: number of the CUDA device, which is a process's rank on its machine.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: this machine or this build of torch has no CUDA device; use --device cpu")
    if name == "cuda" or (name is None and torch.cuda.is_available()):
        if local_rank >= torch.cuda.device_count():
            raise UserError(
                f"{local_rank + 1} processes on a machine with {torch.cuda.device_count()} CUDA devices: start fewer"
            )
        torch.set_float32_matmul_precision("high")
        torch.cuda.set_device(local_rank)
        return Device(torch.device("cuda", local_rank), torch.bfloat16)
    return Device(torch.device("cpu"), torch.bfloat16 if cpu_multiplies_bfloat16() else torch.float32)

"""What a device could multiply at most: the denominator of a share of peak.

In: the name of a CUDA device as torch gives it. Out: dense bfloat16 FLOP/s with float32 sums, from the maker's data
sheets (without sparsity, at boost clock), or None for a name that is not in the table: then the caller
measures a product. For a CPU: whether it multiplies bfloat16 faster than float32. Nothing here needs a device.
"""

import torch

# First match wins, so that the longer name stands before the shorter. Source of each: NVIDIA's data sheet of the product;
# where the sheet gives the figure with sparsity, half of it.
DENSE_BFLOAT16 = (
    ("GB200", 2.5e15),  # GB200 NVL72, per GPU: 5 PFLOP/s with sparsity
    ("B200", 2.25e15),  # HGX B200, per GPU: 4.5 PFLOP/s with sparsity
    ("GH200", 990e12),  # 1,979 TFLOP/s with sparsity
    ("H200 NVL", 835.5e12),  # 1,671 TFLOP/s with sparsity
    ("H200", 989.5e12),  # 1,979 TFLOP/s with sparsity
    ("H100 NVL", 835.5e12),  # 1,671 TFLOP/s with sparsity
    ("H100 PCIe", 756e12),  # 1,513 TFLOP/s with sparsity
    ("H100", 989.5e12),  # SXM5, named "H100 80GB HBM3": 1,979 TFLOP/s with sparsity
    ("H800", 989.5e12),
    ("L40S", 362e12),
    ("L4", 121e12),
    ("A100", 312e12),
    ("A800", 312e12),
    ("A40", 149.7e12),
    ("A30", 165e12),
    ("A10", 125e12),
    ("RTX 4090", 165.2e12),  # with float32 sums
    ("RTX 3090", 71e12),
)


def data_sheet_peak(name: str) -> float | None:
    """Dense bfloat16 FLOP/s of a CUDA device by its name; None where the name is not known."""
    words = name.replace("NVIDIA", " ").replace("-", " ").split()
    for known, peak in DENSE_BFLOAT16:
        wanted = known.split()
        if all(word in words for word in wanted):
            return peak
    return None


def cpu_multiplies_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16 products (avx512_bf16, or AMX tiles); elsewhere they are emulated."""
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # not public: absent means no
    return any(getattr(torch.cpu, name, lambda: False)() for name in asked)

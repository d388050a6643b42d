"""Which device computes, in which precision, and how full its memory is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psutil
import torch

from workbench.errors import InputError

__all__ = ["PRECISIONS", "Device", "gpu_present", "memory", "pick", "precision_for"]

PRECISIONS: dict[str, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


@dataclass(frozen=True)
class Device:
    """Where models compute.

    Args:
        name: ``cpu``, ``cuda:0`` or ``mps``, as torch writes it.
        title: the name with the product, e.g. ``cuda:0 NVIDIA H100``.
    """

    name: str
    title: str

    @property
    def kind(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        return self.name.split(":")[0]

    @property
    def torch(self) -> torch.device:
        """The same for torch."""
        return torch.device(self.name)


def gpu_present() -> bool:
    """True when this machine has a GPU that torch can use."""
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def pick(wanted: str = "auto") -> Device:
    """The device to compute on.

    Args:
        wanted: ``auto`` takes CUDA, else Apple's MPS, else the CPU; or one of the three by name.

    Raises:
        InputError: the wanted one is not there; a person who asks for a GPU shall not silently
            wait for a CPU.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    kind = wanted.split(":", maxsplit=1)[0]
    if kind == "auto":
        kind = next((name for name, present in there.items() if present), "cpu")
    if kind not in ("cpu", *there):
        raise InputError("device", expected="auto, cpu, cuda or mps", got=repr(wanted))
    if kind != "cpu" and not there[kind]:
        raise InputError(
            f"device {wanted!r}",
            expected="a device that torch finds on this machine",
            got="none of that kind",
            do="Use --device auto, or install the driver and a torch build for it.",
        )
    if kind != "cuda":
        return Device(kind, kind)
    number = int(wanted.split(":")[1]) if ":" in wanted else 0
    return Device(f"cuda:{number}", f"cuda:{number} {torch.cuda.get_device_name(number)}")


def precision_for(device: Device, asked: str = "auto") -> str:
    """The precision to compute in.

    ``auto`` is bfloat16 on a GPU that has it, float16 on an older one, and float32 on a CPU and
    on MPS: there bfloat16 was measured to help at batch 1 and to hurt from batch 16 on.

    Raises:
        InputError: not ``auto`` and not one of ``PRECISIONS``.
    """
    if asked in PRECISIONS:
        return asked
    if asked != "auto":
        expected = "auto, " + ", ".join(PRECISIONS)
        raise InputError("precision", expected=expected, got=repr(asked))
    if device.kind != "cuda":
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


def memory(device: Device) -> tuple[int, int]:
    """Bytes used and bytes there are: of the GPU, or of this process and the machine's RAM."""
    if device.kind == "cuda":
        free, total = torch.cuda.mem_get_info(device.torch)
        return total - free, total
    used: Any = psutil.Process().memory_info().rss
    return int(used), int(psutil.virtual_memory().total)

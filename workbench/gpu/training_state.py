"""The state of a training, in one safetensors file, so that a killed run goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from workbench.errors import InputError
from workbench.gpu.files import replace

__all__ = ["Progress", "cut_log", "load_checkpoint", "save_checkpoint"]

Progress = dict[str, Any]


def save_checkpoint(
    path: Path, model: nn.Module, optimizers: list[Optimizer], progress: Progress
) -> None:
    """Write weights, optimizer tensors and ``progress`` (JSON-like) in one atomic file."""
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    for which, optimizer in enumerate(optimizers):
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{which}/{index}/{key}": value for key, value in state.items()}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    replace(path, save(tensors, {"progress": json.dumps(progress)}))


def load_checkpoint(path: Path, model: nn.Module, optimizers: list[Optimizer]) -> Progress:
    """Put a checkpoint back into a model and its optimizers, and return its progress.

    Raises:
        InputError: the file is damaged, or belongs to another architecture.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            progress: Progress = json.loads((file.metadata() or {})["progress"])
        weights = {n.removeprefix("model/"): t for n, t in tensors.items() if n[:6] == "model/"}
        model.load_state_dict(weights)
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise InputError(
            f"the checkpoint {path} cannot be used",
            expected="one written by this training with the same architecture",
            got=str(error).splitlines()[0],
            do="Delete it to start anew, or train into another folder.",
        ) from error
    for which, optimizer in enumerate(optimizers):
        _restore(optimizer, tensors, f"optimizer/{which}/")
    return progress


def _restore(optimizer: Optimizer, tensors: dict[str, Tensor], prefix: str) -> None:
    """Give an optimizer the tensors whose names start with `prefix`; its settings stay."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(prefix):
            index, key = name.removeprefix(prefix).split("/")
            state.setdefault(int(index), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def cut_log(path: Path, step: int) -> None:
    """Leave out the lines of steps that will be made again, and one that was half written."""
    kept = []
    for line in path.read_text("utf-8").splitlines() if path.is_file() else []:
        if not line.endswith("}") or json.loads(line)["step"] > step:
            break
        kept.append(f"{line}\n")
    replace(path, "".join(kept).encode("utf-8"))

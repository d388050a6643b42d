"""The workspace with recorded routing, evaluated and with experts switched off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.worker import ablation_world
from tests.worker.routing_world import bundle
from workbench.api import open_workspace

__all__ = ["Ablations", "build"]

ITEMS = 40


@dataclass(frozen=True)
class Ablations:
    """Keys of what is in it.

    Args:
        bare: two experts of ``experts`` off, without a zero-shot run and without controls.
        one: expert 1 of block 2 off, after an evaluation, with two controls and every expert.
    """

    bare: str
    one: str


def build(root: Path, folder: Path) -> Ablations:
    """Make the workspace.

    Args:
        root: of it.
        folder: for bundles and pictures.
    """
    with open_workspace(root) as bench:
        bench.set_setting("sample", "removed")
        models = ablation_world.fill(bench, folder / "pictures", bundle(folder / "first"), ITEMS)
        off = {0: [1], 3: [0]}
        bare = ablation_world.ablate(bench, models, off, controls=0, mode="reroute")
        ablation_world.evaluate(bench, models)
        one = ablation_world.ablate(bench, models, {2: [1]}, controls=2, every=True)
        return Ablations(bare, one)

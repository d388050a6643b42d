"""A small workspace with recorded routing, for the pages that show experts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.worker.routing_world import bundle, fill, perform, with_model
from workbench.api import open_workspace

__all__ = ["Routed", "build"]

ITEMS = 24


@dataclass(frozen=True)
class Routed:
    """Keys of what is in it.

    Args:
        key: recording of dataset ``d`` by ``experts`` at the model's own capacity: 4 experts, 2 a
            token, in blocks 0, 2 and 3; 4 x 4 patches. Item 3 has no image, every fifth no caption.
        rival: the same by ``rival``, another model of this shape.
        whole: by ``experts``, nothing dropped.
        part: by ``experts``, 5 items.
    """

    key: str
    rival: str
    whole: str
    part: str


def build(root: Path, folder: Path) -> Routed:
    """Make the workspace.

    Args:
        root: of it.
        folder: for bundles and pictures.
    """
    with open_workspace(root) as bench:
        bench.set_setting("sample", "removed")
        fill(bench, folder / "pictures", ITEMS, bare=(3,))
        models = with_model(bench, bundle(folder / "first"))
        with_model(bench, bundle(folder / "second", seed=1), "rival")

        def recorded(model: str, **asked: object) -> str:
            job = bench.submit_recording("d", model, batch=8, **asked)  # type: ignore[arg-type]
            return perform(bench, models, job)

        return Routed(
            key=recorded("experts"),
            rival=recorded("rival"),
            whole=recorded("experts", capacity_factor=None),
            part=recorded("experts", limit=5),
        )

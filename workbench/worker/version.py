"""Whether a dataset is whole, and still what a job was asked about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.errors import InputError
from workbench.types import ModelInfo, Side

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["check_embedded", "check_version"]


def check_version(workspace: Workspace, dataset: str, version: Sequence[int]) -> None:
    """Refuse to answer for a dataset that has changed since the question.

    Args:
        workspace: where the dataset is.
        dataset: its name.
        version: ``Catalog.identity`` as it was then.

    Raises:
        InputError: it is another one now.
    """
    now = list(workspace.catalog.identity(dataset))
    if now != list(version):
        raise InputError(
            f"dataset {dataset!r}",
            expected=f"version {list(version)} as when the evaluation was asked for",
            got=f"version {now}",
            do="Items were added since: ask for the evaluation again.",
        )


def check_embedded(workspace: Workspace, dataset: str, card: ModelInfo, side: Side) -> None:
    """Refuse a question about vectors that are not all there.

    Raises:
        InputError: rows of the side lack vectors, or there is none.
    """
    vectors = workspace.vectors.info(dataset, card.key, side)
    if not vectors.complete or not vectors.total:
        raise InputError(
            f"{side}s of {dataset!r} under {card.name!r}",
            expected=f"{vectors.total} vectors" if vectors.total else f"at least one {side}",
            got=str(vectors.done),
            do=f"Embed {dataset} with {card.name} first: "
            f"`workbench embed --dataset {dataset} --model {card.name}`.",
        )

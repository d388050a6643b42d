"""Whether a dataset is still what a job was asked about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.errors import InputError

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["check_version"]


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

"""What a recording of routing is asked: all that decides it, checked before it is queued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import InputError, ModelError
from workbench.filters import Filters, to_json
from workbench.types import ModelInfo

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["KIND", "PART", "Asked", "no_routers", "question", "titled"]

KIND = "record-routing"
PART = "record-routing-shard"
CODE = 1
"""Raised when the same question would get another answer: old recordings are then not reused."""

Asked = Literal["both", "image", "text"]
"""Which sides of an item go through the model."""


def question(
    workspace: Workspace,
    dataset: str,
    model: str,
    *,
    modalities: Asked = "both",
    capacity_factor: float | Literal["own"] | None = "own",
    batch: int = 64,
    limit: int | None = None,
    where: Filters = (),
    seed: int = 0,
) -> dict[str, Any]:
    """The parameters of a job; see ``Workbench.submit_recording`` for the arguments.

    Raises:
        UnknownName: no such dataset, model or column.
        ModelError: the model has no routers.
        InputError: a number out of its range, or nothing to look at.
    """
    info, card = workspace.catalog.dataset(dataset), workspace.catalog.model(model)
    if not card.has_experts or not card.limoe:
        raise no_routers(card)
    _check(modalities in ("both", "image", "text"), "modalities", "both, image or text", modalities)
    _check(batch >= 1, "batch", "at least 1 item", batch)
    _check(limit is None or limit >= 1, "limit", "at least 1 item", limit)
    _check(seed >= 0, "seed", "at least 0", seed)
    if capacity_factor == "own":
        capacity_factor = float(card.limoe["capacity_factor"])
    _check(capacity_factor is None or capacity_factor > 0, "capacity", "above 0", capacity_factor)
    if not workspace.tables.count(dataset, where):
        raise InputError(f"items of {dataset!r}", expected="at least one", got="none")
    return {
        "dataset": info.name,
        "version": list(workspace.catalog.identity(info.name)),
        "model": card.key,
        "modalities": modalities,
        "capacity_factor": capacity_factor,
        "batch": batch,
        "limit": limit,
        "where": to_json(where) if where else "",
        "seed": seed,
        "code": CODE,
    }


def _check(right: bool, name: str, expected: str, got: object) -> None:
    if not right:
        raise InputError(f"{name} of a recording", expected=expected, got=str(got))


def no_routers(card: ModelInfo) -> ModelError:
    """The error for a model that is no mixture of experts."""
    return ModelError(
        f"model {card.name} has no routers, so it has no experts to record",
        expected="a mixture of experts (LIMoE)",
        got=f"{card.arch}, every token of which passes the same weights",
        do="The page Modality gap asks of such a model how it treats images and texts.",
    )


def titled(card: ModelInfo, params: Mapping[str, Any]) -> str:
    """A recording in one line, for the list of jobs."""
    return f"Record routing of {card.name} on {params['dataset']}"

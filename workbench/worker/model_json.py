"""A registered model as JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from workbench.types import ModelInfo

__all__ = ["model_from_json", "model_to_json"]


def model_to_json(info: ModelInfo) -> dict[str, Any]:
    """The fields of a model as JSON values."""
    return asdict(info)


def model_from_json(fields: Mapping[str, Any]) -> ModelInfo:
    """The model of ``model_to_json``'s form."""
    height, width = fields["image_size"]
    return ModelInfo(**{**fields, "image_size": (int(height), int(width))})

"""The card of one method: what it answers, what it needs, and the function that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from workbench.errors import InputError
from workbench.params import build

__all__ = ["Method", "Need", "Probability"]

Need = Literal["prompts", "aligned", "support", "metric", "pairs", "frequency", "bias", "retrieved"]
"""What a head needs besides images: texts of the classes, the same templates for every class,
labelled images, distances between classes, pairs of texts, counts of words in captions, a model
with a logit bias, images that are retrieved by their captions."""

Probability = Literal["softmax", "sigmoid"]
"""What makes probabilities of logits: softmax shares one among the classes, sigmoid judges each
alone."""


@dataclass(frozen=True)
class Method:
    """One way to turn embeddings into class scores.

    Args:
        key: stable name, in addresses, commands and stored runs.
        title: on screen.
        question: what it answers, in one sentence.
        needs: what must be given besides the images.
        params: frozen dataclass of its parameters, see ``workbench.params``.
        prepare: (material, params) -> scorer, see ``workbench.heads.head``.
        transductive: it looks at all images before it scores the first.
        unit: of its scores.
        source: the paper.
        probability: what makes probabilities of its logits; sigmoid judges each class alone.
    """

    key: str
    title: str
    question: str
    needs: frozenset[Need]
    params: type
    prepare: Callable[[Any, Any], Any]
    transductive: bool
    unit: str
    source: str
    probability: Probability = "softmax"

    def __post_init__(self) -> None:
        unknown = self.needs - set(get_args(Need))
        if unknown:
            raise InputError(f"method {self.key}", expected="known needs", got=str(unknown))

    def build(self, values: Mapping[str, Any]) -> Any:
        """Its parameters from values by name.

        Raises:
            InputError: an unknown name or a value that is not allowed.
        """
        return build(self.params, values)

    def options(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Every parameter with its value, defaults filled in: equal questions, equal options."""
        return asdict(self.build(values))

"""What a training is asked: everything that decides its numbers, checked before it is queued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from store.names import check_name
from store.training import KIND
from workbench.errors import InputError
from workbench.gpu.limoe.recipe import Recipe
from workbench.params import build

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["CONTEXT", "KIND", "LEAST_ITEMS", "question", "recipe_of", "titled"]

CODE = 1
"""Raised when the same question would get other numbers: old models are then not reused."""

CONTEXT = 20
"""Places of a caption, start and end mark included, unless asked otherwise."""

LEAST_ITEMS = 20
"""Images with captions that a training needs: a tenth of them is held out."""

_CONTEXTS = (4, 256)
_SMALLEST_VOCABULARY = 514  # bytes, bytes that end a word, and both marks


def question(
    workspace: Workspace,
    dataset: str,
    name: str,
    *,
    context: int = CONTEXT,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The parameters of a job; see ``Workbench.submit_training`` for the arguments.

    Raises:
        UnknownName: no such dataset.
        InputError: an option that is not allowed, sizes that do not fit each other, a name that is
            taken, a dataset without captions, or the same training that was made under another
            name.
    """
    check_name("model", name)
    recipe: Recipe = build(Recipe, options or {})
    low, high = _CONTEXTS
    if not low <= context <= high:
        raise InputError("context", expected=f"from {low} to {high} tokens", got=str(context))
    recipe.config(_SMALLEST_VOCABULARY, context)
    _check_captions(workspace, dataset, recipe)
    params = {
        "dataset": dataset,
        "version": list(workspace.catalog.identity(dataset)),
        "name": name,
        "context": context,
        "recipe": asdict(recipe),
        "code": CODE,
    }
    _check_new(workspace, params)
    return params


def recipe_of(params: Mapping[str, Any]) -> Recipe:
    """The recipe of a question."""
    recipe: Recipe = build(Recipe, params["recipe"])
    return recipe


def titled(params: Mapping[str, Any]) -> str:
    """A training in one line, for the list of jobs."""
    recipe = params["recipe"]
    kind = "its dense twin" if recipe["losses"] == "dense" else f"{recipe['losses']} losses"
    return f"Train {params['name']} on {params['dataset']} ({kind}, seed {recipe['seed']})"


def _check_captions(workspace: Workspace, dataset: str, recipe: Recipe) -> None:
    info = workspace.catalog.dataset(dataset)
    if not info.captions:
        raise InputError(
            f"dataset {dataset!r}",
            expected="images with captions to train on",
            got=f"{info.items:,} items and no caption",
            do="Import it again with its captions, or choose another dataset.",
        )
    if recipe.batch > info.items:
        raise InputError(
            f"batch of a training on {dataset!r}",
            expected=f"at most {info.items:,}, the items there are",
            got=f"{recipe.batch:,}",
        )


def _check_new(workspace: Workspace, params: Mapping[str, Any]) -> None:
    """Refuse a name that is taken, and the same training under a second name.

    The same under the same name is no mistake: the model is there already.
    """
    names = {model.key: model.name for model in workspace.catalog.models()}
    for run in workspace.runs.list(KIND):
        other = names.get(run.result["model"])
        if other is None:
            continue
        if run.params == params:
            return
        if all(run.params.get(each) == params[each] for each in params if each != "name"):
            raise InputError(
                f"training {params['name']!r}",
                expected="one that was not made before",
                got=f"the training that made {other!r}",
                do="Use that model, or change the seed or anything else.",
            )
    if params["name"] in names.values():
        raise InputError(
            f"model name {params['name']!r}",
            expected="a name that no other model has",
            got="a taken one",
            do="Choose another name, or remove the other model first.",
        )

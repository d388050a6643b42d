"""What a zero-shot run is asked: all that decides its answer, checked before it is queued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError, UnknownName
from workbench.filters import Filters, to_json
from workbench.method import Method
from workbench.prompts import builtin
from workbench.prompts.classes import ClassSet, from_labels
from workbench.prompts.prompt_sets import PromptSet, expand
from workbench.types import Column, ModelInfo
from workbench.worker.corpora import corpus_named
from workbench.worker.count_question import KIND as COUNT
from workbench.worker.retrieved import Retrieval
from workbench.worker.version import check_embedded

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["KIND", "Pairs", "askable", "check_retrieval", "default_classes", "question"]

KIND = "evaluate-zero-shot"
CODE = 1
"""Raised when the same question would get another answer: old runs are then not reused."""

_UNASKED: frozenset[str] = frozenset({"frequency"})
_GROUP_VALUES = 50
_LONGEST_GROUPS = 8


@dataclass(frozen=True)
class Pairs:
    """Pairs of texts whose difference is a direction, for RoboShot.

    Args:
        reject: the two texts differ in what should not decide.
        accept: they differ in what should.
    """

    reject: tuple[tuple[str, str], ...] = ()
    accept: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for one, two in (*self.reject, *self.accept):
            if not one.strip() or not two.strip() or one == two:
                raise InputError(
                    "pair of texts", expected="two different texts", got=f"{one!r} and {two!r}"
                )

    @classmethod
    def parsed(cls, reject: Sequence[str], accept: Sequence[str]) -> Pairs:
        """From lines ``one text | another``; empty lines are left out.

        Raises:
            InputError: a line without a ``|``.
        """

        def pairs(lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
            found = []
            for line in filter(str.strip, lines):
                one, bar, two = line.partition("|")
                if not bar:
                    raise InputError(
                        "pair of texts", expected="two texts with | between", got=repr(line)
                    )
                found.append((one.strip(), two.strip()))
            return tuple(found)

        return cls(pairs(reject), pairs(accept))

    def to_json(self) -> dict[str, list[list[str]]]:
        """As stored in a run."""
        return {
            "reject": [list(pair) for pair in self.reject],
            "accept": [list(pair) for pair in self.accept],
        }


def askable() -> tuple[Method, ...]:
    """The heads that can be asked for, in the order in which they are shown.

    Those that need counts of words, which a run cannot name, are left out.
    """
    from workbench.methods import METHODS

    return tuple(head for head in METHODS if not head.needs & _UNASKED)


def default_classes(workspace: Workspace, dataset: str, label: str = "label") -> ClassSet:
    """The classes of a dataset when nothing else is said.

    Those of the sample world, with synonyms and hierarchy, where it is the sample's; else the
    names that came with the dataset where every label is among them; else the labels.

    Raises:
        UnknownName: no such dataset or column.
        InputError: the column holds no label.
    """
    info = workspace.catalog.dataset(dataset)
    found = workspace.tables.facets(dataset, label, limit=50_000)
    labels = [str(value) for value, _ in found if value is not None]
    names = [str(name) for name in info.info.get("class_names") or ()]
    sample = builtin.sample_classes()
    if set(names) == set(sample.labels) >= set(labels):
        return sample
    if names and set(labels) <= set(names):
        return ClassSet(names=tuple(names))
    return from_labels(labels)


def question(
    workspace: Workspace,
    dataset: str,
    model: str,
    *,
    classes: ClassSet | None = None,
    prompts: PromptSet | None = None,
    head: str = "mean",
    options: Mapping[str, Any] | None = None,
    shots: int = 1,
    pairs: Pairs | None = None,
    retrieve: Retrieval | None = None,
    label: str = "label",
    where: Filters = (),
    groups: Sequence[str] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """The parameters of a job; see ``Workbench.submit_zero_shot`` for the arguments.

    Raises:
        UnknownName: no such dataset, model, head or column.
        InputError: images without vectors, an option that is not allowed, or prompts or pairs that
            do not suit the classes or the head.
    """
    info, card = workspace.catalog.dataset(dataset), workspace.catalog.model(model)
    columns = {column.name: column for column in workspace.tables.columns(dataset)}
    for name in (label, *(groups or ())):
        if name not in columns:
            raise UnknownName(f"column of {dataset}", name, list(columns))
    check_embedded(workspace, dataset, card, "image")
    chosen = _head(head, card, pairs)
    if shots < 1:
        raise InputError("shots", expected="at least 1 image a class", got=str(shots))
    classes = classes or default_classes(workspace, dataset, label)
    prompts = prompts or builtin.prompt_set("photo")
    expanded = expand(classes, prompts)
    if "aligned" in chosen.needs and not expanded.aligned:
        raise InputError(
            f"prompts for {chosen.title}",
            expected="the same templates for every class",
            got=prompts.kind + (" with synonyms" if prompts.synonyms else ""),
            do="Use templates without synonyms, or another head.",
        )
    params: dict[str, Any] = {
        "dataset": dataset,
        "version": list(workspace.catalog.identity(info.name)),
        "model": card.key,
        "classes": _keep_classes(workspace, dataset, classes),
        "prompts": _keep_prompts(workspace, prompts),
        "head": head,
        "options": chosen.options(options or {}),
        "shots": shots if "support" in chosen.needs else 0,
        "label": label,
        "where": to_json(where) if where else "",
        "groups": _groups(columns, label) if groups is None else list(groups),
        "seed": seed,
        "code": CODE,
    }
    if pairs is not None and "pairs" in chosen.needs:
        params["pairs"] = pairs.to_json()
    if "retrieved" in chosen.needs:
        if retrieve is None:
            raise InputError(
                "images to learn from",
                expected="a counting of these classes in the captions of another dataset",
                got="none",
                do="Count the classes in a dataset's captions first.",
            )
        check_retrieval(workspace, retrieve, params, card)
        params["retrieve"] = retrieve.to_json()
    return params


def _head(key: str, card: ModelInfo, pairs: Pairs | None) -> Method:
    """The head, when the model and what was given have all that it needs."""
    known = {each.key: each for each in askable()}
    if key not in known:
        raise UnknownName("head", key, list(known))
    chosen = known[key]
    if "bias" in chosen.needs and card.logit_bias is None:
        raise InputError(
            f"head {chosen.title}",
            expected="a model with a logit bias (trained with the sigmoid loss)",
            got=card.name,
        )
    if "pairs" in chosen.needs and (pairs is None or not (pairs.reject or pairs.accept)):
        raise InputError(
            f"pairs of texts for {chosen.title}",
            expected="at least one pair",
            got="none",
            do="Give two texts that differ in what should not, or should, decide.",
        )
    return chosen


def check_retrieval(
    workspace: Workspace, asked: Retrieval, params: Mapping[str, Any], card: ModelInfo
) -> None:
    """Refuse images that cannot be learned from for a run.

    Args:
        workspace: where everything is.
        asked: what to retrieve.
        params: of the run; its dataset and classes are looked at.
        card: the model.

    Raises:
        UnknownName: no such counting.
        InputError: a counting of other classes or of the evaluated images themselves, a corpus
            without images, or images that are not embedded.
    """
    counted = workspace.runs.get(asked.count)
    if counted.kind != COUNT or counted.params["classes"] != params["classes"]:
        raise InputError(
            "counting to retrieve by", expected="one of the run's classes", got=counted.kind
        )
    dataset = counted.params["corpus"]
    if dataset == params["dataset"] or corpus_named(workspace, dataset).kind != "dataset":
        raise InputError(
            "corpus to retrieve from",
            expected="the captions of another dataset, with images",
            got=repr(dataset),
        )
    check_embedded(workspace, dataset, card, "image")


def _groups(columns: Mapping[str, Column], label: str) -> list[str]:
    """Columns of few values, which images can be measured by."""
    return [
        name
        for name, column in columns.items()
        if name not in (label, "format")
        and column.kind in ("text", "boolean")
        and 2 <= column.distinct <= _GROUP_VALUES
    ][:_LONGEST_GROUPS]


def _keep_classes(workspace: Workspace, dataset: str, classes: ClassSet) -> str:
    if classes.key not in dict(workspace.sets.list("classes")):
        name = f"{len(classes):,} classes of {dataset}"
        workspace.sets.put("classes", classes.key, name, classes.to_json())
    return classes.key


def _keep_prompts(workspace: Workspace, prompts: PromptSet) -> str:
    if prompts.key not in dict(workspace.sets.list("prompts")):
        name = next((n for n in builtin.PROMPT_SETS if builtin.prompt_set(n) == prompts), None)
        workspace.sets.put("prompts", prompts.key, name or prompts.kind, prompts.to_json())
    return prompts.key

"""What a counting is asked: everything that decides its answer, checked before it is queued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from workbench.longtail.concepts import Concepts
from workbench.longtail.rules import Options, rule_named
from workbench.params import build
from workbench.prompts import builtin
from workbench.prompts.classes import ClassSet
from workbench.worker.corpora import corpus_named, opened

if TYPE_CHECKING:
    from store.workspace import Workspace

__all__ = ["KIND", "question", "titled"]

KIND = "count-concepts"
CODE = 2
"""Raised when the same question would get other counts: old ones are then not reused."""


def question(
    workspace: Workspace,
    corpus: str,
    *,
    classes: ClassSet | None = None,
    synonyms: bool = True,
    rule: str = "words",
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The parameters of a job; see ``Workbench.submit_count`` for the arguments.

    Raises:
        UnknownName: no such corpus or rule.
        InputError: an option that is not allowed, or concepts that cannot be looked for.
    """
    rule_named(rule)
    info = corpus_named(workspace, corpus)
    classes = classes or builtin.sample_classes()
    Concepts.of(classes.names, classes.synonyms if synonyms else ())
    if classes.key not in dict(workspace.sets.list("classes")):
        name = f"{len(classes):,} concepts"
        workspace.sets.put("classes", classes.key, name, classes.to_json())
    return {
        "corpus": corpus,
        "version": opened(workspace, info).key,
        "classes": classes.key,
        "synonyms": synonyms,
        "rule": rule,
        "options": asdict(build(Options, options or {})),
        "code": CODE,
    }


def titled(workspace: Workspace, params: Mapping[str, Any]) -> str:
    """A counting in one line, for the list of jobs."""
    name = workspace.sets.name("classes", params["classes"])
    return f"Count {name} in {params['corpus']} ({rule_named(params['rule']).title})"

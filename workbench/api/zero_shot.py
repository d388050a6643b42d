"""Zero-shot evaluations: what can be asked, and asking it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.api.search import Search
from workbench.api.work import Work
from workbench.api.zero_shot_results import ZeroShotRun
from workbench.errors import InputError, UnknownName
from workbench.filters import Filters, to_json
from workbench.measures.interval import Measure
from workbench.method import Method
from workbench.prompts import builtin
from workbench.prompts.classes import ClassSet, from_labels
from workbench.prompts.prompt_sets import PromptSet, expand
from workbench.types import JobInfo

if TYPE_CHECKING:
    from store.runs import Run

__all__ = ["KIND", "ZeroShot"]

KIND = "evaluate-zero-shot"
CODE = 1
"""Raised when the same question would get another answer: old runs are then not reused."""

_ORDER = ("top1", "top5", "mean_per_class", "real_accuracy", "ece", "ece_scaled")
_UNASKED: frozenset[str] = frozenset({"pairs", "frequency"})
_GROUP_VALUES = 50
_LONGEST_GROUPS = 8


class ZeroShot(Search, Work):
    """Class sets, prompt sets, heads and runs."""

    def heads(self) -> tuple[Method, ...]:
        """The heads that can be asked for, in the order in which they are shown.

        Those that need pairs of texts or counts of words, which a run cannot name, are left out.
        """
        from workbench.methods import METHODS

        return tuple(head for head in METHODS if not head.needs & _UNASKED)

    def class_sets(self) -> tuple[tuple[str, str], ...]:
        """(key, name) of the class sets kept here, newest first."""
        return self.workspace.sets.list("classes")

    def class_set(self, key: str) -> ClassSet:
        """A class set kept here; ``imagenet`` and ``sample`` are always there.

        Raises:
            UnknownName: there is none under this key or name.
        """
        if key in ("imagenet", "sample"):
            return builtin.imagenet() if key == "imagenet" else builtin.sample_classes()
        found = next((k for k, name in self.class_sets() if key in (k, name)), key)
        return ClassSet.from_json(self.workspace.sets.get("classes", found))

    def save_class_set(self, name: str, classes: ClassSet) -> str:
        """Keep a class set under a name; returns its key."""
        self.workspace.sets.put("classes", classes.key, name, classes.to_json())
        return classes.key

    def prompt_sets(self) -> tuple[tuple[str, str], ...]:
        """(key, name) of the prompt sets kept here, newest first."""
        return self.workspace.sets.list("prompts")

    def prompt_set(self, key: str) -> PromptSet:
        """A prompt set by its key or name; those of ``builtin.PROMPT_SETS`` are always there.

        Raises:
            UnknownName: there is none.
        """
        if key in builtin.PROMPT_SETS:
            return builtin.prompt_set(key)
        found = next((k for k, name in self.prompt_sets() if key in (k, name)), key)
        return PromptSet.from_json(self.workspace.sets.get("prompts", found))

    def save_prompt_set(self, name: str, prompts: PromptSet) -> str:
        """Keep a prompt set under a name; returns its key."""
        self.workspace.sets.put("prompts", prompts.key, name, prompts.to_json())
        return prompts.key

    def default_classes(self, dataset: str, label: str = "label") -> ClassSet:
        """The classes of a dataset when nothing else is said.

        Those of the sample world, with synonyms and hierarchy, where it is the sample's; else the
        names that came with the dataset where every label is among them; else the labels.

        Raises:
            UnknownName: no such dataset or column.
            InputError: the column holds no label.
        """
        info = self.workspace.catalog.dataset(dataset)
        found = self.workspace.tables.facets(dataset, label, limit=50_000)
        labels = [str(value) for value, _ in found if value is not None]
        names = [str(name) for name in info.info.get("class_names") or ()]
        sample = builtin.sample_classes()
        if set(names) == set(sample.labels) >= set(labels):
            return sample
        if names and set(labels) <= set(names):
            return ClassSet(names=tuple(names))
        return from_labels(labels)

    def submit_zero_shot(
        self,
        dataset: str,
        model: str,
        *,
        classes: ClassSet | None = None,
        prompts: PromptSet | None = None,
        head: str = "mean",
        options: Mapping[str, Any] | None = None,
        shots: int = 1,
        label: str = "label",
        where: Filters = (),
        groups: Sequence[str] | None = None,
        seed: int = 0,
    ) -> JobInfo:
        """Queue a zero-shot evaluation; the same question is never computed twice.

        Args:
            dataset: its name; wholly embedded with the model.
            model: name or key.
            classes: to choose from; ``default_classes`` when None.
            prompts: "a photo of a NAME." when None.
            head: key of a head.
            options: its parameters by name.
            shots: images a class that few-shot heads learn from; they are not measured.
            label: column with the true class, or with lists of all true classes.
            where: conditions on the items that are evaluated.
            groups: columns to measure by; those with 2 to 50 values when None.
            seed: of everything random.

        Raises:
            UnknownName: no such dataset, model, head or column.
            InputError: images without vectors, an option that is not allowed, or prompts that do
                not suit the classes or the head.
        """
        from workbench.methods import method

        info, card = self.workspace.catalog.dataset(dataset), self.workspace.catalog.model(model)
        columns = {column.name: column for column in self.workspace.tables.columns(dataset)}
        for name in (label, *(groups or ())):
            if name not in columns:
                raise UnknownName(f"column of {dataset}", name, list(columns))
        self._check_embedded(dataset, card, "image")
        chosen = method(head)
        if chosen.needs & _UNASKED:
            raise UnknownName("head", head, [each.key for each in self.heads()])
        if "bias" in chosen.needs and card.logit_bias is None:
            raise InputError(
                f"head {chosen.title}",
                expected="a model with a logit bias (trained with the sigmoid loss)",
                got=card.name,
            )
        if shots < 1:
            raise InputError("shots", expected="at least 1 image a class", got=str(shots))
        classes = classes or self.default_classes(dataset, label)
        prompts = prompts or builtin.prompt_set("photo")
        expanded = expand(classes, prompts)
        if "aligned" in chosen.needs and not expanded.aligned:
            raise InputError(
                f"prompts for {chosen.title}",
                expected="the same templates for every class",
                got=prompts.kind + (" with synonyms" if prompts.synonyms else ""),
                do="Use templates without synonyms, or another head.",
            )
        if groups is None:
            groups = [
                name
                for name, column in columns.items()
                if name not in (label, "format")
                and column.kind in ("text", "boolean")
                and 2 <= column.distinct <= _GROUP_VALUES
            ][:_LONGEST_GROUPS]
        params = {
            "dataset": dataset,
            "version": list(self.workspace.catalog.identity(info.name)),
            "model": card.key,
            "classes": self._keep_classes(dataset, classes),
            "prompts": self._keep_prompts(prompts),
            "head": head,
            "options": chosen.options(options or {}),
            "shots": shots if "support" in chosen.needs else 0,
            "label": label,
            "where": to_json(where) if where else "",
            "groups": list(groups),
            "seed": seed,
            "code": CODE,
        }
        title = f"{chosen.title} of {card.name} on {dataset}"
        return self.workspace.jobs.submit(KIND, params, title=title, unit="images", priority=5)

    def _keep_classes(self, dataset: str, classes: ClassSet) -> str:
        known = dict(self.class_sets())
        if classes.key not in known:
            self.save_class_set(f"{len(classes):,} classes of {dataset}", classes)
        return classes.key

    def _keep_prompts(self, prompts: PromptSet) -> str:
        if prompts.key not in dict(self.prompt_sets()):
            name = next((n for n in builtin.PROMPT_SETS if builtin.prompt_set(n) == prompts), None)
            self.save_prompt_set(name or prompts.kind, prompts)
        return prompts.key

    def zero_shot_runs(self, dataset: str | None = None) -> tuple[ZeroShotRun, ...]:
        """Every zero-shot run (on a dataset), newest first."""
        names = self._model_names()
        return tuple(
            self._described(run, names)
            for run in self.workspace.runs.list(KIND)
            if dataset is None or run.params["dataset"] == dataset
        )

    def zero_shot_run(self, key: str) -> ZeroShotRun:
        """One run by its key.

        Raises:
            UnknownName: there is none.
        """
        return self._described(self._zero_shot(key), self._model_names())

    def _zero_shot(self, key: str) -> Run:
        run = self.workspace.runs.get(key)
        if run.kind != KIND:
            keys = [each.key for each in self.workspace.runs.list(KIND)]
            raise UnknownName("zero-shot run", key, keys)
        return run

    def _model_names(self) -> dict[str, str]:
        return {card.key: card.name for card in self.workspace.catalog.models()}

    def _described(self, run: Run, names: Mapping[str, str]) -> ZeroShotRun:
        params, result = run.params, run.result
        titles = {head.key: head.title for head in self.heads()}
        version = list(self.workspace.catalog.identity(params["dataset"]))
        temperature = result["temperature"]
        return ZeroShotRun(
            key=run.key,
            dataset=params["dataset"],
            model=names.get(params["model"], params["model"]),
            head=params["head"],
            head_title=titles.get(params["head"], params["head"]),
            options=params["options"],
            label=params["label"],
            classes_key=params["classes"],
            classes_name=self.workspace.sets.name("classes", params["classes"]),
            prompts_key=params["prompts"],
            prompts_name=self.workspace.sets.name("prompts", params["prompts"]),
            classes=result["classes"],
            measures={
                name: Measure(**result["measures"][name])
                for name in sorted(result["measures"], key=_place)
            },
            groups={column: tuple(rows) for column, rows in result["groups"].items()},
            temperature=float("nan") if temperature is None else temperature,
            reliability={
                name: tuple((bin_[0], bin_[1], bin_[2], bin_[3]) for bin_ in bins)
                for name, bins in result["reliability"].items()
            },
            notes=tuple(result["notes"]),
            created=run.created,
            current=list(params["version"]) == version,
        )


def _place(measure: str) -> tuple[int, str]:
    """Accuracies first, calibration next, the rest by name."""
    return (_ORDER.index(measure) if measure in _ORDER else len(_ORDER), measure)

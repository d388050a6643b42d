"""Zero-shot evaluations: what can be asked, and asking it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.api.search import Search
from workbench.api.work import Work
from workbench.api.zero_shot_results import ZeroShotRun
from workbench.errors import UnknownName
from workbench.filters import Filters
from workbench.measures.interval import Measure
from workbench.method import Method
from workbench.prompts import builtin
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet
from workbench.types import JobInfo
from workbench.worker.retrieved import Retrieval
from workbench.worker.zero_shot_question import KIND, Pairs, askable, default_classes, question

if TYPE_CHECKING:
    from store.runs import Run

__all__ = ["KIND", "ZeroShot"]

_ORDER = ("top1", "top5", "mean_per_class", "real_accuracy", "ece", "ece_scaled")


class ZeroShot(Search, Work):
    """Class sets, prompt sets, heads and runs."""

    def heads(self) -> tuple[Method, ...]:
        """The heads that can be asked for, in the order in which they are shown."""
        return askable()

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
        return default_classes(self.workspace, dataset, label)

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
        pairs: Pairs | None = None,
        retrieve: Retrieval | None = None,
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
            pairs: texts that differ in what should not, or should, decide; for heads that ask.
            retrieve: where images are retrieved by their captions, for heads that ask.
            label: column with the true class, or with lists of all true classes.
            where: conditions on the items that are evaluated.
            groups: columns to measure by; those with 2 to 50 values when None.
            seed: of everything random.

        Raises:
            UnknownName: no such dataset, model, head or column.
            InputError: images without vectors, an option that is not allowed, or prompts that do
                not suit the classes or the head.
        """
        params = question(
            self.workspace,
            dataset,
            model,
            classes=classes,
            prompts=prompts,
            head=head,
            options=options,
            shots=shots,
            pairs=pairs,
            retrieve=retrieve,
            label=label,
            where=where,
            groups=groups,
            seed=seed,
        )
        name = self.workspace.catalog.model(model).name
        title = f"{self._head_titles()[head]} of {name} on {dataset}"
        return self.workspace.jobs.submit(KIND, params, title=title, unit="images", priority=5)

    def _head_titles(self) -> dict[str, str]:
        return {head.key: head.title for head in self.heads()}

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
        titles = self._head_titles()
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

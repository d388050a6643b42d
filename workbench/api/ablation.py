"""Switching experts of a mixture off, and what that breaks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from workbench.api.ablation_results import AblationReport, AblationWay, Changed, report_of
from workbench.api.opened import Opened
from workbench.errors import InputError, UnknownName
from workbench.experts.damage import damage
from workbench.measures.compare import mcnemar
from workbench.prompts.classes import ClassSet
from workbench.types import JobInfo
from workbench.worker.ablation_question import KIND, Mode, question, titled

if TYPE_CHECKING:
    import pyarrow as pa

    from store.runs import Run

__all__ = ["KIND", "Ablation"]


class Ablation(Opened):
    """What a model does without some of its experts."""

    def submit_ablation(
        self,
        dataset: str,
        model: str,
        off: Mapping[int, Collection[int]],
        *,
        mode: Mode = "residual",
        run: str | Literal["newest"] | None = "newest",
        controls: int = 5,
        every: bool = False,
        limit: int = 1000,
        seed: int = 0,
    ) -> JobInfo:
        """Queue an ablation; the same question is never computed twice.

        Args:
            dataset: whose images and first captions are encoded with and without the experts.
            model: name or key of a mixture of experts; it need not have embedded the dataset.
            off: number of a block -> experts to switch off.
            mode: what becomes of their tokens: ``residual``, the block adds nothing to them;
                ``reroute``, they go to the best of the others.
            run: key of a zero-shot run of the model with the mean of prompts, whose images and
                prompts are encoded likewise; ``newest`` takes the newest, None leaves it out.
            controls: draws of as many other experts of the same blocks, to compare with.
            every: also switch every single expert off, one at a time.
            limit: pairs, and labelled images of the run, at most; drawn at random.
            seed: of all draws.

        Raises:
            UnknownName: no such dataset, model or run.
            ModelError: the model has no experts, or none in a block that is named.
            InputError: no such expert, a dataset without captions, a run of another model or head,
                or a number out of its range.
        """
        params = question(
            self.workspace,
            dataset,
            model,
            off,
            mode=mode,
            run=run,
            controls=controls,
            every=every,
            limit=limit,
            seed=seed,
        )
        title = titled(self.workspace.catalog.model(model), params)
        return self.workspace.jobs.submit(KIND, params, title=title, unit="inputs", priority=4)

    def ablations(
        self, dataset: str | None = None, model: str | None = None
    ) -> tuple[AblationReport, ...]:
        """Every ablation (on a dataset, of a model by name or key), newest first."""
        names = {card.key: card.name for card in self.workspace.catalog.models()}
        found = (self._ablated(run, names) for run in self.workspace.runs.list(KIND))
        return tuple(
            each
            for each in found
            if dataset in (None, each.dataset) and model in (None, each.model, each.model_key)
        )

    def ablation(self, key: str) -> AblationReport:
        """One ablation by its key.

        Raises:
            UnknownName: there is none.
        """
        names = {card.key: card.name for card in self.workspace.catalog.models()}
        return self._ablated(self._ablation(key), names)

    def ablation_damage(self, key: str, by: str = "class") -> pa.Table:
        """What changed among the images of the zero-shot run, most images lost first.

        Args:
            key: of the ablation.
            by: ``class``, or a column of the run's dataset.

        Returns:
            Columns place (number of the class or value), name, n, before, after, difference
            (after - before), fixed, broken, p, q; see ``workbench.experts.damage.Damage``.

        Raises:
            UnknownName: no such ablation or column.
            InputError: the ablation repeated no zero-shot run.
        """
        import pyarrow as pa

        answers = self._answers(self._ablation(key))
        truth, before, after = (answers[c].to_numpy() for c in ("truth", "before", "after"))
        names, group = self._grouped(key, by)
        found = damage(group, truth, before, after, len(names))
        change = found.after - found.before
        net = found.fixed - found.broken
        order = [int(i) for i in np.lexsort((change, net)) if found.n[i]]
        columns = {
            "place": np.array(order, np.int64),
            "name": pa.array([names[i] for i in order], pa.string()),
            "n": found.n[order],
            "before": found.before[order],
            "after": found.after[order],
            "difference": change[order],
            "fixed": found.fixed[order],
            "broken": found.broken[order],
            "p": found.p[order],
            "q": found.q[order],
        }
        return pa.table(columns)

    def ablation_changed(
        self,
        key: str,
        way: AblationWay = "classes",
        *,
        by: str = "class",
        place: int | None = None,
    ) -> Changed:
        """Which items an ablation fixes and breaks.

        Args:
            key: of the ablation.
            way: of what.
            by: ``class``, or a column of the zero-shot run's dataset; for ``classes``.
            place: only images of this class or value, as ``ablation_damage`` numbers them.

        Raises:
            UnknownName: no such ablation or column.
            InputError: classes of an ablation that repeated no zero-shot run.
        """
        run = self._ablation(key)
        if way != "classes":
            side = "image" if way == "image_to_text" else "text"
            pairs = self.workspace.runs.table(run, "pairs")
            before, after = (pairs[f"{side}_{when}"].to_numpy() for when in ("before", "after"))
            rows = pairs["row"].to_numpy()
            return _changed(
                run.params["dataset"], rows, after & ~before, before & ~after, len(rows)
            )
        answers = self._answers(run)
        names = self._ablated_names(run)
        rows, truth, first, second = (
            answers[name].to_numpy() for name in ("row", "truth", "before", "after")
        )
        mine = np.ones(len(rows), np.bool_)
        if place is not None:
            mine = self._grouped(key, by)[1] == place
        fixed = mine & (second == truth) & (first != truth)
        broken = mine & (first == truth) & (second != truth)
        either = np.flatnonzero(fixed | broken).tolist()
        found = _changed(run.params["zero_shot"]["dataset"], rows, fixed, broken, int(mine.sum()))
        return replace(
            found,
            titles={int(rows[i]): names[truth[i]] for i in either},
            words={int(rows[i]): (names[first[i]], names[second[i]]) for i in either},
        )

    def ablation_captions(self, key: str, rows: Collection[int]) -> dict[int, str]:
        """The caption that was looked at of each of these items of the ablation's dataset."""
        run = self._ablation(key)
        pairs = self.workspace.runs.table(run, "pairs")
        by_row = dict(zip(*(pairs[c].to_pylist() for c in ("row", "caption_row")), strict=True))
        known = [row for row in rows if row in by_row]
        captions = np.array([by_row[row] for row in known], np.int64)
        texts = self.workspace.tables.captions(run.params["dataset"], captions)["text"]
        return dict(zip(known, texts.to_pylist(), strict=True))

    def ablation_columns(self, key: str) -> tuple[str, ...]:
        """Columns of the zero-shot run's dataset that damage can be divided by."""
        run = self._ablation(key)
        asked = run.params["zero_shot"]
        if asked is None:
            return ()
        try:
            return tuple(self.workspace.runs.get(asked["run"]).params["groups"])
        except UnknownName:  # the run went with its dataset
            return ()

    def _grouped(self, key: str, by: str) -> tuple[list[str], np.ndarray]:
        """Names of the groups, and the group of each labelled image; -1 for none."""
        run = self._ablation(key)
        answers = self._answers(run)
        if by == "class":
            return list(self._ablated_names(run)), answers["truth"].to_numpy()
        dataset, rows = run.params["zero_shot"]["dataset"], answers["row"].to_numpy()
        values = self.workspace.tables.take(dataset, rows, [by])[by].to_pylist()
        names = sorted({str(value) for value in values if value is not None})
        places = {name: place for place, name in enumerate(names)}
        return names, np.array([-1 if v is None else places[str(v)] for v in values], np.int64)

    def _answers(self, run: Run) -> pa.Table:
        if "answers" not in run.tables:
            raise InputError(
                f"ablation {run.key}",
                expected="a zero-shot run",
                got="none",
                do="Evaluate the model with the mean of prompts, then ablate again.",
            )
        return self.workspace.runs.table(run, "answers")

    def _ablated_names(self, run: Run) -> tuple[str, ...]:
        key = run.params["zero_shot"]["classes"]
        return ClassSet.from_json(self.workspace.sets.get("classes", key)).names

    def _ablation(self, key: str) -> Run:
        run = self.workspace.runs.get(key)
        if run.kind != KIND:
            keys = [each.key for each in self.workspace.runs.list(KIND)]
            raise UnknownName("ablation", key, keys)
        return run

    def _ablated(self, run: Run, names: Mapping[str, str]) -> AblationReport:
        version = list(self.workspace.catalog.identity(run.params["dataset"]))
        return report_of(
            run.key,
            run.params,
            run.result,
            model=names.get(run.params["model"], run.params["model"]),
            created=run.created,
            current=list(run.params["version"]) == version,
        )


def _changed(
    dataset: str, rows: np.ndarray, fixed: np.ndarray, broken: np.ndarray, n: int
) -> Changed:
    return Changed(
        dataset=dataset,
        fixed=tuple(rows[fixed].tolist()),
        broken=tuple(rows[broken].tolist()),
        n=n,
        p=mcnemar(int(fixed.sum()), int(broken.sum())),
        titles={},
        words={},
    )

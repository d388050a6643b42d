"""Two runs held against each other, and what another name would do to a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.api.class_texts import ClassTexts, rivals
from workbench.api.zero_shot_results import Comparison, Disagreement
from workbench.errors import InputError
from workbench.heads.mean import class_vectors
from workbench.measures.compare import paired
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import expand
from workbench.types import Floats

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Changes"]


class Changes(ClassTexts):
    """What changes between runs, or would."""

    def compare(self, first: str, second: str) -> Comparison:
        """A second run against a first, on the images with a label that both looked at.

        Raises:
            UnknownName: no such run.
            InputError: different datasets or labels, or no image in common.
        """
        runs = [self._zero_shot(key) for key in (first, second)]
        if runs[0].params["dataset"] != runs[1].params["dataset"]:
            got = " and ".join(repr(run.params["dataset"]) for run in runs)
            raise InputError("comparison", expected="two runs on one dataset", got=got)
        tables = [self.workspace.predictions.table(run) for run in runs]
        before, after = (table["row"].to_numpy() for table in tables)
        common, one, two = np.intersect1d(before, after, assume_unique=True, return_indices=True)
        labels = [
            np.array([*self._run_table(run.key, "classes")["label"].to_pylist(), ""], dtype=object)
            for run in runs
        ]
        truth = labels[0][tables[0]["truth"].to_numpy()[one]]
        known = (truth != "") & (truth == labels[1][tables[1]["truth"].to_numpy()[two]])
        if not known.any():
            raise InputError("comparison", expected="images with a label in both", got="none")
        answers = [
            labels[i][tables[i]["predicted"].to_numpy()[places]][known]
            for i, places in enumerate((one, two))
        ]
        names, coded = np.unique(np.concatenate([truth[known], *answers]), return_inverse=True)
        coded_truth, first_said, second_said = np.split(coded, 3)
        found = paired(coded_truth, first_said, second_said)
        kept = common[known]
        return Comparison(
            first=first,
            second=second,
            difference=found.difference,
            p=found.p,
            fixed=tuple(kept[found.fixed].tolist()),
            broken=tuple(kept[found.broken].tolist()),
            agreement=found.agreement,
            kappa=found.kappa,
            per_class=_by_class(names, coded_truth, first_said, second_said, labels[0]),
        )

    def disagreement(self, first: str, second: str) -> Disagreement:
        """Which class a second run says where a first says another; labels are not needed.

        Raises:
            UnknownName: no such run.
            InputError: different datasets or classes, or no image in common.
        """
        import pyarrow as pa

        _, one, two, said = self._both(first, second)
        names = self._run_table(first, "classes")["name"].to_pylist()
        truth = self.workspace.predictions.table(self._zero_shot(first))["truth"].to_numpy()[one]
        pairs, cell = np.unique(np.column_stack(said), axis=0, return_inverse=True)
        cell = cell.reshape(-1)
        counts = {
            "n": np.bincount(cell, minlength=len(pairs)),
            "first_right": np.bincount(cell[said[0] == truth], minlength=len(pairs)),
            "second_right": np.bincount(cell[said[1] == truth], minlength=len(pairs)),
        }
        table = pa.table({"first": pairs[:, 0], "second": pairs[:, 1], **counts})
        return Disagreement(
            first=first,
            second=second,
            names=tuple(names),
            cells=table.sort_by([("n", "descending"), ("first", "ascending")]),
            agreement=float((said[0] == said[1]).mean()),
            n=len(two),
        )

    def answered(self, first: str, second: str, one: int, two: int) -> tuple[int, ...]:
        """Rows of the items that a first run answers with class ``one`` and a second with ``two``.

        Raises:
            UnknownName: no such run.
            InputError: different datasets or classes, or no image in common.
        """
        rows, _, _, said = self._both(first, second)
        return tuple(rows[(said[0] == one) & (said[1] == two)].tolist())

    def _both(
        self, first: str, second: str, *, classes: bool = True
    ) -> tuple[Any, Any, Any, list[Any]]:
        """Rows that both runs looked at, their places in each, and both runs' answers.

        Without ``classes`` the sets may differ; the caller knows how their places correspond.
        """
        runs = [self._zero_shot(key) for key in (first, second)]
        for what in ("dataset", "classes")[: 1 + classes]:
            if runs[0].params[what] != runs[1].params[what]:
                raise InputError(
                    "disagreement",
                    expected=f"two runs with the same {what}",
                    got="different ones",
                    do="Choose another run to compare with.",
                )
        tables = [self.workspace.predictions.table(run) for run in runs]
        seen, again = (table["row"].to_numpy() for table in tables)
        rows, one, two = np.intersect1d(seen, again, assume_unique=True, return_indices=True)
        if not len(rows):
            raise InputError("disagreement", expected="images that both looked at", got="none")
        places = zip(tables, (one, two), strict=True)
        return rows, one, two, [table["predicted"].to_numpy()[at] for table, at in places]

    def rename(
        self, key: str, place: int, name: str
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """What another name for one class would do: accuracies before and after.

        Only the scores of this class change; the best and second best of all others are kept in
        the predictions, so nothing is computed anew but one product an image. For the head
        ``mean``.

        Args:
            key: of the run.
            place: the class.
            name: put into the prompts instead of its name.

        Returns:
            (accuracy of the class, accuracy of all) before, and the same after.

        Raises:
            InputError: another head, no such class, prompts that are not made from the name, or an
                empty name.
        """
        run = self._zero_shot(key)
        classes = self.class_set(run.params["classes"])
        prompts = self.prompt_set(run.params["prompts"])
        if run.params["head"] != "mean" or prompts.kind != "templates":
            raise InputError(
                "renaming a class",
                expected="a run of the mean of templates",
                got=f"{run.params['head']} of {prompts.kind}",
            )
        if not 0 <= place < len(classes) or not name.strip():
            got = f"class {place}, name {name!r}"
            raise InputError("renaming", expected=f"a class below {len(classes)}", got=got)
        alone = ClassSet(names=(name.strip(),))
        card = self.workspace.catalog.model(run.params["model"])
        texts = expand(alone, prompts)
        vectors = self._worker_client().encode_text(card.name, texts.texts)
        (weight,), _ = class_vectors(vectors, texts.starts)
        weight *= np.float32(card.logit_scale)
        table = self.workspace.predictions.table(run)
        images = self.workspace.vectors.take(
            run.params["dataset"], run.params["model"], "image", table["row"].to_numpy()
        )
        return _renamed(table, images @ weight + np.float32(card.logit_bias or 0), place)


def _by_class(names: Any, truth: Any, before: Any, after: Any, labels: Any) -> pa.Table:
    """Accuracy of each class in both runs, the largest change first."""
    import pyarrow as pa

    n = np.bincount(truth, minlength=len(names))
    shares = [
        np.bincount(truth[answers == truth], minlength=len(names)) / np.maximum(n, 1)
        for answers in (before, after)
    ]
    places = {label: place for place, label in reversed(list(enumerate(labels[:-1])))}
    order = [i for i in np.argsort(-np.abs(shares[1] - shares[0]), kind="stable") if n[i]]
    return pa.table(
        {
            "class": pa.array([places.get(names[i], -1) for i in order], pa.int32()),
            "name": pa.array([names[i] for i in order], pa.string()),
            "n": pa.array(n[order]),
            "first": pa.array(shares[0][order]),
            "second": pa.array(shares[1][order]),
            "difference": pa.array((shares[1] - shares[0])[order]),
        }
    )


def _renamed(
    table: pa.Table, scores: Floats, place: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    truth, before = table["truth"].to_numpy(), table["predicted"].to_numpy()
    width = table["top"].type.list_size
    rival, level = rivals(table, place)
    wins = (scores > level) | ((scores == level) & (place < rival)) | (width == 1)
    after = np.where(wins, place, rival)
    known, mine = truth >= 0, truth == place

    def shares(answers: Any) -> tuple[float, float]:
        right = answers == truth
        of_class = float(right[mine].mean()) if mine.any() else float("nan")
        return of_class, float(right[known].mean())

    return shares(before), shares(after)

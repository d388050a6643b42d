"""The job ``review``: what kind of mistakes a zero-shot run made, and which labels are to blame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.measures.calibration import log_softmax
from workbench.measures.confident import LABEL_RULES, LabelIssues, label_issues
from workbench.measures.error_types import RULES, Evidence, propose
from workbench.measures.slices import PairSlice, Slice, class_slices, embedding_slices
from workbench.types import Floats, JobInfo, Rows
from workbench.worker.review_evidence import beyond_classes, far, fine_grained, spurious
from workbench.worker.zero_shot_scorer import classes_of, prompts_of, scorer_of
from workbench.worker.zero_shot_scoring import StoredImages
from workbench.worker.zero_shot_texts import text_vectors

if TYPE_CHECKING:
    from store.runs import Run
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["KIND", "run"]

KIND = "review"
_CELLS = 1 << 22
_PAIRS = 50


def run(job: JobInfo, workspace: Workspace, control: Control) -> Mapping[str, Any]:
    """Review the run that ``params`` names (``run``, ``code``), unless that was done before.

    Table ``issues``: row, given, suggested (classes), margin, odds, clear, by_rate, by_joint; the
    labels that a rule of confident learning doubts, the worst first. Table ``proposals``: row,
    category, word (that fits better than every class, or null); one row a mistake. Table
    ``slices``: slice, row. The result holds what each slice has in common.

    Raises:
        InputError: the run's head cannot score again, or no image has a label.
    """
    known = workspace.runs.find(KIND, job.params)
    if known is not None:
        control.tick(message="Computed before; the result was kept.")
        return {"run": known.key}
    return {"run": _Review.of(workspace, control, job.params["run"]).publish(job.params)}


@dataclass
class _Review:
    """One review under way: the run, its images, its answers."""

    workspace: Workspace
    control: Control
    made: Run
    rows: Rows
    truth: NDArray[np.int32]
    predicted: NDArray[np.int32]

    @classmethod
    def of(cls, workspace: Workspace, control: Control, key: str) -> _Review:
        made = workspace.runs.get(key)
        table = workspace.predictions.table(made)
        columns = (table[name].to_numpy() for name in ("row", "truth", "predicted"))
        return cls(workspace, control, made, *columns)

    @property
    def mistakes(self) -> Rows:
        """Places of the wrong answers among the run's images."""
        return np.flatnonzero((self.truth >= 0) & (self.truth != self.predicted))

    def publish(self, params: Mapping[str, Any]) -> str:
        """Compute everything and keep it; the key."""
        issues = self._issues()
        groups = self._groups()
        wrong = np.zeros(len(self.rows), dtype=bool)
        wrong[self.mistakes] = True
        pairs = class_slices(self.predicted, wrong, groups, truth=self.truth)
        self.control.tick(message="Looking for what mistakes have in common")
        vectors = self.workspace.vectors.take(
            self.made.params["dataset"], self.made.params["model"], "image", self.rows
        )
        slices = self._slices(vectors, groups)
        self.control.tick(message="Proposing a kind for each mistake")
        words = self._words(vectors)
        kinds = propose(self._evidence(issues, pairs, groups, vectors, words))
        names = [RULES[kind].category for kind in kinds]
        result = {
            "issues": {rule.key: int(getattr(issues, rule.key).sum()) for rule in LABEL_RULES},
            "labelled": int((self.truth >= 0).sum()),
            "categories": {rule.category: names.count(rule.category) for rule in RULES},
            "slices": [_slice(found) for found in slices],
            "pairs": [{"predicted": p.predicted, **_plain(p.excess)} for p in pairs[:_PAIRS]],
        }
        tables = {
            "issues": pa.table(
                {
                    "row": pa.array(self.rows[issues.places]),
                    "given": pa.array(self.truth[issues.places]),
                    "suggested": pa.array(issues.suggested),
                    "margin": pa.array(issues.margin),
                    "odds": pa.array(issues.odds),
                    "clear": pa.array(issues.clear),
                    "by_rate": pa.array(issues.by_rate),
                    "by_joint": pa.array(issues.by_joint),
                }
            ),
            "proposals": pa.table(
                {
                    "row": pa.array(self.rows[self.mistakes]),
                    "category": pa.array(names, pa.string()),
                    "word": pa.array(words, pa.string()),
                }
            ),
            "slices": self._slice_table(slices),
        }
        dataset = self.made.params["dataset"]
        return self.workspace.runs.publish(KIND, params, result, tables, dataset=dataset).key

    def _issues(self) -> LabelIssues:
        """Labels that the run's calibrated probabilities speak against."""
        prompts, texts = prompts_of(self.workspace, self.made)
        scorer = scorer_of(self.workspace, self.made, prompts, texts)
        if scorer is None or texts is None:
            raise InputError(
                f"review of head {self.made.params['head']!r}",
                expected="a head that adds up prompts",
                got="one that does not",
                do="Review a run of the mean of prompts, for example.",
            )
        params = self.made.params
        dim = texts.shape[1]
        images = StoredImages(self.workspace, params["dataset"], params["model"], self.rows, dim)
        classes = len(prompts.starts) - 1
        temperature = np.float32(self.made.result["temperature"] or 1.0)
        done = 0

        def blocks() -> Iterator[tuple[int, Floats]]:
            nonlocal done
            for start, block in images.blocks(max(1, min(8192, _CELLS // classes))):
                logs = log_softmax(scorer.logits(block, start) / temperature)
                yield start, np.exp(logs).astype(np.float32)
                done += len(block)
                self.control.tick(done, 3 * images.n, "Weighing labels")

        return label_issues(blocks, self.truth, classes)

    def _groups(self) -> dict[str, list[Any]]:
        columns = list(self.made.params["groups"])
        if not columns:
            return {}
        table = self.workspace.tables.take(self.made.params["dataset"], self.rows, columns)
        return {name: table[name].to_pylist() for name in columns}

    def _slices(self, vectors: Floats, groups: Mapping[str, list[Any]]) -> tuple[Slice, ...]:
        """Mistakes that differ alike from their classes; in class names and group values."""
        classes = classes_of(self.workspace, self.made)
        values = (value for each in groups.values() for value in each if isinstance(value, str))
        words = list(dict.fromkeys([*classes.names, *values]))
        known = text_vectors(self.workspace, self.control, self.made.params["model"], words)
        return embedding_slices(
            vectors,
            self.mistakes,
            groups,
            words,
            known,
            truth=self.truth,
            answers=[classes.names[place] for place in self.predicted],
            seed=int(self.made.params["seed"]),
        )

    def _slice_table(self, slices: tuple[Slice, ...]) -> pa.Table:
        """Members of each slice, the nearest to its centre first."""
        members = [self.rows[self.mistakes[found.members]] for found in slices]
        numbers = [np.full(len(rows), number) for number, rows in enumerate(members)]
        empty = [np.empty(0, dtype=np.int64)]
        return pa.table(
            {
                "slice": pa.array(np.concatenate([*numbers, *empty]).astype(np.int64)),
                "row": pa.array(np.concatenate([*members, *empty]).astype(np.int64)),
            }
        )

    def _evidence(
        self,
        issues: LabelIssues,
        pairs: tuple[PairSlice, ...],
        groups: Mapping[str, list[Any]],
        vectors: Floats,
        words: list[str | None],
    ) -> Evidence:
        """What speaks for each kind, for each mistake."""
        wrong = self.mistakes
        truth, predicted = self.truth[wrong], self.predicted[wrong]
        return Evidence(
            label_wrong=np.isin(wrong, issues.places[issues.clear]),
            # a run's truth is the best scored true label: an answer among them is no mistake
            several_true=np.zeros(len(wrong), dtype=bool),
            fine_grained=fine_grained(classes_of(self.workspace, self.made), truth, predicted),
            out_of_vocabulary=np.array([word is not None for word in words], dtype=bool),
            spurious=spurious(pairs, groups, wrong, predicted),
            non_prototypical=far(vectors, self.truth)[wrong],
        )

    def _words(self, vectors: Floats) -> list[str | None]:
        """Of each mistake the word that fits better than every class."""
        model = str(self.made.params["model"])
        classes = classes_of(self.workspace, self.made)
        wrong = vectors[self.mistakes]
        return beyond_classes(self.workspace, self.control, model, classes, wrong)


def _slice(found: Slice) -> dict[str, Any]:
    return {
        "size": len(found.members),
        "words": [[word, score] for word, score in found.words],
        "excesses": [_plain(excess) for excess in found.excesses[:5]],
        "cohesion": found.cohesion,
        "answers": [_plain(excess) for excess in found.answers[:5]],
    }


def _plain(excess: Any) -> dict[str, Any]:
    return asdict(excess)

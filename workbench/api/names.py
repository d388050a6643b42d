"""What classes are called: accuracy by synonym, the most frequent names, and the tail as a set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.api.items import Items
from workbench.api.tail import LongTail
from workbench.errors import InputError, UnknownName
from workbench.longtail.balance import Effective
from workbench.longtail.bins import mean
from workbench.longtail.concepts import Concepts, Counts
from workbench.longtail.synonyms import Gain, Spoken, agreement, gain, per_synonym
from workbench.longtail.tail_set import Manifest, Written, rarest, write_tail_set
from workbench.measures.interval import Measure
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import expand
from workbench.types import JobInfo
from workbench.worker.version import check_version

if TYPE_CHECKING:
    import pyarrow as pa

    from store.runs import Run

__all__ = ["BalanceRun", "RareClasses", "SynonymReport", "Tails"]

SYNONYMS, BALANCE = "evaluate-synonyms", "balance-corpus"
ZERO_SHOT = "evaluate-zero-shot"
CODE = 1


@dataclass(frozen=True)
class SynonymReport:
    """Accuracy of each class under each of its names, beside the captions that use the name.

    Args:
        concepts: C classes.
        rows: L names, class by class.
        agreement: of pairs of names of one class with different counts, how often the more
            frequent one is also the more accurate one, in [0, 1], averaged over classes.
    """

    concepts: Concepts
    rows: tuple[Spoken, ...]
    agreement: Measure


@dataclass(frozen=True)
class RareClasses:
    """The rarest classes of a run.

    Args:
        table: a row a class, the rarest first: class (its place in the run), name, captions,
            images, accuracy (percent, null without images), low, high (its 95% interval).
        rare: mean accuracy of those with images, in points; NaN without any.
        rest: of the other classes with a count and images.
        absent: classes of the run without a count, which cannot be chosen.
        label: which quantity the counts are.
    """

    table: pa.Table
    rare: Measure
    rest: Measure
    absent: int
    label: str


@dataclass(frozen=True)
class BalanceRun:
    """A corpus as a cap leaves it.

    Args:
        key: of the run.
        count: key of the counting.
        cap: t.
        seed: of the sample.
        names: C concepts.
        effective: what happens to each.
        texts: whether the sample's captions are kept, not their numbers alone.
    """

    key: str
    count: str
    cap: float
    seed: int
    names: tuple[str, ...]
    effective: Effective
    texts: bool


class Tails(LongTail, Items):
    """Names, rare classes, and balance."""

    def submit_synonyms(self, run: str) -> JobInfo:
        """Queue the accuracy of each class under each of its names.

        Args:
            run: key of a zero-shot run of the mean of templates.

        Raises:
            UnknownName: no such run.
            InputError: a run of another head, or classes without synonyms.
        """
        asked = self.zero_shot_run(run)
        classes = self.class_set(asked.classes_key)
        if asked.head != "mean" or self.prompt_set(asked.prompts_key).kind != "templates":
            got = f"{asked.head_title} of {asked.prompts_name}"
            raise InputError("accuracy by synonym", expected="the mean of templates", got=got)
        if not any(classes.synonyms):
            raise InputError(
                f"class set {asked.classes_name!r}",
                expected="classes with synonyms",
                got="none with any",
                do="Attach synonyms to the classes, and evaluate again.",
            )
        title = f"Accuracy by synonym of {asked.model} on {asked.dataset}"
        params = {"run": run, "dataset": asked.dataset, "code": CODE}
        return self.workspace.jobs.submit(SYNONYMS, params, title=title, unit="images", priority=5)

    def synonyms(self, run: str, count: str) -> SynonymReport | None:
        """Accuracy by synonym against captions; None where ``submit_synonyms`` was not asked.

        Only captions that name no other class count, as in ``frequent_names``.

        Args:
            run: key of a zero-shot run.
            count: key of a counting of the same class set with synonyms.

        Raises:
            UnknownName: no such run or counting.
            InputError: a counting of other names.
        """
        asked, counts = self._zero_shot(run), self.counted(count)
        params = {"run": run, "dataset": asked.params["dataset"], "code": CODE}
        found = self.workspace.runs.find(SYNONYMS, params)
        if found is None:
            return None
        terms = self.workspace.runs.table(found, "terms")
        self._check_counted(asked, counts.concepts)
        accuracy = terms["accuracy"].to_numpy(zero_copy_only=False).astype(np.float64)
        return SynonymReport(
            concepts=counts.concepts,
            rows=per_synonym(counts.concepts, _alone(counts), accuracy),
            agreement=agreement(counts.concepts, _alone(counts), accuracy),
        )

    def _check_counted(self, asked: Run, concepts: Concepts) -> None:
        classes = self.class_set(asked.params["classes"])
        if Concepts.of(classes.names, classes.synonyms).key != concepts.key:
            raise InputError(
                "counting",
                expected="the run's classes, with their synonyms",
                got="other names",
                do="Count this class set with synonyms in a corpus first.",
            )

    def frequent_names(self, run: str, count: str) -> ClassSet:
        """The classes of a run, each called by the name that captions use most for it.

        Only captions that name no other class count: they stand for the relevance that REAL asks a
        language model about, because a word beside another class often means something else.

        Raises:
            UnknownName: no such run or counting.
            InputError: a counting of other names.
        """
        from workbench.heads.real_prompt import most_frequent

        asked, counts = self._zero_shot(run), self.counted(count)
        self._check_counted(asked, counts.concepts)
        classes = self.class_set(asked.params["classes"])
        terms, _ = counts.concepts.flat()
        by_name = dict(zip(terms, _alone(counts).tolist(), strict=True))
        return most_frequent(classes, by_name)

    def submit_frequent_names(self, run: str, count: str) -> JobInfo:
        """Queue a run again with each class called by its most frequent name (REAL-Prompt).

        Raises:
            UnknownName: no such run or counting, or its model is gone.
            InputError: a counting of other names; a dataset that changed since the run; or
                prompts that do not suit the new names.
        """
        asked, classes = self._zero_shot(run).params, self.frequent_names(run, count)
        check_version(self.workspace, asked["dataset"], asked["version"])
        expand(classes, self.prompt_set(asked["prompts"]))  # else the job would refuse it
        if classes.key not in dict(self.class_sets()):
            name = self.workspace.sets.name("classes", asked["classes"])
            self.save_class_set(f"{name}, most frequent names", classes)
        model = self.workspace.catalog.model(asked["model"]).name
        title = f"Most frequent names: {self._head_titles()[asked['head']]} of {model}"
        params = {**asked, "classes": classes.key}
        return self.workspace.jobs.submit(
            ZERO_SHOT, params, title=f"{title} on {asked['dataset']}", unit="images", priority=5
        )

    def frequent_names_run(self, run: str, count: str) -> str | None:
        """Key of the run that ``submit_frequent_names`` made; None before."""
        asked = dict(self._zero_shot(run).params)
        asked["classes"] = self.frequent_names(run, count).key
        found = self.workspace.runs.find(ZERO_SHOT, asked)
        return None if found is None else found.key

    def frequent_names_gain(self, run: str, count: str, *, seed: int = 0) -> Gain | None:
        """What the most frequent names gain, over all images and class by class.

        None before ``submit_frequent_names`` was done.

        Raises:
            UnknownName: no such run or counting.
            InputError: a counting of other names.
        """
        other = self.frequent_names_run(run, count)
        if other is None:
            return None
        counts = self.counted(count)
        new = self.class_set(self._zero_shot(other).params["classes"]).names
        _, one, two, said = self._both(run, other, classes=False)
        truth, now = (
            self.workspace.predictions.table(self._zero_shot(key))["truth"].to_numpy()[places]
            for key, places in ((run, one), (other, two))
        )
        # of several true labels each run is judged by the one it scores best
        after = np.where(said[1] == now, truth, said[1])
        known = truth >= 0
        return gain(counts.concepts, new, truth[known], said[0][known], after[known], seed=seed)

    def rarest(self, frequency: str, k: int = 20) -> tuple[tuple[str, float], ...]:
        """The k rarest concepts of a source with their counts, the rarest first.

        Raises:
            UnknownName: no such source.
            InputError: k below 1.
        """
        found = self.frequency(frequency)
        places = rarest(found.names, found.counts, k)
        return tuple((found.names[place], float(found.counts[place])) for place in places)

    def rare_classes(self, run: str, frequency: str, k: int = 20) -> RareClasses:
        """The k rarest classes of a run, as ``export_tail`` writes them.

        Raises:
            UnknownName: no such run or source.
            InputError: k below 1, or no class with a count.
        """
        import pyarrow as pa

        scored, counted, _ = self._joined(f"run:{run}", frequency, None)
        chosen = rarest(counted.names, counted.counts, k)
        others = np.ones(len(scored.names), dtype=bool)
        others[chosen] = False
        measured = ~np.isnan(scored.accuracy)
        others &= measured & ~np.isnan(counted.counts)
        classes = self.run_classes(run).take(chosen)
        percent = {
            name: 100 * classes[name].to_numpy(zero_copy_only=False).astype(np.float64)
            for name in ("accuracy", "low", "high")
        }
        kept = chosen[measured[chosen]]
        return RareClasses(
            table=pa.table(
                {
                    "class": classes["class"],
                    "name": classes["name"],
                    "captions": counted.counts[chosen],
                    "images": classes["n"],
                    **{name: pa.array(v, from_pandas=True) for name, v in percent.items()},
                }
            ),
            rare=mean(scored.accuracy[kept]),
            rest=mean(scored.accuracy[others]),
            absent=len(counted.absent),
            label=counted.label,
        )

    def export_tail(self, run: str, frequency: str, folder: str | Path, *, k: int = 20) -> Written:
        """Write the images of the k rarest classes of a run as a test set of their own.

        A class list, the images in one folder a class, a table of them with checksums, and a
        manifest: whole or not at all. The folder can be imported again.

        Args:
            run: key of a zero-shot run, whose dataset and classes are taken.
            frequency: key of one of ``frequency_sources``.
            folder: new, or empty.
            k: classes.

        Raises:
            UnknownName: no such run or source.
            InputError: the folder holds something.
            DiskFull: no room left; nothing stays behind.
        """
        asked = self.zero_shot_run(run)
        names = tuple(self.run_classes(run)["name"].to_pylist())
        _, counted, _ = self._joined(f"run:{run}", frequency, None)
        manifest = Manifest.of(names, counted.counts, k, corpus=counted.corpus, rule=counted.rule)
        chosen = set(rarest(names, counted.counts, k).tolist())
        images = self._images_of(asked.dataset, self._zero_shot(run), names, chosen)
        return write_tail_set(Path(folder), manifest, images)

    def _images_of(
        self, dataset: str, run: Run, names: tuple[str, ...], chosen: set[int]
    ) -> Iterator[tuple[str, str, bytes]]:
        table = self.workspace.predictions.table(run)
        truth, rows = table["truth"].to_numpy(), table["row"].to_numpy()
        for place in sorted(chosen):
            for row in rows[truth == place].tolist():
                found = self.item(dataset, row)
                ending = str(found.columns.get("format") or "png").lower()
                name = Path(found.item).name
                ending = "jpg" if ending == "jpeg" else ending
                if Path(name).suffix.lower().replace("jpeg", "jpg") != f".{ending}":
                    name = f"{name}.{ending}"
                yield names[place], name, self.image(dataset, row)

    def submit_balance(self, count: str, cap: float, *, seed: int = 0) -> JobInfo:
        """Queue the balance of a counted corpus by MetaCLIP's cap.

        Args:
            count: key of a counting.
            cap: t: concepts in more captions are thinned to about so many.
            seed: of the sample.

        Raises:
            UnknownName: no such counting.
            InputError: a cap that is not above 0, or a seed below 0.
        """
        counted = self.count_run(count)
        if not 0 < cap < float("inf"):
            raise InputError("cap", expected="a number of captions above 0", got=f"{cap:g}")
        if seed < 0:
            raise InputError("seed", expected="a whole number from 0", got=str(seed))
        params = {"count": count, "cap": float(cap), "seed": seed, "code": CODE}
        title = f"Balance {counted.corpus} at {cap:,.0f} captions a concept"
        return self.workspace.jobs.submit(BALANCE, params, title=title, unit="captions", priority=5)

    def balances(self, count: str) -> tuple[BalanceRun, ...]:
        """Every balance of a counting that was made, newest first."""
        return tuple(
            self._balance(run)
            for run in self.workspace.runs.list(BALANCE)
            if run.params["count"] == count
        )

    def balance_sample(self, key: str) -> pa.Table:
        """The captions that stayed: number, and caption where texts were kept.

        Raises:
            UnknownName: no such balance.
        """
        run = self.workspace.runs.get(key)
        if run.kind != BALANCE:
            known = [each.key for each in self.workspace.runs.list(BALANCE)]
            raise UnknownName("balance", key, known)
        return self.workspace.runs.table(run, "sample")

    def _balance(self, run: Run) -> BalanceRun:
        table = self.workspace.runs.table(run, "concepts")
        columns = {
            name: table[name].to_numpy() for name in ("before", "alone", "expected", "actual")
        }
        told = {name: run.result[name] for name in ("captions", "matched", "kept", "kept_expected")}
        return BalanceRun(
            key=run.key,
            count=run.params["count"],
            cap=run.params["cap"],
            seed=run.params["seed"],
            names=tuple(table["name"].to_pylist()),
            effective=Effective(**columns, **told),
            texts=run.result["kept"] == 0 or "caption" in self.balance_sample(run.key).column_names,
        )


def _alone(counts: Counts) -> NDArray[np.int64]:
    return counts.by_term if counts.alone is None else counts.alone
